"""How far a judge agrees with people: measures over answers that people labelled as supported or not.

ROC AUC, balanced accuracy and Cohen's kappa through scikit-learn; expected calibration error over ten equal bins
(Naeini et al. 2015). Intervals are percentile bootstrap over items (over groups, where items share one).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
    """``threshold`` is the judge's own, ``best_threshold`` the one that separates these labels best."""

    items: int
    positive: int
    auc: Measure
    balanced: Measure
    balanced_best: Measure
    kappa: Measure
    ece: Measure
    threshold: float
    best_threshold: float
    bins: tuple[Bin, ...]
    seconds_per_item: float
    calls_per_item: float


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
    from sklearn.metrics import cohen_kappa_score, roc_auc_score

    s, y = np.array(support, dtype=np.float64), np.array([float(r.supported) for r in rows])
    cut = best_threshold(s, y)
    measures: dict[str, Callable[[Array, Array], float]] = {
        "auc": lambda a, b: float(roc_auc_score(b, a)),
        "balanced": lambda a, b: _balanced(a, b, threshold),
        "balanced_best": lambda a, b: _balanced(a, b, cut),
        "kappa": lambda a, b: float(cohen_kappa_score(b, (a >= threshold).astype(float))),
        "ece": lambda a, b: calibration(a, b)[0],
    }
    groups: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        groups.setdefault(row.group or f"\0{i}", []).append(i)
    members = list(groups.values())
    rng = np.random.default_rng(seed)
    draws: dict[str, list[float]] = {m: [] for m in measures}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(RESAMPLES):
            picked = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
            if 0 < y[picked].sum() < len(picked):
                for name, measure in measures.items():
                    draws[name].append(measure(s[picked], y[picked]))
    made = {}
    for name, measure in measures.items():
        low, high = np.percentile(draws[name], [2.5, 97.5]) if draws[name] else (float("nan"),) * 2
        made[name] = Measure(round(measure(s, y), 4), round(float(low), 4), round(float(high), 4))
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
