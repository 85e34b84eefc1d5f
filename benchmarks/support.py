"""How far words support a statement, on polarity, long evidence and edited summaries: `python -m benchmarks.support DATA [--only NAME]`

DATA holds, each where it is at hand: ``negation/claims.jsonl.gz`` (a sentence and a contrary), ``negation/antonyms.jsonl.gz`` (a
sentence, one of the same meaning, contraries), ``wice-dev`` and ``summedits`` (answer, contexts, label).
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from ragtune.judging.support import support, windows
from ragtune.text.statements import statements
from ragtune.text.words import is_negation, tokens

THRESHOLD = 0.5


@dataclass(frozen=True)
class Polarity:
    """Shares: contraries that reach the threshold (``passed``), identical sentences that miss it (``missed``)."""

    pairs: int
    passed: float
    missed: float


def read(path: Path) -> Iterator[dict[str, Any]]:
    yield from (json.loads(line) for line in gzip.decompress(path.read_bytes()).decode("utf-8").split("\n") if line)


def denying(text: str) -> bool:
    return any(is_negation(t.text) for t in tokens(text))


def backed(statement: str, contexts: Sequence[str]) -> bool:
    return support(statement, windows(contexts)).support >= THRESHOLD


def claims(path: Path, limit: int = 1000) -> dict[str, Polarity]:
    """Of the pairs with a negation word on exactly one side: the sentence alone as context, and among three neighbours of which
    one holds another negation."""
    rows = list(read(path))
    keys = ("sentence", "contrary")
    pairs = [(str(r[keys[0]]), str(r[keys[1]])) for r in rows]
    denials = [a for a, _ in pairs if denying(a)]
    found = [(a, b) for a, b in pairs if denying(a) != denying(b)][:limit]

    def neighbours(n: int) -> list[str]:
        return [pairs[(7 * n + 11) % len(pairs)][0], denials[(5 * n + 3) % len(denials)]]

    def measured(contexts: Sequence[Sequence[str]]) -> Polarity:
        passed = np.mean([backed(b, c) for (_, b), c in zip(found, contexts, strict=True)])
        missed = np.mean([not backed(a, c) for (a, _), c in zip(found, contexts, strict=True)])
        return Polarity(len(found), float(passed), float(missed))

    alone = [[a] for a, _ in found]
    among = [[" ".join([neighbours(n)[0], a, neighbours(n)[1]])] for n, (a, _) in enumerate(found)]
    return {"alone": measured(alone), "among three": measured(among)}


def antonyms(path: Path) -> tuple[int, float, float]:
    """(sentences, mean AUC of the paraphrase against the contraries, share of contraries at the threshold or over it)."""
    won, passed, n = [], [], 0
    for row in read(path):
        n += 1
        given = windows([row["sentence"]])
        same = support(row["same"], given).support
        other = [support(c, given).support for c in row["contrary"]]
        won.append(np.mean([(same > o) + 0.5 * (same == o) for o in other]))
        passed += [o >= THRESHOLD for o in other]
    return n, float(np.mean(won)), float(np.mean(passed))


def degree(row: dict[str, Any]) -> float:
    given = windows(row["contexts"])
    parts = statements(row["answer"]) or [row["answer"]]
    return (support(row["answer"], given).support + sum(support(p, given).support for p in parts) / len(parts)) / 2


def auc(folder: Path) -> tuple[int, float]:
    rows = [row for path in sorted(folder.glob("*.gz")) for row in read(path)]
    return len(rows), float(roc_auc_score([row["label"] == 1 for row in rows], [degree(row) for row in rows]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    if args.only in ("", "claims"):
        for name, found in claims(args.data / "negation" / "claims.jsonl.gz").items():
            print(
                f"negation, {name}: {found.pairs} pairs; contraries passed {found.passed:.3f}, identical missed {found.missed:.3f}"
            )
    if args.only in ("", "antonyms"):
        n, won, passed = antonyms(args.data / "negation" / "antonyms.jsonl.gz")
        print(f"antonyms: {n} sentences; paraphrase over contrary {won:.3f}, contraries passed {passed:.3f}")
    for name in ("wice-dev", "summedits"):
        if args.only in ("", name):
            n, value = auc(args.data / name)
            print(f"{name}: {n} answers; AUC {value:.3f}")


if __name__ == "__main__":
    main()
