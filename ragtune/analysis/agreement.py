"""How far a judge agrees with people: measures over answers that people labelled as supported or not, right or not.

ROC AUC, share of agreement, balanced accuracy, Cohen's kappa; expected calibration error over ten equal bins (Naeini et al.
2015). Intervals are percentile bootstrap over items (over groups, where items share one). A bootstrap of few or of perfect
items says too little, so those of AUC, agreement, balanced accuracy and kappa reach at least as far as the score interval of
`ragtune.analysis.few`, which does not shrink to a point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragtune.analysis import few
from ragtune.corpus.labelled import Labelled

Array = npt.NDArray[np.float64]
RESAMPLES = 1000
BINS = 10


@dataclass(frozen=True)
class Measure:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Bin:
    """Of the items whose support lies in [low, high): how many, their mean support, the share people call supported."""

    low: float
    high: float
    count: int
    support: float
    supported: float


@dataclass(frozen=True)
class Agreement:
    """``positive`` answers of ``items`` are supported (or right). ``threshold`` is the judge's own, ``best_threshold`` the one
    that separates these labels best."""

    items: int
    positive: int
    auc: Measure
    accuracy: Measure
    balanced: Measure
    balanced_best: Measure
    kappa: Measure
    ece: Measure
    threshold: float
    best_threshold: float
    bins: tuple[Bin, ...]
    seconds_per_item: float
    calls_per_item: float

    @property
    def few(self) -> bool:
        """Too few of one class to say much, or to keep a threshold."""
        return min(self.positive, self.items - self.positive) < few.ENOUGH


def auc(support: Array, labels: Array) -> float:
    """The chance that a positive item is ranked above another, ties counting half (Mann and Whitney 1947)."""
    from scipy.stats import rankdata

    positive = labels == 1
    m, n = int(positive.sum()), int((~positive).sum())
    return float((rankdata(support)[positive].sum() - m * (m + 1) / 2) / (m * n))


def accuracy(support: Array, labels: Array, cut: float) -> float:
    """The share of items on which judge and people say the same."""
    return float(((support >= cut) == (labels == 1)).mean())


def kappa(support: Array, labels: Array, cut: float) -> float:
    """Cohen's kappa: agreement beyond what chance gives; 0 where chance alone gives all of it."""
    same, chance = accuracy(support, labels, cut), _chance(support, labels, cut)
    return (same - chance) / (1 - chance) if chance < 1 else 0.0


def _chance(support: Array, labels: Array, cut: float) -> float:
    said, told = float((support >= cut).mean()), float(labels.mean())
    return said * told + (1 - said) * (1 - told)


def best_threshold(support: Array, labels: Array) -> float:
    """The cut with the best balanced accuracy; the middle between two neighbouring values."""
    values = np.unique(support)
    cuts = np.r_[values[0], (values[:-1] + values[1:]) / 2]
    scores = [_balanced(support, labels, c) for c in cuts]
    return float(cuts[int(np.argmax(scores))])


def _balanced(support: Array, labels: Array, cut: float) -> float:
    said = support >= cut
    return float(
        (
            (said & (labels == 1)).sum() / max(1, (labels == 1).sum())
            + (~said & (labels == 0)).sum() / max(1, (labels == 0).sum())
        )
        / 2
    )


def calibration(support: Array, labels: Array) -> tuple[float, tuple[Bin, ...]]:
    """Expected calibration error and its bins."""
    at = np.minimum((support * BINS).astype(int), BINS - 1)
    bins, error = [], 0.0
    for b in range(BINS):
        own = at == b
        if own.any():
            mean, share = float(support[own].mean()), float(labels[own].mean())
            bins.append(Bin(b / BINS, (b + 1) / BINS, int(own.sum()), mean, share))
            error += own.mean() * abs(mean - share)
    return float(error), tuple(bins)


def agreement(
    support: Sequence[float],
    rows: Sequence[Labelled],
    threshold: float,
    seconds: float = 0.0,
    calls: float = 0.0,
    seed: int = 0,
) -> Agreement:
    """Measure ``support`` (in [0, 1], one per row) against the labels."""
    s, y = np.array(support, dtype=np.float64), np.array([float(r.supported) for r in rows])
    cut = best_threshold(s, y)
    measures: dict[str, Callable[[Array, Array], float]] = {
        "auc": auc,
        "accuracy": lambda a, b: accuracy(a, b, threshold),
        "balanced": lambda a, b: _balanced(a, b, threshold),
        "balanced_best": lambda a, b: _balanced(a, b, cut),
        "kappa": lambda a, b: kappa(a, b, threshold),
        "ece": lambda a, b: calibration(a, b)[0],
    }
    draws = _bootstrap(s, y, rows, measures, seed)
    least = _least(s, y, threshold, cut)
    made = {}
    for name, measure in measures.items():
        drawn = np.percentile(draws[name], [2.5, 97.5]) if draws[name] else (float("nan"),) * 2
        low, high = (float(x) for x in drawn)
        if name in least:
            low, high = float(np.fmin(low, least[name][0])), float(np.fmax(high, least[name][1]))
        made[name] = Measure(round(measure(s, y), 4), round(low, 4), round(high, 4))
    bins = calibration(s, y)[1]
    n = len(rows)
    return Agreement(
        n,
        int(y.sum()),
        **made,
        threshold=threshold,
        best_threshold=round(cut, 4),
        bins=bins,
        seconds_per_item=seconds / n,
        calls_per_item=calls / n,
    )


def _bootstrap(
    s: Array, y: Array, rows: Sequence[Labelled], measures: dict[str, Callable[[Array, Array], float]], seed: int
) -> dict[str, list[float]]:
    """The measures on resampled groups of items that hold both classes."""
    groups: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        groups.setdefault(row.group or f"\0{i}", []).append(i)
    members = list(groups.values())
    rng = np.random.default_rng(seed)
    draws: dict[str, list[float]] = {m: [] for m in measures}
    for _ in range(RESAMPLES):
        picked = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        if 0 < y[picked].sum() < len(picked):
            for name, measure in measures.items():
                draws[name].append(measure(s[picked], y[picked]))
    return draws


def _least(s: Array, y: Array, threshold: float, cut: float) -> dict[str, tuple[float, float]]:
    """What an interval must hold at least, for the measures with a score interval."""
    m, n = int(y.sum()), int((1 - y).sum())
    same = few.share(int(((s >= threshold) == (y == 1)).sum()), m + n)
    chance = min(_chance(s, y, threshold), 1 - 1e-9)
    return {
        "auc": few.auc(auc(s, y), m, n),
        "accuracy": same,
        "balanced": _least_balanced(s, y, threshold),
        "balanced_best": _least_balanced(s, y, cut),
        "kappa": (max(-1.0, (same[0] - chance) / (1 - chance)), min(1.0, (same[1] - chance) / (1 - chance))),
    }


def _least_balanced(s: Array, y: Array, cut: float) -> tuple[float, float]:
    said = s >= cut
    return few.mean_of_shares(
        (int((said & (y == 1)).sum()), int(y.sum())), (int((~said & (y == 0)).sum()), int((1 - y).sum()))
    )
