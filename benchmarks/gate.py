"""Does the gate catch losses and let noise pass? `python -m benchmarks.gate [--repeats 1000]`

200 questions at several accuracies, checked with the default metrics and slices: a tenth of the right answers turned
wrong must be caught at least 95 times of 100; 5 % of the answers flipped both ways at random must pass as often.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ragtune.gate import Baseline, GateSettings, check
from ragtune.gate.baseline import FORMAT, Asked
from ragtune.gate.outcome import gated

Array = npt.NDArray[np.float64]


def baseline(values: Array, metrics: tuple[str, ...] = ()) -> Baseline:
    """One setup; every metric right or wrong alike; two slices; questions share documents in pairs."""
    ids = [f"q{i:03d}" for i in range(len(values))]
    questions = {
        q: Asked(q, f"Question {q}?", ("seen" if i % 2 else "unseen",), f"d{i // 2}" if i % 3 else None)
        for i, q in enumerate(ids)
    }
    rows = tuple((q, 0, float(v)) for q, v in zip(ids, values, strict=True))
    scores = {"rag": dict.fromkeys(metrics or gated(), rows)}
    return Baseline(FORMAT, "0", "sim", "local", "s", "c", questions, scores, {"rag": 0.1})


def flips(rng: np.random.Generator, values: Array, wrong: float, both: float) -> Array:
    """``wrong``: share of right answers turned wrong; ``both``: share of all answers flipped, as many up as down."""
    after = values.copy()
    right = np.flatnonzero(values == 1)
    after[rng.choice(right, round(wrong * len(right)), replace=False)] = 0
    half = round(both * len(values) / 2)
    if half:
        after[rng.choice(np.flatnonzero(values == 1), half, replace=False)] = 0
        after[rng.choice(np.flatnonzero(values == 0), half, replace=False)] = 1
    return after


def alarms(n: int, repeats: int, together: float, accuracy: float = 0.7, seed: int = 0) -> float:
    """Share of checks that fail although every metric lost exactly the margin in expectation (the worst case that must pass).

    ``together``: the correlation of the metrics' changes: 1 the same answers move in all, 0 each metric moves on its own.
    """
    rng = np.random.default_rng(seed)
    failed = 0
    for _ in range(repeats):
        values = (rng.permutation(n) < round(accuracy * n)).astype(float)
        shared = rng.random(n)
        old = baseline(values)
        scores = {}
        for metric in gated():
            draw = np.where(rng.random(n) < together, shared, rng.random(n))
            # right answers are lost and wrong ones won so that the mean loss is the default margin of 2 points
            lost, won = 0.06 / accuracy, 0.04 / (1 - accuracy)
            after = np.where(values == 1, (draw >= lost).astype(float), (draw < won).astype(float))
            rows = zip(old.scores["rag"][metric], after, strict=True)
            scores[metric] = tuple((q, seed_, float(v)) for (q, seed_, _), v in rows)
        new = replace(old, scores={"rag": scores})
        failed += check(old, new, GateSettings()).code == 1
    return failed / repeats


def rates(n: int, repeats: int, accuracy: float = 0.7, seed: int = 0) -> tuple[float, float]:
    """(share of losses caught, share of harmless changes that pass)."""
    rng = np.random.default_rng(seed)
    caught = passed = 0
    for _ in range(repeats):
        values = (rng.permutation(n) < round(accuracy * n)).astype(float)
        old = baseline(values)
        caught += check(old, baseline(flips(rng, values, 0.1, 0.0)), GateSettings()).code == 1
        passed += check(old, baseline(flips(rng, values, 0.0, 0.05)), GateSettings()).code == 0
    return caught / repeats, passed / repeats


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1000)
    args = parser.parse_args()
    print("| questions | accuracy | losses caught | harmless passed |\n|---|---|---|---|")
    for n in (100, 200, 400):
        for accuracy in (0.5, 0.7, 0.9):
            caught, passed = rates(n, args.repeats, accuracy)
            print(f"| {n} | {accuracy} | {caught:.3f} | {passed:.3f} |")
    print("\n| questions | metrics | false alarms at a loss of the margin |\n|---|---|---|")
    for n in (100, 200, 400):
        for together in (0.0, 0.5, 1.0):
            print(f"| {n} | correlated {together:g} | {alarms(n, args.repeats, together):.3f} |")


if __name__ == "__main__":
    main()
