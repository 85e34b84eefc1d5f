"""Intervals for few items: score intervals, which keep their width where all items agree."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

#: items of each class from which a threshold is kept: with 30 the share of a class that lies on the right side of it is known
#: to within 17 points at worst (`share`, 95 %)
ENOUGH = 30
Z = 1.959964
Interval = tuple[float, float]


def share(hits: int, items: int) -> Interval:
    """Wilson's 95 % interval (1927) of a share."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, items, method="wilson")
    return max(0.0, float(low)), min(1.0, float(high))


def mean_of_shares(first: tuple[int, int], second: tuple[int, int]) -> Interval:
    """The 95 % interval of the mean of two independent shares, each (hits, items): Newcombe 1998's hybrid of Wilson's."""
    p, q = first[0] / first[1], second[0] / second[1]
    (a, b), (c, d) = share(*first), share(*second)
    return (p + q - sqrt((p - a) ** 2 + (q - c) ** 2)) / 2, (p + q + sqrt((b - p) ** 2 + (d - q) ** 2)) / 2


def auc(value: float, positive: int, negative: int) -> Interval:
    """The 95 % interval of a ROC AUC: method 5 of Newcombe 2006 (Statistics in Medicine 25:559), Hanley and McNeil's variance
    (1982) taken at the bound itself, so that an AUC of 1 has an interval too."""
    balance = (positive + negative) / 2 - 1

    def away(t: float) -> float:
        spread = t * (1 - t) * (1 + balance * ((1 - t) / (2 - t) + t / (1 + t)))
        return abs(value - t) - Z * sqrt(max(0.0, spread) / (positive * negative))

    return _crossing(away, 0.0, value), _crossing(away, 1.0, value)


def _crossing(away: Callable[[float], float], outside: float, inside: float) -> float:
    """Where ``away`` turns from positive (at ``outside``) to negative (beside ``inside``), by halving."""
    if away(outside) <= 0:
        return outside
    inside += 1e-9 if outside > inside else -1e-9
    for _ in range(60):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if away(middle) > 0 else (outside, middle)
    return outside
