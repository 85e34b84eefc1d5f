"""What a set of questions can show: the smallest difference, and the questions a wanted one needs.

Paired t-test power (Cohen 1988) through statsmodels, at 5 % two-sided and 80 % power. ``sd`` is the standard
deviation of the differences per question, design effect included (`paired.Difference.sd`).
"""

from __future__ import annotations

from math import ceil

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
