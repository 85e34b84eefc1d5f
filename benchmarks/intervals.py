"""Do the intervals cover, and do the tests keep quiet? `python -m benchmarks.intervals [--repeats 4000] [--means]`

Known truth, simulated: single and clustered questions, right-or-wrong, continuous and mixed scores, means near 0, .5
and 1, 30 to 300 questions; for means, for paired differences (with and without a true difference), and for the
permutation test under no difference.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ragtune.analysis import differences as pairs
from ragtune.analysis import means as statistics

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
MEANS, SIZES, KINDS = (0.05, 0.5, 0.95), (30, 100, 300), ("binary", "continuous", "mixed")


def clusters(rng: np.random.Generator, n: int, clustered: bool) -> Numbers:
    """A cluster number per question: one to four questions share a document, or none do."""
    return (
        np.unique(np.repeat(np.arange(n), rng.integers(1, 5, n))[:n], return_inverse=True)[1]
        if clustered
        else np.arange(n)
    )


def scores(rng: np.random.Generator, kind: str, mean: float, numbers: Numbers) -> Array:
    """Scores in [0, 1] whose expectation is ``truth(kind, mean)``; questions of a cluster share their level."""
    count, n = int(numbers.max()) + 1, len(numbers)
    shared = count < n
    level = np.clip(rng.beta(8 * mean, 8 * (1 - mean), count), 1e-3, 1 - 1e-3)[numbers] if shared else np.full(n, mean)
    if kind == "continuous":
        return rng.beta(8 * level, 8 * (1 - level))
    right = (rng.random(n) < level).astype(float)
    if kind == "binary":
        return right
    soft = np.where(right > 0, 1 - 0.4 * rng.random(n), 0.4 * rng.random(n))
    return np.where(rng.random(n) < 0.2, soft, right)


def truth(kind: str, mean: float) -> float:
    return mean if kind != "mixed" else 0.8 * mean + 0.2 * (0.8 * mean + 0.2 * (1 - mean))


def mean_coverage(rng: np.random.Generator, kind: str, mean: float, n: int, clustered: bool, repeats: int) -> float:
    real, hit = truth(kind, mean), 0
    for _ in range(repeats):
        numbers = clusters(rng, n, clustered)
        low, high = statistics.interval(scores(rng, kind, mean, numbers)[:, None], numbers)
        hit += low <= real <= high
    return hit / repeats


def deltas(rng: np.random.Generator, kind: str, mean: float, numbers: Numbers, gain: float) -> Array:
    """Differences of two setups that agree on most questions; the second is better by ``gain`` on average."""
    n = len(numbers)
    base = scores(rng, kind, mean, numbers)
    other = scores(rng, kind, mean, numbers)
    swap = rng.random(n) < 0.4
    after = np.where(swap, other, base)
    up = rng.random(n) < gain
    return np.where(up, 1.0, after) - base


def paired_rates(
    rng: np.random.Generator, kind: str, mean: float, n: int, clustered: bool, repeats: int, gain: float
) -> tuple[float, float]:
    """(coverage of the interval, share of permutation tests with p <= .05)."""
    real = gain * (1 - truth(kind, mean))
    hit = alarms = 0
    for i in range(repeats):
        numbers = clusters(rng, n, clustered)
        found = deltas(rng, kind, mean, numbers, gain)
        if clustered and kind == "continuous":  # whole documents shift up or down together
            shift = rng.normal(0, 0.05, int(numbers.max()) + 1)[numbers]
            found = found + shift
        made = pairs.Paired(tuple(map(str, range(n))), found[:, None], numbers)
        low, high = pairs.interval(made)
        hit += low <= real <= high
        alarms += pairs.permutation_p(made, seed=i) <= 0.05
    return hit / repeats, alarms / repeats


def table(repeats: int, say: Callable[[str], None] = print) -> list[str]:
    """All cells as Markdown rows; returns the cells that break a promise."""
    rng = np.random.default_rng(0)
    error = 2.6 * (0.05 * 0.95 / repeats) ** 0.5
    broken = []
    say(
        "| scores | mean | clustered | questions | mean covers | difference covers | covers +10 points | false alarms |\n|---|---|---|---|---|---|---|---|"
    )
    for kind in KINDS:
        for mean in MEANS:
            for clustered in (False, True):
                for n in SIZES:
                    own = mean_coverage(rng, kind, mean, n, clustered, repeats)
                    none, alarms = paired_rates(rng, kind, mean, n, clustered, max(200, repeats // 2), 0.0)
                    some, _ = paired_rates(rng, kind, mean, n, clustered, max(200, repeats // 2), 0.1)
                    say(
                        f"| {kind} | {mean} | {'yes' if clustered else 'no'} | {n} | {own:.3f} | {none:.3f} | {some:.3f} | {alarms:.3f} |"
                    )
                    least, most = (0.91, 1.0) if n < 100 else (0.93, 0.97)
                    for name, value, wide in (
                        ("mean", own, error),
                        ("difference", none, 1.5 * error),
                        ("+10", some, 1.5 * error),
                    ):
                        if not least - wide <= value <= most + wide and (value < least or name == "mean"):
                            broken.append(f"{kind} {mean} clustered={clustered} n={n}: {name} {value:.3f}")
                    if alarms > 0.05 + 1.5 * error:
                        broken.append(f"{kind} {mean} clustered={clustered} n={n}: false alarms {alarms:.3f}")
    return broken


def means_table(repeats: int, say: Callable[[str], None] = print) -> list[str]:
    """The intervals of means alone, which are quick, with more sets each; returns the cells outside the promise as it stands."""
    rng = np.random.default_rng(1)
    broken = []
    say("| scores | mean | clustered | 30 questions | 100 | 300 |\n|---|---|---|---|---|---|")
    for kind in KINDS:
        for mean in MEANS:
            for clustered in (False, True):
                found = [mean_coverage(rng, kind, mean, n, clustered, repeats) for n in SIZES]
                say(f"| {kind} | {mean} | {'yes' if clustered else 'no'} | {' | '.join(f'{x:.3f}' for x in found)} |")
                for n, x in zip(SIZES, found, strict=True):
                    if x < 0.91 if n < 100 else not 0.93 <= x <= 0.97:
                        broken.append(f"{kind} {mean} clustered={clustered} n={n}: {x:.4f}")
    return broken


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--means", action="store_true", help="intervals of means alone")
    args = parser.parse_args()
    broken = means_table(args.repeats) if args.means else table(args.repeats)
    print(
        "\n".join(
            ["", "Outside the promise:", *broken]
            if broken
            else ["", "Every cell keeps the promise" + ("." if args.means else " (within simulation error).")]
        )
    )


if __name__ == "__main__":
    main()
