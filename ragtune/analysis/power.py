"""What a set of questions can show: the smallest difference, and the questions a wanted one needs.

Paired t-test power (Cohen 1988) through statsmodels, at 5 % two-sided and 80 % power. ``sd`` is the standard
deviation of the differences per question, design effect included (`differences.Difference.sd`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from ragtune.analysis.differences import Difference

#: before anything has run: 30 % of the questions differ, by a whole point (a cautious guess for right-or-wrong scores)
ASSUMED_SD = 0.55
POWER, ALPHA = 0.8, 0.05


def smallest_difference(n: int, sd: float = ASSUMED_SD) -> float | None:
    """The mean difference that ``n`` questions show with 80 % power; None where no number of them could."""
    from statsmodels.stats.power import TTestPower

    if n < 3:
        return None
    size = float(TTestPower().solve_power(nobs=n, alpha=ALPHA, power=POWER, alternative="two-sided"))
    return round(size * sd, 4)


def questions_needed(wanted: float, sd: float = ASSUMED_SD) -> int | None:
    """How many questions show a mean difference of ``wanted`` with 80 % power."""
    from statsmodels.stats.power import TTestPower

    if wanted <= 0:
        return None
    if sd <= 0:
        return 3
    size = wanted / sd
    if size > 3:
        return 4
    return ceil(float(TTestPower().solve_power(effect_size=size, alpha=ALPHA, power=POWER, alternative="two-sided")))


def expected_power(questions: int) -> str:
    """What this many questions can show, by the spread assumed before anything has run; the report says it as measured."""
    least = smallest_difference(questions)
    if least is None:
        return f"Power: {questions} question(s) can show no difference between setups."
    needed = questions_needed(0.05)
    more = f"; 5 points would need about {needed:,}" if needed and needed > questions else ""
    return (
        f"Power: {questions} questions show a difference of about {100 * least:.0f} points between two setups "
        f"(80 % power, 5 % level){more}."
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
