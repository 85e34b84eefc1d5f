"""Means with bootstrap intervals, and paired differences between setups.

Questions are resampled, with all seeds of a question together, so that seeds never count as new evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
RESAMPLES = 4000
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over ``n`` questions with its 95 % interval. ``unscored`` counts answers without a score."""

    mean: float | None
    low: float | None
    high: float | None
    n: int
    unscored: int = 0


@dataclass(frozen=True)
class Difference:
    """``b - a`` over the ``n`` questions both answered."""

    a: str
    b: str
    metric: str
    mean: float | None
    low: float | None
    high: float | None
    n: int
    wins: int
    ties: int
    losses: int

    @property
    def shown(self) -> bool:
        """True if the interval lies on one side of 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def per_question(scores: Sequence[tuple[str, float | None]]) -> tuple[dict[str, float], int]:
    """(question id -> mean over seeds, count of unscored) of (question id, value) pairs."""
    found: dict[str, list[float]] = {}
    unscored = 0
    for question, value in scores:
        if value is None:
            unscored += 1
        else:
            found.setdefault(question, []).append(value)
    return {q: sum(v) / len(v) for q, v in found.items()}, unscored


def interval(values: Values, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the mean: BCa (Efron 1987) through scipy, percentile where BCa is undefined."""
    if len(values) < 2 or np.ptp(values) == 0:
        return float(values.mean()), float(values.mean())
    from scipy.stats import bootstrap

    done = bootstrap((values,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, method="BCa", vectorized=True, rng=np.random.default_rng(seed))
    low, high = float(done.confidence_interval.low), float(done.confidence_interval.high)
    if np.isnan(low) or np.isnan(high):
        low, high = (float(x) for x in np.percentile(done.bootstrap_distribution, [2.5, 97.5]))
    return low, high


def estimate(scores: Sequence[tuple[str, float | None]]) -> Estimate:
    values, unscored = per_question(scores)
    if not values:
        return Estimate(None, None, None, 0, unscored)
    data = np.array([values[q] for q in sorted(values)])
    low, high = interval(data)
    return Estimate(round(float(data.mean()), 6), round(low, 6), round(high, 6), len(data), unscored)


def difference(a: str, b: str, metric: str, scores_a: Mapping[str, float], scores_b: Mapping[str, float]) -> Difference:
    """Paired by question: mean of ``b - a`` with its interval, wins and losses of b."""
    shared = sorted(scores_a.keys() & scores_b.keys())
    if not shared:
        return Difference(a, b, metric, None, None, None, 0, 0, 0, 0)
    deltas = np.array([scores_b[q] - scores_a[q] for q in shared])
    low, high = interval(deltas)
    wins, losses = int((deltas > 1e-9).sum()), int((deltas < -1e-9).sum())
    return Difference(a, b, metric, round(float(deltas.mean()), 6), round(low, 6), round(high, 6), len(shared), wins, len(shared) - wins - losses, losses)
