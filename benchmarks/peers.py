"""Reading, tuning and embedding beside plain transformers, TRL and sentence-transformers, on the same work in one run.

``python -m benchmarks.peers [--rows 48]``: questions of the shipped handbook with their hits, as the quickstart shows them. Each pair
takes turns, and the better of two is counted. The share of SGEMM counts two operations a weight and token forward, four with LoRA.

- reading: 24 tokens for each prompt; transformers' ``generate`` over batches of 8 in the order of the questions
- LoRA: one epoch; TRL's SFTTrainer on prompt and completion, 6 rows a batch, as many steps and the same rate; loss afterwards
- embedding: sentence-transformers' ``encode`` with its defaults; the smallest cosine of the two vectors of a text
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.train_speed import sgemm
from ragtune.experiment.progress import Silent
from ragtune.experiment.retrieve import chunks, hits
from ragtune.experiment.spec import load_experiment
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generator import Request
from ragtune.generation.local import LocalGenerator, shown
from ragtune.generation.prompts import load_prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.encoder import SentenceEncoder
from ragtune.models.names import resolve
from ragtune.store import Store
from ragtune.tuning.batches import Encoded, encode_item
from ragtune.tuning.settings import TuningSettings
from ragtune.tuning.trainer import train_adapter

NEW, RATE = 24, 5e-4


@dataclass(frozen=True)
class Work:
    """What both sides do: prompts to read, conversations to learn, texts to embed."""

    requests: list[Request]
    lessons: list[Encoded]
    texts: list[str]


def work(model: LanguageModel, bench: Workbench, rows: int) -> Work:
    setup = bench.experiment.setups["rag"]
    prompt = load_prompt(setup.prompt_name)
    asked = [q for q in bench.corpus.split("train") if q.answerable][:rows]
    found = hits(bench, setup, asked)
    requests = [Request(q.id, q, tuple(h)) for q, (h, _) in zip(asked, found, strict=True)]
    lessons = [encode_item(model, prompt.messages(r.question.text, r.hits), r.question.references[0]) for r in requests]
    return Work(requests, lessons, [c.text for c in chunks(bench, setup)][:400])


def alternated(ours: Callable[[], Any], theirs: Callable[[], Any]) -> tuple[float, float, Any, Any]:
    """The better of two times each, in seconds, and what each made last."""
    times: dict[int, list[float]] = {0: [], 1: []}
    made: list[Any] = [None, None]
    for _ in range(2):
        for n, call in enumerate((ours, theirs)):
            start = time.perf_counter()
            made[n] = call()
            times[n].append(time.perf_counter() - start)
    return min(times[0]), min(times[1]), *made


def reading(model: LanguageModel, given: Work, peak: float) -> str:
    setup_prompt = load_prompt("cited")
    settings = GeneratorSettings(model="bundled:reader", max_new_tokens=NEW)
    prompts = [shown(model, setup_prompt, settings, r.question.text, r.hits).ids for r in given.requests]

    def ours() -> list[str]:
        made = LocalGenerator(model, setup_prompt, settings)
        replies = {k: r for b in made.batches(given.requests, 0) for k, r in made.answer(b, None, 0)}
        return [replies[r.key].raw for r in given.requests]

    def theirs() -> list[str]:
        said = []
        for at in range(0, len(prompts), 8):
            rows = model.tokenizer.pad({"input_ids": prompts[at : at + 8]}, return_tensors="pt", padding=True)
            with torch.inference_mode():
                out = model.base.generate(**rows, max_new_tokens=NEW, do_sample=False, pad_token_id=model.pad)  # type: ignore[operator]
            said += model.tokenizer.batch_decode(out[:, rows["input_ids"].shape[1] :], skip_special_tokens=True)
        return said

    a, b, mine, other = alternated(ours, theirs)
    same = sum(x.strip() == y.strip() for x, y in zip(mine, other, strict=True))
    flops = 2 * weights(model) * sum(map(len, prompts))
    return line(
        "reading", a, b, f"same answer {same} of {len(mine)}; prompts alone {flops / a / 1e9 / peak:.0%} of SGEMM"
    )


def weights(model: LanguageModel) -> int:
    """Those that a token is multiplied with: the embedding is looked up, and only a few tokens meet the head."""
    return sum(p.numel() for n, p in model.base.named_parameters() if "embed" not in n and "lm_head" not in n)


def loss(model: Any, pad: int, lessons: Sequence[Encoded]) -> float:
    """Mean cross-entropy over answer tokens."""
    total, count = 0.0, 0
    for lesson in lessons:
        ids = torch.tensor([[*lesson.prompt, *lesson.target]])
        with torch.inference_mode():
            logits = model(input_ids=ids).logits[0, len(lesson.prompt) - 1 : -1]
        total += float(torch.nn.functional.cross_entropy(logits, ids[0, len(lesson.prompt) :], reduction="sum"))
        count += len(lesson.target)
    return total / count


def tuning(model: LanguageModel, given: Work, peak: float) -> str:
    lessons = given.lessons
    tokens = sum(map(len, lessons))
    settings = TuningSettings(
        train_on="contexts", epochs=1, learning_rate=RATE, batch_rows=6, batch_tokens=100_000, save_seconds=10**6
    )

    def ours() -> Path:
        place = Path(tempfile.mkdtemp())
        card = {"base": model.ref.fingerprint, "base_name": model.ref.name}
        train_adapter(model, lessons, [], settings, 0, place / "out", place / "scratch", card)
        return place / "out"

    def theirs() -> Any:
        from datasets import Dataset
        from peft import LoraConfig
        from trl import SFTConfig, SFTTrainer

        rows = [
            {
                "input_ids": [*e.prompt, *e.target],
                "completion_mask": [0] * len(e.prompt) + [1] * len(e.target),
            }
            for e in lessons
        ]
        args = SFTConfig(
            output_dir=tempfile.mkdtemp(),
            per_device_train_batch_size=6,
            num_train_epochs=1,
            learning_rate=RATE,
            lr_scheduler_type="cosine",
            warmup_steps=0,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            logging_strategy="no",
            max_length=None,
            completion_only_loss=True,
            gradient_checkpointing=False,
            use_cpu=True,
            bf16=False,
        )
        lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
        trainer = SFTTrainer(
            model=LanguageModel(model.ref, "cpu").base,
            args=args,
            train_dataset=Dataset.from_list(rows),
            processing_class=model.tokenizer,
            peft_config=lora,
        )
        start = time.perf_counter()
        trainer.train()
        spent.append(time.perf_counter() - start)
        return trainer.model.eval()

    spent: list[float] = []
    a, _, mine, other = alternated(ours, theirs)
    losses = loss(model.using(mine), model.pad, lessons), loss(other, model.pad, lessons)
    model.plain()
    share = 4 * weights(model) * tokens / a / 1e9 / peak
    return line(
        "LoRA",
        a,
        min(spent),
        f"loss {losses[0]:.3f} and {losses[1]:.3f}; {tokens / a:.0f} tokens/s, {share:.0%} of SGEMM",
    )


def embedding(texts: list[str]) -> str:
    encoder = SentenceEncoder(resolve("bundled:e5-small"), "cpu")
    plain = encoder.model
    prompt = plain.prompts.get("passage", "") if plain.prompts else ""

    def theirs() -> Any:
        return plain.encode([prompt + t for t in texts], normalize_embeddings=True, show_progress_bar=False)

    encoder.encode(texts[:8])
    a, b, mine, other = alternated(lambda: encoder.encode(texts), theirs)
    return line("embedding", a, b, f"smallest cosine {float((mine * other).sum(1).min()):.5f}")


def line(name: str, ours: float, theirs: float, more: str) -> str:
    return f"{name:<10} {ours:7.1f} s, peer {theirs:7.1f} s, {theirs / ours:.2f} times as fast; {more}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=48)
    rows = parser.parse_args().rows
    peak = sgemm()
    print(f"SGEMM {peak:.0f} GFLOP/s on {torch.get_num_threads()} threads", flush=True)
    model = LanguageModel(resolve("bundled:reader"), "cpu")
    with tempfile.TemporaryDirectory() as place:
        bench = Workbench(load_experiment(Path("experiments/quickstart.yaml")), Store(Path(place)), Silent())
        given = work(model, bench, rows)
    for made in (
        lambda: reading(model, given, peak),
        lambda: tuning(model, given, peak),
        lambda: embedding(given.texts),
    ):
        print(made(), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
