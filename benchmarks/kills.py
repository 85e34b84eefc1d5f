"""Kill runs at random moments: ``python -m benchmarks.kills [KILLS]``.

A tiny random model, a handful of questions, every stage (retrieval, two tunings, answers, latency, verdicts). A run is a forked
process that has its libraries already, so that kills fall into the work and not into imports. Every kill is SIGKILL; a run that ends by
itself begins anew with an empty store. After each kill the store is read: no item and no artifact that was stored before may be gone
(lost) or stand there a second time or be written again (recomputed), and each finished run must have the bytes of an undisturbed one.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

#: before any library reads them
os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}

FILES = ("answers.jsonl", "summary.json", "experiment.yaml")
EXPERIMENT = """\
name: kills
corpus: corpus
generator: {model: ./model, max_new_tokens: 8, batch_tokens: 256}
retrieval: {lexical: true, rerank: {candidates: 3}, top_k: 1}
latency: {sample: 2}
setups:
  plain: {}
  rag: {retrieval: true}
  extractive: {retrieval: true, generator: {model: extractive}}
  tuned: {tuning: {train_on: closed-book, epochs: 6, batch_tokens: 64, save_seconds: 0.1, lora: {r: 2}}}
  read: {retrieval: true, tuning: {train_on: contexts, epochs: 4, batch_tokens: 64, save_seconds: 0.1, lora: {r: 2}}}
"""


@dataclass
class Found:
    """What the kills did to stores: ``unlike`` counts finished runs whose bytes differ, ``failed`` those that ended in an error."""

    kills: int = 0
    finished: int = 0
    lost: int = 0
    recomputed: int = 0
    unlike: int = 0
    failed: int = 0


@dataclass
class Held:
    """What a store holds: how often each item of a log stands there, and when each artifact was written."""

    items: dict[str, int] = field(default_factory=dict)
    artifacts: dict[str, int] = field(default_factory=dict)


def make(root: Path) -> None:
    """The experiment, its corpus and its model."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    (root / "corpus" / "documents").mkdir(parents=True)
    questions, texts = [], []
    for n in range(12):
        text = f"Room {n} opens at {n + 6}:00. The key of room {n} hangs on hook {n * 3}."
        texts.append(text)
        (root / "corpus" / "documents" / f"room{n}.txt").write_text(text)
        asked = {"id": f"q{n}", "question": f"When does room {n} open?", "answers": [f"{n + 6}:00"]}
        evidence = [{"document": f"room{n}.txt", "quote": f"Room {n} opens at {n + 6}:00"}]
        questions.append({**asked, "evidence": evidence, "split": "test" if n < 6 else "train"})
    (root / "corpus" / "questions.jsonl").write_text("".join(json.dumps(q) + "\n" for q in questions))
    torch.manual_seed(0)
    tokenizer = small_tokenizer(texts)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": 1}
    config = LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=512, **sizes, **ends)
    LlamaForCausalLM(config).save_pretrained(root / "model")
    tokenizer.save_pretrained(root / "model")
    (root / "kills.yaml").write_text(EXPERIMENT)


def small_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """Bytes, and what is frequent in the texts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special, letters = ["<|pad|>", "<|bos|>", "<|end|>"], pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=letters)
    )
    return PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<|pad|>", bos_token="<|bos|>", eos_token="<|end|>")


def start(root: Path, name: str) -> int:
    """The process of a run that has just begun."""
    from ragtune.experiment.progress import Silent
    from ragtune.experiment.run import run_experiment
    from ragtune.experiment.spec import load_experiment
    from ragtune.store import Store

    process = os.fork()
    if process == 0:
        try:
            place = root / name
            run_experiment(load_experiment(root / "kills.yaml"), Store(place / "store"), place / "run", Silent())
        except BaseException as error:
            print(f"a run failed: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return process


def wait(process: int, seconds: float) -> int | None:
    """The exit code of the process, None where it still runs after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    return None


def held(store: Path) -> Held:
    from ragtune.store import Log

    found = Held()
    for path in sorted(store.glob("*/*.jsonl")):
        place = str(path.relative_to(store))
        for key in Log(path).items:
            found.items[f"{place} {key}"] = 0
        for line in path.read_bytes().split(b"\n")[:-1]:
            key = json.loads(line.partition(b" ")[2])[0]
            found.items[f"{place} {key}"] += 1
    for path in sorted(store.glob("*/*/manifest.json")):
        if not path.parent.name.startswith("."):
            found.artifacts[str(path.parent.relative_to(store))] = path.stat().st_mtime_ns
    return found


def compare(before: Held, now: Held, found: Found) -> None:
    found.lost += sum(key not in now.items for key in before.items)
    found.lost += sum(key not in now.artifacts for key in before.artifacts)
    found.recomputed += sum(max(0, count - before.items.get(key, 1)) for key, count in now.items.items())
    found.recomputed += sum(now.artifacts.get(key, when) != when for key, when in before.artifacts.items())


def warm(root: Path) -> None:
    """Import what runs import, so that forked ones need not; nothing here starts a thread."""
    import faiss  # noqa: F401
    import peft  # noqa: F401
    import sentence_transformers  # noqa: F401
    import torch
    import trl  # noqa: F401

    torch.set_num_threads(1)


def kills(number: int, seed: int = 0) -> Found:
    """What ``number`` kills did."""
    rng, found = random.Random(seed), Found()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root)
        warm(root)
        begin = time.monotonic()
        if wait(start(root, "whole"), 600) != 0:
            raise SystemExit("the undisturbed run failed")
        whole = time.monotonic() - begin
        wanted = {name: (root / "whole" / "run" / name).read_bytes() for name in FILES}
        print(f"undisturbed: {whole:.1f} s, {len(held(root / 'whole' / 'store').items)} items", flush=True)
        before = Held()
        while found.kills < number or before.items:
            process = start(root, "killed")
            last = found.kills >= number
            code = wait(process, 600 if last else rng.uniform(0.02, whole * 0.45))
            if code is None:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                found.kills += 1
            now = held(root / "killed" / "store")
            compare(before, now, found)
            before = now
            if code is not None:
                found.finished += 1
                found.failed += code != 0
                run = root / "killed" / "run"
                found.unlike += code == 0 and any((run / name).read_bytes() != wanted[name] for name in FILES)
                shutil.rmtree(root / "killed")
                before = Held()
            if found.kills % 20 == 0:
                print(found, flush=True)
    return found


if __name__ == "__main__":
    result = kills(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    print(
        f"{result.kills} kills, {result.finished} runs ended: {result.lost} lost, {result.recomputed} recomputed, "
        f"{result.unlike} with other bytes, {result.failed} failed"
    )
    raise SystemExit(bool(result.lost or result.recomputed or result.unlike or result.failed))
