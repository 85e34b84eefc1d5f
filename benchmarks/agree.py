"""Answer correctness against people: `python -m benchmarks.agree FOLDER [--fit] [--held-out]`

FOLDER holds EVOUNA's trivia answers (``evouna-trivia.jsonl.gz``: question, references, answer, label, system). Questions are split by a
hash: a fifth is held out and reported on only with ``--held-out``. ``--fit`` writes ``ragtune/text/agree.json`` anew: the border is
fitted on the rest at a prior of one half; the coefficients of values, denial, polarity, names in another form and another in the
reference's place are set by hand,
since that set has few of them, and are held by the contrast sets and the verdicts of ``tests/text/verdicts``.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ragtune.text import agree as rule
from ragtune.text.agree import agree, members, variants
from ragtune.text.outcome import abstains
from ragtune.text.overlap import contains_reference, token_f1
from ragtune.text.signs import Signs, signs_of

Array = npt.NDArray[np.float64]
NAMES = list(asdict(Signs()))
HAND = {"clash": -6.0, "denied": -4.0, "polarity": 6.0, "named": 2.0, "misplaced": -6.0}
START = {"held": 4.0, "phrase": 2.0, "order": 0.5, "core": 2.0, "spelt": 1.5, "foreign": -1.0}
VERDICTS = Path("tests/text/verdicts")


@dataclass(frozen=True)
class Judged:
    """An answer that a person judged."""

    question: str
    references: tuple[str, ...]
    answer: str
    right: bool
    system: str = ""


def read(folder: Path) -> list[Judged]:
    packed = (folder / "evouna-trivia.jsonl.gz").read_bytes()
    rows = [json.loads(line) for line in gzip.decompress(packed).decode("utf-8").split("\n") if line]
    return [Judged(r["question"], tuple(r["references"]), r["answer"], bool(r["label"]), r["system"]) for r in rows]


def verdicts(name: str) -> list[tuple[Judged, str]]:
    """The cases written by reading, with their kind."""
    rows = [json.loads(line) for line in (VERDICTS / f"{name}.jsonl").read_text("utf-8").split("\n") if line]
    return [(Judged(r["question"], tuple(r["references"]), r["answer"], r["right"]), r["kind"]) for r in rows]


def fold_of(row: Judged, folds: int = 5, salt: str = "") -> int:
    return int(hashlib.sha256((salt + row.question).encode()).hexdigest(), 16) % folds


def candidates(row: Judged) -> list[Array]:
    """For every way to read a reference, the signs of its members, shape (members, signs)."""
    ways = dict.fromkeys(v for r in row.references for v in (variants(r) or (r,)))
    return [np.array([list(asdict(signs_of(row.question, p, row.answer)).values()) for p in members(w)]) for w in ways]


def picked(found: Sequence[Sequence[Array]], weights: Array) -> Array:
    """The worst member of the best reference of each row, shape (rows, signs)."""
    rows = []
    for ways in found:
        worst = [way[int(np.argmin(way @ weights))] for way in ways]
        rows.append(max(worst, key=lambda x: float(x @ weights)))
    return np.array(rows)


def fit(found: Sequence[Sequence[Array]], labels: Array, rounds: int = 4) -> tuple[Array, float]:
    """Weights and constant: which reference speaks and the border are found in turns."""
    free = [i for i, n in enumerate(NAMES) if n not in HAND]
    weights = np.array([HAND.get(n, START.get(n, 0.0)) for n in NAMES])
    constant = -4.0
    for _ in range(rounds):
        x = picked(found, weights)
        plain = np.abs(x[:, [NAMES.index(n) for n in HAND]]).sum(axis=1) < 1e-9
        made = LogisticRegression(class_weight="balanced", max_iter=2000).fit(x[plain][:, free], labels[plain])
        weights[free], constant = made.coef_[0], float(made.intercept_[0])
    return weights, constant


def measure(row: Judged) -> float:
    return agree(row.question, row.references, row.answer).probability


MEASURES: dict[str, Callable[[Judged], float]] = {
    "token F1": lambda r: token_f1(r.answer, r.references),
    "reference contained": lambda r: contains_reference(r.answer, r.references),
    "agree": measure,
}


def report(title: str, rows: Sequence[Judged]) -> None:
    labels = [r.right for r in rows]
    print(
        f"\n{title}: {len(rows)} answers, {100 * np.mean(labels):.1f} % right\n\n| measure | agreement | ROC AUC |\n|---|---|---|"
    )
    for name, of in MEASURES.items():
        with ProcessPoolExecutor() as pool:
            found = list(pool.map(measure, rows, chunksize=50)) if of is measure else [of(r) for r in rows]
        right = np.mean([(p >= 0.5) == y for p, y in zip(found, labels, strict=True)])
        print(f"| {name} | {right:.3f} | {roc_auc_score(labels, found):.3f} |")


def contrasts(rows: Sequence[Judged], seed: int = 0) -> dict[str, list[tuple[Judged, Judged]]]:
    """Right answers beside the same with one detail exchanged: a number, a year, a unit, a currency, a name, yes and no."""
    rng = Random(seed)
    names = [r.references[0] for r in rows if r.references[0].istitle() and len(r.references[0].split()) == 2]
    found: dict[str, list[tuple[Judged, Judged]]] = {}

    def add(kind: str, row: Judged, new: str) -> None:
        if new != row.answer:
            other = Judged(row.question, row.references, new, False)
            found.setdefault(kind, []).append((row, other))

    for row in rows:
        if not row.right or len(row.references) > 30:
            continue
        for reference in row.references:
            if reference.isdigit() and f" {reference}" in f" {row.answer}":
                kind = "year" if 1000 <= int(reference) <= 2100 else "number"
                add(kind, row, row.answer.replace(reference, str(int(reference) + rng.randint(1, 9))))
                break
            if reference.istitle() and len(reference.split()) == 2 and reference in row.answer and names:
                other = rng.choice(names)
                if not set(other.lower().split()) & set(" ".join(row.references).lower().split()):
                    add(
                        "name",
                        Judged(row.question, (reference,), row.answer, True),
                        row.answer.replace(reference, other),
                    )
                break
    for n in range(60):
        amount = rng.randint(2, 90)
        for kind, a, b in (
            ("unit", "days", "weeks"),
            ("unit", "kg", "g"),
            ("currency", "euros", "dollars"),
            ("currency", "£", "€"),
        ):
            value = f"{a}{amount}" if a == "£" else f"{amount} {a}"
            wrong = f"{b}{amount}" if a == "£" else f"{amount} {b}"
            asked = f"How much is it in case {n}?"
            right = Judged(asked, (value,), f"In that case it is {value}.", True)
            add(kind, right, f"In that case it is {wrong}.")
    for subject in ("parking", "a badge", "overtime", "remote work", "the canteen", "a visa", "the gym", "a deposit"):
        for yes, no in (
            ("allowed", "not allowed"),
            ("included", "not included"),
            ("needed", "not needed"),
            ("paid for", "never paid for"),
        ):
            asked = f"Is {subject} {yes}?"
            for wanted in ("Yes", "No"):
                said = {"Yes": f"{subject.capitalize()} is {yes}.", "No": f"{subject.capitalize()} is {no}."}
                plain, wrong = said[wanted], said["No" if wanted == "Yes" else "Yes"]
                add("polarity", Judged(asked, (wanted,), plain, True), wrong)
                add(
                    "polarity",
                    Judged(asked, (wanted,), f"{wanted}, {plain.lower()}", True),
                    "No." if wanted == "Yes" else "Yes.",
                )
    return found


def report_contrasts(rows: Sequence[Judged]) -> None:
    print(
        "\nContrast sets: the right answer at .5 or more, the exchanged one under it\n\n| exchanged | pairs | told apart |\n|---|---|---|"
    )
    for kind, pairs in contrasts(rows).items():
        kept = [(a, b) for a, b in pairs if measure(a) >= 0.5]
        print(f"| {kind} | {len(kept)} | {np.mean([measure(b) < 0.5 for _, b in kept]):.3f} |")


def write(weights: Array, constant: float, rows: int) -> None:
    card: dict[str, Any] = {
        "about": "Logistic model of ragtune.text.agree: the probability that a person calls an answer right.",
        "data": "EVOUNA-TriviaQA (Wang et al. 2023, wangcunxiang/QA-Eval, Apache-2.0): four fifths of its questions",
        "answers": rows,
        "prior": 0.5,
        "by hand": list(HAND),
        "command": "python -m benchmarks.agree FOLDER --fit",
        "weights": {
            "constant": round(constant, 3),
            **{n: round(float(w), 3) for n, w in zip(NAMES, weights, strict=True)},
        },
    }
    Path("ragtune/text/agree.json").write_text(json.dumps(card, indent=1) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--held-out", action="store_true")
    args = parser.parse_args()
    rows = read(args.folder)
    train = [r for r in rows if fold_of(r)]
    if args.fit:
        own = [r for r in train if not abstains(r.answer)]
        with ProcessPoolExecutor() as pool:
            found = list(pool.map(candidates, own, chunksize=50))
        labels = np.array([float(r.right) for r in own])
        guess = np.zeros(len(own))
        folds = np.array([fold_of(r, salt="f") for r in own])
        for k in range(5):
            weights, constant = fit([f for f, a in zip(found, folds, strict=True) if a != k], labels[folds != k])
            own_fold = [f for f, a in zip(found, folds, strict=True) if a == k]
            guess[folds == k] = picked(own_fold, weights) @ weights + constant
        print(
            f"five folds of the rest: agreement {np.mean((guess >= 0) == labels):.3f}, AUC {roc_auc_score(labels, guess):.3f}"
        )
        write(*fit(found, labels), len(train))
        rule.model.cache_clear()
    report("Rest", train)
    if args.held_out:
        report("Held out", [r for r in rows if not fold_of(r)])
    report_contrasts(train)
    for name in ("open", "blind"):
        cases = verdicts(name)
        right = [(measure(r) >= 0.5) == r.right for r, _ in cases]
        kinds = sorted({k for _, k in cases})
        by = {
            k: f"{sum(x for x, (_, c) in zip(right, cases, strict=True) if c == k)}/{sum(c == k for _, c in cases)}"
            for k in kinds
        }
        print(f"\nverdicts, {name}: {np.mean(right):.3f} of {len(cases)}; {by}")


if __name__ == "__main__":
    main()
