"""What a set of questions can show: the smallest difference, and the questions a wanted one needs.

Power of the paired t-test (Cohen 1988; noncentral t), at 5 % two-sided and 80 %. ``sd`` is the standard deviation of the
differences per question, design effect included (`differences.Difference.sd`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isnan, sqrt

from ragtune.analysis.differences import Difference
from ragtune.text.counts import counted

#: before anything has run: 30 % of the questions differ, by a whole point (a cautious guess for right-or-wrong scores)
ASSUMED_SD = 0.55
POWER, ALPHA = 0.8, 0.05
MOST = 10**9


def power(effect: float, n: int) -> float:
    """The chance that ``n`` questions show a mean difference of ``effect`` standard deviations."""
    from scipy.special import nctdtr, stdtrit

    df, centre = n - 1, effect * sqrt(n)
    if n > 10**6 or centre > 30:  # there the noncentral t is the normal, and its series may fail
        from scipy.special import ndtr, ndtri

        return float(ndtr(centre - ndtri(1 - ALPHA / 2)))
    critical = float(stdtrit(df, 1 - ALPHA / 2))
    found = float(1 - nctdtr(df, centre, critical) + nctdtr(df, centre, -critical))
    return 1.0 if isnan(found) else found


@lru_cache(maxsize=65_536)
def _smallest(n: int) -> float:
    """The smallest effect that ``n`` questions show: power grows with the effect, and for many questions it is near 2.8 / sqrt(n)."""
    from scipy.optimize import brentq

    high = 4 / sqrt(n) if n >= 10 else 50.0
    return float(brentq(lambda effect: power(effect, n) - POWER, 2.5 / sqrt(n), high, xtol=1e-12))


def smallest_difference(n: int, sd: float = ASSUMED_SD) -> float | None:
    """The mean difference of scores in [0, 1] that ``n`` questions show with 80 % power; None where none could."""
    if n < 3:
        return None
    found = round(_smallest(n) * sd, 4)
    return found if found <= 1 else None


def questions_needed(wanted: float, sd: float = ASSUMED_SD) -> int | None:
    """How many questions show a mean difference of ``wanted`` with 80 % power; None where no number would do."""
    if wanted <= 0:
        return None
    if sd <= 0:
        return 3
    low, high = 2, 4
    while power(wanted / sd, high) < POWER:
        low, high = high, high * 2
        if high > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if power(wanted / sd, middle) < POWER else (low, middle)
    return high


def expected_power(questions: int) -> str:
    """What this many questions can show, by a guess at the spread before anything has run; the report says it as measured."""
    least = smallest_difference(questions)
    if least is None:
        return f"Power: {counted(questions, 'question')} can show no difference between setups."
    needed = questions_needed(0.05)
    more = f"; 5 points would need about {needed:,}" if needed and needed > questions else ""
    return (
        f"Power, by a cautious guess before anything has run: {questions} questions show a difference of about "
        f"{100 * least:.0f} points between two setups (80 % power, 5 % level){more}."
    )


@dataclass(frozen=True)
class PairPower:
    """For one pair of setups: the smallest difference its questions show, and how many the wanted one needs."""

    a: str
    b: str
    n: int
    detectable: float | None
    needed: int | None


@dataclass(frozen=True)
class Power:
    """What a question set could show on ``metric``: per pair of setups, and (``n`` questions) for the typical pair."""

    metric: str
    wanted: float
    pairs: tuple[PairPower, ...] = ()
    n: int | None = None
    detectable: float | None = None
    needed: int | None = None


def power_of(differences: Sequence[Difference], metric: str, wanted: float = 0.05) -> Power:
    """Power by the spread that was measured, at 80 % for differences of ``wanted``."""
    own = [d for d in differences if d.metric == metric and d.sd > 0]
    if not own:
        return Power(metric, wanted)
    pairs = tuple(PairPower(d.a, d.b, d.n, smallest_difference(d.n, d.sd), questions_needed(wanted, d.sd)) for d in own)
    middle = sorted(own, key=lambda d: d.sd)[len(own) // 2]
    least, needed = smallest_difference(middle.n, middle.sd), questions_needed(wanted, middle.sd)
    return Power(metric, wanted, pairs, middle.n, least, needed)
