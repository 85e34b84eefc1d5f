"""Differences between two setups on the same questions: interval, permutation test, Holm's correction, effect size.

Interval: Tango's score interval for paired proportions (Tango 1998, Statistics in Medicine 17:891), which holds
where few questions differ, carried over to scores in between by matching the second moment: with gains and losses
of different sizes, ``scale = sum(d^2) / sum(|d|)`` and every difference counts as ``|d| / scale`` questions that
moved by ``scale``. For right-or-wrong scores this is Tango's interval itself; where every question moves a little it
approaches the t interval. Clusters and seeds shrink the number of questions by their design effect.

Test: signs of whole clusters are flipped (Pitman 1937; exact up to 2^14 flips, else sampled, and below what samples can tell by a
bound of the tail), two-sided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import copysign, sqrt

import numpy as np
import numpy.typing as npt

from ragtune.analysis.means import LEVEL, Table, Values, cluster_numbers, spread

FLIPS = 9999
#: of samples so far from 0; with fewer the bound of the tail may be the sharper one
RARE = 10
ALPHA = 0.05


@dataclass(frozen=True)
class Difference:
    """``b - a`` over the ``n`` questions both answered.

    ``p`` is the permutation test's, ``p_holm`` corrected for the comparisons asked for; ``effect`` is Cohen's d_z
    (mean / standard deviation of the differences); ``sd`` that deviation times the root of the design effect.
    """

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
    p: float = 1.0
    p_holm: float = 1.0
    effect: float = 0.0
    sd: float = 0.0

    @property
    def shown(self) -> bool:
        """True if the interval lies on one side of 0 and the corrected test agrees."""
        return (
            self.low is not None and self.high is not None and (self.low > 0 or self.high < 0) and self.p_holm <= ALPHA
        )


@dataclass(frozen=True)
class Paired:
    """Differences of shared questions: (questions, seeds) with cluster numbers."""

    ids: tuple[str, ...]
    deltas: Values
    numbers: npt.NDArray[np.int64]

    @property
    def means(self) -> Values:
        held = ~np.isnan(self.deltas)
        return np.asarray(np.where(held, self.deltas, 0.0).sum(axis=1) / held.sum(axis=1), dtype=np.float64)


def pair(a: Table, b: Table, clusters: Mapping[str, str] | None = None) -> Paired:
    """``b - a`` for the questions both scored; a setup with one seed is compared with every seed of the other."""
    shared = sorted(set(a.ids) & set(b.ids))
    rows_a, rows_b = _rows(a, shared), _rows(b, shared)
    if rows_a.shape[1] != rows_b.shape[1] and 1 not in (rows_a.shape[1], rows_b.shape[1]):
        rows_a, rows_b = (np.nanmean(r, axis=1, keepdims=True) for r in (rows_a, rows_b))
    deltas = np.asarray(rows_b - rows_a, dtype=np.float64)
    some = np.flatnonzero(~np.isnan(deltas).all(axis=1))
    ids = tuple(shared[int(i)] for i in some)
    return Paired(ids, deltas[some], cluster_numbers(ids, clusters))


def _rows(table: Table, shared: Sequence[str]) -> Values:
    at = {q: i for i, q in enumerate(table.ids)}
    return table.values[[at[i] for i in shared]].reshape(len(shared), table.values.shape[1])


@dataclass(frozen=True)
class Moved:
    """What the score statistic needs: effective counts of gains, losses and questions, and the scale of a move."""

    gains: float
    losses: float
    n: float
    scale: float
    df: float

    def statistic(self, mean: float) -> float:
        """Tango's z for the hypothesis that the true mean difference is ``mean`` (+ where the data lie above)."""
        theta = mean / self.scale
        if abs(theta) >= 1:
            return copysign(float("inf"), -theta)
        a = 2 * self.n
        b = -self.gains - self.losses + (2 * self.n - self.gains + self.losses) * theta
        c = -self.losses * theta * (1 - theta)
        rate = (sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
        variance = self.n * (2 * rate + theta * (1 - theta))
        gap = self.gains - self.losses - self.n * theta
        return gap / sqrt(variance) if variance > 1e-12 else copysign(float("inf"), gap) if abs(gap) > 1e-12 else 0.0


def moved(paired: Paired) -> Moved:
    """Effective counts of a set of differences (see the module's docstring)."""
    means = paired.means
    size = np.abs(means)
    n = len(means)
    found = spread(paired.deltas, paired.numbers) if int(paired.numbers.max()) > 0 else None
    scale = float((size**2).sum() / size.sum()) if size.sum() > 0 else 1.0
    plain = float(means.var(ddof=1)) / n if n > 1 else 0.0
    effect = (
        max(1.0, found.total / plain) if found and plain > 0 else 1.0 if plain > 0 or found is None else n / found.count
    )
    gains, losses = (float(np.clip(sign * means, 0, None).sum()) / scale / effect for sign in (1, -1))
    return Moved(gains, losses, n / effect, scale, found.df if found else max(1.0, n - 1.0))


def bound(state: Moved, upper: bool, level: float) -> float:
    """One-sided confidence bound of the mean difference at ``level``."""
    from scipy.optimize import brentq
    from scipy.special import stdtrit

    z = float(stdtrit(state.df, level))
    centre = state.scale * (state.gains - state.losses) / state.n
    edge = state.scale * (1 - 1e-9)
    if upper:
        return float(brentq(lambda x: state.statistic(x) + z, centre, edge)) if state.statistic(edge) < -z else edge
    return float(brentq(lambda x: state.statistic(x) - z, -edge, centre)) if state.statistic(-edge) > z else -edge


def interval(paired: Paired) -> tuple[float, float]:
    """95 % interval of the mean difference."""
    if len(paired.ids) < 2 or int(paired.numbers.max()) < 1:
        return -1.0, 1.0
    state = moved(paired)
    return bound(state, False, 0.5 + LEVEL / 2), bound(state, True, 0.5 + LEVEL / 2)


def permutation_p(paired: Paired, seed: int = 0) -> float:
    """Two-sided p that the mean difference is 0: signs of whole clusters flipped."""
    sums = np.asarray(np.bincount(paired.numbers, paired.means), dtype=np.float64)
    sums = sums[np.abs(sums) > 1e-12]
    if not len(sums):
        return 1.0
    if len(sums) <= 14:
        bits = (np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1
        found = np.abs((2.0 * bits - 1.0) @ sums)
        return float((found >= abs(sums.sum()) - 1e-9).mean())
    signs = np.random.default_rng(seed).integers(0, 2, (FLIPS, len(sums)), dtype=np.int8).astype(np.float64) * 2 - 1
    hits = int((np.abs(signs @ sums) >= abs(sums.sum()) - 1e-9).sum())
    sampled = (1 + hits) / (1 + FLIPS)
    return min(sampled, tail_bound(sums)) if hits < RARE else sampled


def tail_bound(sums: npt.NDArray[np.float64]) -> float:
    """The least that an exponential bound allows for the chance of a sum of flipped ``sums`` as far from 0 as theirs, never less than
    that chance (Chernoff 1952): ``2 min over t of exp(sum(log cosh(t s)) - t |sum(s)|)``.

    Samples cannot tell a p below one part of their number, which a correction for hundreds of comparisons needs.
    """
    from scipy.optimize import brentq

    size, total = np.abs(sums) / np.abs(sums).max(), abs(float(sums.sum())) / float(np.abs(sums).max())

    def slope(t: float) -> float:
        return float((size * np.tanh(t * size)).sum()) - total

    high = 1.0
    while slope(high) < 0 and high < 1e6:
        high *= 2
    t = float(brentq(slope, 0.0, high)) if slope(high) > 0 else high
    log = float((t * size + np.log1p(np.exp(-2 * t * size)) - np.log(2)).sum()) - t * total
    return min(1.0, max(1e-300, 2 * float(np.exp(log))))


def difference(
    a: str, b: str, metric: str, scores_a: Table, scores_b: Table, clusters: Mapping[str, str] | None = None
) -> Difference:
    """Everything said about ``b - a``; correct a family of them with `holm`."""
    paired = pair(scores_a, scores_b, clusters)
    if not paired.ids:
        return Difference(a, b, metric, None, None, None, 0, 0, 0, 0)
    means = paired.means
    low, high = interval(paired)
    wins, losses = int((means > 1e-9).sum()), int((means < -1e-9).sum())
    sd = float(means.std(ddof=1)) if len(means) > 1 else 0.0
    state = moved(paired)
    return Difference(
        a,
        b,
        metric,
        round(float(means.mean()), 6),
        round(low, 6),
        round(high, 6),
        len(means),
        wins,
        len(means) - wins - losses,
        losses,
        float(f"{permutation_p(paired):.6g}"),
        1.0,
        round(float(means.mean()) / sd, 4) if sd > 1e-12 else 0.0,
        round(sd * sqrt(len(means) / state.n), 6),
    )


def effective_tests(columns: Sequence[npt.NDArray[np.float64]]) -> float:
    """How many independent tests the tests of these columns amount to (Li and Ji 2005, Heredity 95:221).

    Args:
        columns: per test its values by question, all of the same length; what a test does not concern is 0.

    Returns:
        A number in [1, tests]: over the eigenvalues of the correlation matrix, 1 for each of 1 or more plus the part
        behind its point. Tests of the same values count once; columns without spread are left out.
    """
    moving = [c for c in columns if len(c) and float(np.ptp(c)) > 0]
    if len(moving) < 2:
        return 1.0
    values = np.abs(np.linalg.eigvalsh(np.corrcoef(np.stack(moving))))
    values = np.round(values, 9)
    return float(max(1.0, ((values >= 1) + (values - np.floor(values))).sum()))


def holm_values(values: Sequence[float], tests: float | None = None) -> list[float]:
    """p values corrected for their number (Holm 1979), in the order given; ``tests``: never for more than so many.

    Without ``tests`` equal to statsmodels' ``multipletests(..., method="holm")``, which collects garbage on every call.
    """
    found, least = [0.0] * len(values), 0.0
    most = len(values) if tests is None else tests
    for rank, i in enumerate(sorted(range(len(values)), key=lambda i: values[i])):
        least = max(least, min(1.0, values[i] * min(most, len(values) - rank)))
        found[i] = least
    return found


def holm(found: Sequence[Difference]) -> list[Difference]:
    """The same differences with p corrected for their number."""
    return [replace(d, p_holm=float(f"{p:.6g}")) for d, p in zip(found, holm_values([d.p for d in found]), strict=True)]
