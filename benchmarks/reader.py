"""How well a reader reads: ``python -m benchmarks.reader DATA [--model bundled:reader] [--only xquad nq] [--limit N]``.

DATA holds ``xquad``, ``kubernetes-docs`` and what `benchmarks.reader_data` made (``nq``, at experiments/data). Each measure is an
experiment of its own; what was answered is kept in the store of ``--store``.

- xquad: SQuAD's F1 on XQuAD-en, the right paragraph given (``source: oracle``)
- nq: the 600 questions of Natural Questions that no training saw, gold passage given: share of answers that hold a reference
- kubernetes: the dev split, its own chunks retrieved by BM25: share right, by `text.agree`
- handbook: the shipped handbook's test split, by RAG untuned: F1, right by kind, abstentions
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import ragtune
from ragtune.corpus.importers import import_corpus
from ragtune.experiment.spec import experiment_of
from ragtune.records import Row
from ragtune.text.overlap import contains_reference

RIGHT = 0.5


def share(values: Iterable[float | bool]) -> str:
    found = list(values)
    return f"{sum(found) / max(1, len(found)):.3f} of {len(found)}"


def contained(row: Row) -> float:
    return contains_reference(row.answer.text, row.question.references)


def value(row: Row, metric: str) -> float:
    return row.value(metric) or 0.0


def answered(rows: list[Row]) -> list[Row]:
    return [r for r in rows if r.question.answerable]


def of_xquad(rows: list[Row]) -> list[str]:
    return [f"F1 {share(value(r, 'token_f1') for r in rows)}, abstained {share(r.answer.abstained for r in rows)}"]


def of_nq(rows: list[Row]) -> list[str]:
    return [f"reference contained {share(map(contained, rows))}, F1 {share(value(r, 'token_f1') for r in rows)}"]


def of_right(rows: list[Row]) -> list[str]:
    right = share(value(r, "answer_correctness") >= RIGHT for r in answered(rows))
    return [f"right {right}, abstained {share(r.answer.abstained for r in answered(rows))}"]


def of_handbook(rows: list[Row]) -> list[str]:
    known = answered(rows)
    lines = [
        f"F1 {share(value(r, 'token_f1') for r in known)}",
        f"unanswerable: abstained {share(r.answer.abstained for r in rows if r.question.unanswerable)}; "
        f"needless abstentions {share(r.answer.abstained for r in known)}",
    ]
    for kind in ("single fact", "paraphrase", "two documents", "comparison"):
        own = [r for r in known if kind in r.question.tags]
        right = share(value(r, "answer_correctness") >= RIGHT for r in own)
        lines.append(f"{kind}: F1 {share(value(r, 'token_f1') for r in own)}, right {right}")
    return lines


def _dev(data: Path, scratch: Path) -> Path:
    """The dev questions of kubernetes-docs alone: some others name pages without text."""
    lines = (data / "kubernetes-docs" / "questions.jsonl").read_text("utf-8").splitlines()
    found = scratch / "kubernetes-dev.jsonl"
    found.write_text("".join(f"{line}\n" for line in lines if json.loads(line)["split"] == "dev"), "utf-8")
    return found


def measures(data: Path, scratch: Path) -> dict[str, tuple[dict[str, Any], Callable[[list[Row]], list[str]]]]:
    oracle = {"source": "oracle", "top_k": 1}
    whole = {"by": "document", "titles": False}
    squad = scratch / "xquad-en"
    if not squad.exists():
        import_corpus("squad", data / "xquad" / "xquad.en.json", squad)
    return {
        "xquad": ({"corpus": {"path": str(squad)}, "retrieval": oracle, "chunking": whole}, of_xquad),
        "nq": (
            {
                "corpus": {"path": "experiments/data/nq"},
                "retrieval": oracle,
                "chunking": {"by": "document"},
            },
            of_nq,
        ),
        "kubernetes": (
            {
                "corpus": {"path": str(data / "kubernetes-docs"), "questions": str(_dev(data, scratch))},
                "split": "dev",
                "retrieval": {"dense": False, "lexical": True, "top_k": 3},
            },
            of_right,
        ),
        "handbook": (
            {"corpus": {"path": "corpora/handbook"}, "retrieval": {"lexical": True, "rerank": True, "top_k": 3}},
            of_handbook,
        ),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="bundled:reader")
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--prompt", default="cited")
    parser.add_argument("--abstain-above", type=float, help="default: the model's own threshold")
    parser.add_argument("--store", type=Path, default=Path(tempfile.gettempdir()) / "ragtune-reader")
    args = parser.parse_args()
    for name, (settings, summed) in measures(args.data, args.store).items():
        if args.only and name not in args.only:
            continue
        made = {
            "name": name,
            "generator": {"model": args.model, "max_new_tokens": 48, "abstain_above": args.abstain_above},
            "judge": {"embedder": "bundled:minilm"},
            "prompt": args.prompt,
            "setups": {"reader": {"retrieval": True}},
            "latency": {"sample": 0},
            "limit": args.limit,
            **settings,
        }
        start = time.perf_counter()
        experiment = experiment_of({k: v for k, v in made.items() if v is not None}, Path(), [])
        run = ragtune.run(experiment, out=args.store / "runs" / name, store=args.store / "store", force=True)
        for line in summed([r for r in run.rows if r.setup == "reader"]):
            print(f"{args.model} | {name} | {line}", flush=True)
        print(f"{args.model} | {name} | {time.perf_counter() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
