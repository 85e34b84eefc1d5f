"""When a reader should abstain: ``python -m benchmarks.abstaining [--model bundled:reader]``.

On development questions only: the shipped handbook's train split by RAG with three chunks, and the 55 dev questions of Natural
Questions (`benchmarks.reader_data`), once with their passage and once with three that BM25 finds. Each question is answered whatever the
model's probability of abstaining is; a threshold's figures follow from both.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ragtune.corpus.evidence import share_fulfilled
from ragtune.experiment.progress import Silent
from ragtune.experiment.retrieve import hits
from ragtune.experiment.spec import experiment_of
from ragtune.experiment.workbench import Workbench
from ragtune.generation import local
from ragtune.generation.abstention import AbstainAbove
from ragtune.generation.generator import Request
from ragtune.generation.prompts import load_prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.text.outcome import read_reply
from ragtune.text.overlap import token_f1

NQ: dict[str, Any] = {"corpus": {"path": "experiments/data/nq"}, "chunking": {"by": "document"}}
SETS: dict[str, tuple[str, dict[str, Any]]] = {
    "handbook, three chunks": (
        "train",
        {"corpus": {"path": "corpora/handbook"}, "retrieval": {"lexical": True, "rerank": True, "top_k": 3}},
    ),
    "NQ, its passage": ("dev", {**NQ, "retrieval": {"source": "oracle", "top_k": 1}}),
    "NQ, three passages": ("dev", {**NQ, "retrieval": {"dense": False, "lexical": True, "top_k": 3}}),
}
THRESHOLDS = [n / 10 for n in range(1, 10)]


@dataclass(frozen=True)
class Told:
    """``f1`` of the answer given anyway, None where there is none to give; ``chance`` of abstaining; ``held``: the evidence was shown."""

    f1: float | None
    chance: float
    held: bool


class Heard(AbstainAbove):
    """Notes the probability of abstaining of each row, and never abstains."""

    chances: list[float] = []

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        if input_ids.shape[1] == self.length:
            Heard.chances.extend(scores.float().softmax(-1)[:, self.first].tolist())
        return super().__call__(input_ids, scores)


def asked(model: LanguageModel, split: str, settings: dict[str, Any], store: Path) -> list[Told]:
    from ragtune.store import Store

    made = {"name": "x", "judge": {"embedder": "bundled:minilm"}, "setups": {"r": {"retrieval": True}}, **settings}
    bench = Workbench(experiment_of(made, Path(), []), Store(store), Silent())
    questions = bench.corpus.split(split)
    found = [tuple(h) for h, _ in hits(bench, bench.experiment.setups["r"], questions)]
    prompt = load_prompt("cited")
    options = GeneratorSettings(model=model.ref.name, max_new_tokens=24, abstain_above=0.9999)
    generator = local.LocalGenerator(model, prompt, options)
    told: dict[str, Told] = {}
    shown = {q.id: Request(q.id, q, h) for q, h in zip(questions, found, strict=True)}
    for batch in generator.batches(list(shown.values()), 0):
        Heard.chances.clear()
        replies = dict(generator.answer(batch, None, 0))
        for request, chance in zip(batch, Heard.chances, strict=True):
            reply, question = replies[request.key], request.question
            text = read_reply(reply.raw, reply.hits, prompt.abstain, reply.confidence, 0, reply.finish).text
            held = question.answerable and share_fulfilled(question, [h.chunk for h in request.hits[: reply.hits]]) == 1
            told[request.key] = Told(token_f1(text, question.references) if question.answerable else None, chance, held)
    return list(told.values())


def line(told: Sequence[Told], threshold: float) -> str:
    known = [t for t in told if t.f1 is not None]
    absent = [t for t in told if not t.held]
    f1 = np.mean([t.f1 * (t.chance < threshold) for t in known if t.f1 is not None])
    withheld = np.mean([t.chance >= threshold for t in known])
    right = f"{np.mean([t.chance >= threshold for t in absent]):.3f} of {len(absent)}" if absent else "-"
    return f"  {threshold:.1f}  F1 {f1:.3f}  withheld {withheld:.3f}  abstained without the evidence {right}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="bundled:reader")
    parser.add_argument("--store", type=Path, default=Path(tempfile.gettempdir()) / "ragtune-reader" / "store")
    args = parser.parse_args()
    local.AbstainAbove = Heard  # type: ignore[misc]
    model = LanguageModel(resolve(args.model), "cpu")
    for name, (split, settings) in SETS.items():
        told = asked(model, split, settings, args.store)
        here, gone = ([t.chance for t in told if t.held is held] for held in (True, False))
        pairs = [(a < b) + 0.5 * (a == b) for a in here for b in gone]
        print(f"{name}: {len(told)} questions{f', AUC {np.mean(pairs):.3f}' if pairs else ''}", flush=True)
        print("\n".join(line(told, t) for t in THRESHOLDS), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
