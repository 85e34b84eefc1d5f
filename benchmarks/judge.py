"""The local judge against people: `python -m benchmarks.judge FOLDER` (the folder of BEGIN's development sets).

ROC AUC per part for word overlap (the baseline), token F1, and the judge; then the judge's fitted weights with each part
predicted from the other two; then answers judged per second.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ragtune.analysis.agreement import agreement
from ragtune.corpus.labelled import Labelled, read_begin
from ragtune.judging import support
from ragtune.text.overlap import token_f1
from ragtune.text.statements import statements
from ragtune.text.words import speaks_of_itself


def overlap(row: Labelled) -> float:
    said = re.findall(r"\w+", row.row.answer.text.lower())
    known = set(re.findall(r"\w+", " ".join(row.row.answer.contexts).lower()))
    return sum(w in known for w in said) / max(1, len(said))


def judged(row: Labelled) -> float:
    given = support.windows(row.row.answer.contexts)
    parts = statements(row.row.answer.text) or [row.row.answer.text]
    return (
        support.support(row.row.answer.text, given).support
        + sum(support.support(s, given).support for s in parts) / len(parts)
    ) / 2


def signs(row: Labelled) -> list[float]:
    """The fitted signs of the whole answer, in the order of `support.WEIGHTS`."""
    said = support._read(row.row.answer.text)
    total = sum(w for _, w, _ in said) or 1.0
    given = support.windows(row.row.answer.contexts)
    around = support._around(given)
    lost = sum(w for s, w, _ in said if s not in around.stems)
    here = min(sum(w for s, w, _ in said if s not in x.stems) for x in given)
    order = support._order(said, around) if said else 0.0
    return [
        1 - lost / total,
        1 - here / total,
        np.log1p(lost),
        np.log1p(here),
        order,
        float(speaks_of_itself(row.row.answer.text)),
        float("?" in row.row.answer.text),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    parts = {p.stem.removeprefix("begin_dev_"): read_begin(p) for p in sorted(args.folder.glob("begin_dev_*.tsv"))}
    labels = {n: np.array([r.supported for r in rows]) for n, rows in parts.items()}
    print("| part | answers | word overlap | token F1 | local judge | 95 % interval |\n|---|---|---|---|---|---|")
    means = []
    for name, rows in parts.items():
        base = roc_auc_score(labels[name], [overlap(r) for r in rows])
        f1 = roc_auc_score(labels[name], [token_f1(r.row.answer.text, r.row.answer.contexts) for r in rows])
        own = agreement([judged(r) for r in rows], rows, 0.5)
        means.append(own.auc.value)
        print(
            f"| {name} | {len(rows)} | {base:.3f} | {f1:.3f} | {own.auc.value:.3f} | {own.auc.low:.3f} to {own.auc.high:.3f} |"
        )
    print(f"mean AUC of the local judge {np.mean(means):.4f}")
    features = {n: np.array([signs(r) for r in rows]) for n, rows in parts.items()}
    names = ("held", "held in window", "missing", "missing in window", "order", "self", "question")
    for left in parts:
        rest = [n for n in parts if n != left]
        made = LogisticRegression(class_weight="balanced", C=1.0, max_iter=2000).fit(
            np.vstack([features[n] for n in rest]), np.concatenate([labels[n] for n in rest])
        )
        auc = roc_auc_score(labels[left], made.decision_function(features[left]))
        print(
            f"fitted without {left}: AUC {auc:.4f} there; constant {made.intercept_[0]:.2f}, {', '.join(f'{n} {c:.2f}' for n, c in zip(names, made.coef_[0], strict=True))}"
        )
    everything = [r for rows in parts.values() for r in rows]
    start = time.perf_counter()
    for row in everything:
        judged(row)
    print(f"{len(everything) / (time.perf_counter() - start):.0f} answers a second, one thread")


if __name__ == "__main__":
    main()
