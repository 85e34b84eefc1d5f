"""Quality against the number of tuning questions, and where tuning overtakes retrieval alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

from ragtune.analysis.means import Estimate

#: slices worth a curve of their own beside all questions
PARTS = ("seen", "unseen")


@dataclass(frozen=True)
class Family:
    """Setups tuned in the same way on different numbers of questions: number -> setup."""

    train_on: str
    members: Mapping[int, str]


@dataclass(frozen=True)
class Point:
    """The metric's mean with its interval after tuning on ``count`` questions."""

    count: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """One family on one part of the questions, beside ``baseline`` (the best untuned setup) and its mean ``level``.

    ``crossing`` is the number of questions at which the curve first reaches that level, None if it never does.
    """

    train_on: str
    part: str
    metric: str
    points: tuple[Point, ...]
    baseline: str
    level: float
    crossing: float | None


def crossing(points: Sequence[tuple[int, float]], level: float) -> float | None:
    """The number of questions at which the line through ``points`` (count, mean) first reaches ``level``, or None.

    Straight lines over the logarithm of the count between measured points; nothing is read off beyond them.
    """
    before: tuple[int, float] | None = None
    for count, mean in points:
        if mean >= level:
            if before is None or mean == before[1]:
                return float(count)
            share = (level - before[1]) / (mean - before[1])
            return round(exp(log(before[0]) + share * (log(count) - log(before[0]))), 1)
        before = (count, mean)
    return None


def learning_curves(
    families: Sequence[Family], untuned: Sequence[str], means: Mapping[str, Mapping[str, Estimate]], metric: str
) -> tuple[Curve, ...]:
    """A curve per family of two or more members and per part of the questions (``means``: part -> setup -> estimate)."""
    found = []
    for family in families:
        for part in ("all", *PARTS):
            of = means.get(part, {})
            points = []
            for count, name in sorted(family.members.items()):
                known = e.known if (e := of.get(name)) else None
                if known:
                    points.append(Point(count, *known))
            bases = {n: e.mean for n in untuned if (e := of.get(n)) and e.mean is not None}
            if len(points) < 2 or not bases:
                continue
            best = max(bases, key=lambda n: bases[n])
            at = crossing([(p.count, p.mean) for p in points], bases[best])
            found.append(Curve(family.train_on, part, metric, tuple(points), best, bases[best], at))
    return tuple(found)
