"""Means of scores with 95 % intervals: questions clustered by document, seeds as a second level.

The interval is Wilson's score interval (Wilson 1927) with an effective sample size, as Korn and Graubard (1998)
use for surveys: ``n_eff = m (1 - m) / V`` where ``V`` is the variance of the mean ``m``. It never leaves [0, 1] and
holds near 0 and 1, where bootstrap and t intervals do not. ``V`` adds up

- the variance between clusters (questions that share a document move together; Liang and Zeger 1986), blended
  with ``SHRINK`` clusters' worth of the largest variance a score in [0, 1] can have, since few clusters near 0 or 1
  show too little of it (beyond ``FEW`` clusters the blend fades out with their square);
- the variance between seeds (two-way random effects), since another seed would train another model.

Quantiles are Student's, with Satterthwaite's degrees of freedom. ``benchmarks/intervals.py`` proves it by simulation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from ragtune.records import Question

Values = npt.NDArray[np.float64]
#: (question id, seed, value or None where unscored)
Scored = tuple[str, int, float | None]
LEVEL = 0.95
SHRINK = 2.0
FEW = 30


@dataclass(frozen=True)
class Estimate:
    """A mean over ``n`` questions with its 95 % interval. ``unscored`` counts answers without a score."""

    mean: float | None
    low: float | None
    high: float | None
    n: int
    unscored: int = 0

    @property
    def known(self) -> tuple[float, float, float] | None:
        """(mean, low, high), or None where nothing was scored."""
        if self.mean is None or self.low is None or self.high is None:
            return None
        return self.mean, self.low, self.high


@dataclass(frozen=True)
class Table:
    """Scores as a matrix. ``values[i, j]`` is question ``ids[i]`` under the j-th seed, NaN where unscored."""

    ids: tuple[str, ...]
    values: Values
    unscored: int = 0

    @property
    def means(self) -> Values:
        """Mean over seeds per question, shape (questions,)."""
        if not len(self.ids):
            return np.zeros(0)
        held = ~np.isnan(self.values)
        return np.asarray(np.where(held, self.values, 0.0).sum(axis=1) / held.sum(axis=1), dtype=np.float64)


def table(scores: Sequence[Scored]) -> Table:
    """Arrange scores; questions without any score are left out and counted."""
    seeds = sorted({s for _, s, _ in scores})
    rows: dict[str, list[float]] = {}
    unscored = 0
    for question, seed, value in scores:
        if value is None:
            unscored += 1
        else:
            rows.setdefault(question, [float("nan")] * len(seeds))[seeds.index(seed)] = value
    ids = tuple(sorted(rows))
    return Table(ids, np.array([rows[i] for i in ids], dtype=np.float64).reshape(len(ids), len(seeds)), unscored)


def cluster_numbers(ids: Sequence[str], clusters: Mapping[str, str] | None) -> npt.NDArray[np.int64]:
    """A number per question, the same for questions of one cluster; without ``clusters`` each stands alone."""
    names = [clusters.get(i, f"\0{i}") if clusters else i for i in ids]
    return np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True)
class Spread:
    """Variance of a mean: between clusters, between seeds, and the degrees of freedom of their sum."""

    clusters: float
    seeds: float
    df: float
    count: int

    @property
    def total(self) -> float:
        return self.clusters + self.seeds


def spread(values: Values, numbers: npt.NDArray[np.int64]) -> Spread:
    """Variance of the mean of a (questions, seeds) matrix, NaN allowed. Needs two clusters or more."""
    held = ~np.isnan(values)
    means = np.where(held, values, 0.0).sum(axis=1) / held.sum(axis=1)
    n, count = len(means), int(numbers.max()) + 1
    sums = np.bincount(numbers, means - means.mean(), count)
    between = float(count / (count - 1) * (sums**2).sum() / n**2)
    seeds, df = 0.0, float(count - 1)
    full = values[held.all(axis=1)]
    if values.shape[1] > 1 and len(full) > 1:
        rows, columns = full.shape
        of_seeds = full.mean(axis=0)
        rest = full - full.mean(axis=1, keepdims=True) - of_seeds + full.mean()
        noise = float((rest**2).sum()) / ((rows - 1) * (columns - 1))
        seeds = max(0.0, float(of_seeds.var(ddof=1)) - noise / rows) / columns
        total = between + seeds
        if seeds > 0:
            df = total**2 / (between**2 / (count - 1) + seeds**2 / (columns - 1))
    return Spread(between, seeds, df, count)


def interval(values: Values, numbers: npt.NDArray[np.int64]) -> tuple[float, float]:
    """95 % interval of the mean of scores in [0, 1]; ``values`` is (questions, seeds). See the module's docstring."""
    from scipy.special import stdtrit

    held = ~np.isnan(values)
    mean = float((np.where(held, values, 0.0).sum(axis=1) / held.sum(axis=1)).mean())
    if len(values) < 2 or int(numbers.max()) < 1:
        return 0.0, 1.0
    found = spread(values, numbers)
    top = mean * (1 - mean) / found.count
    share = min(1.0, SHRINK / found.count) * min(1.0, FEW / found.count)
    variance = (1 - share) * found.clusters + share * max(top, found.clusters) + found.seeds
    size = mean * (1 - mean) / variance if variance > 0 and 0 < mean < 1 else float(found.count)
    z = float(stdtrit(found.df, 0.5 + LEVEL / 2))
    centre = (mean + z * z / (2 * size)) / (1 + z * z / size)
    half = z * sqrt(mean * (1 - mean) / size + z * z / (4 * size * size)) / (1 + z * z / size)
    return max(0.0, centre - half), min(1.0, centre + half)


def estimate(scores: Sequence[Scored], clusters: Mapping[str, str] | None = None) -> Estimate:
    """Mean over questions (of means over seeds) with its interval."""
    found = table(scores)
    if not found.ids:
        return Estimate(None, None, None, 0, found.unscored)
    low, high = interval(found.values, cluster_numbers(found.ids, clusters))
    return Estimate(round(float(found.means.mean()), 6), round(low, 6), round(high, 6), len(found.ids), found.unscored)


def clusters_of(questions: Iterable[Question]) -> dict[str, str]:
    """Question id -> cluster: questions whose evidence begins in the same document belong together."""
    return {q.id: q.spans[0].document_id for q in questions if q.evidence}
