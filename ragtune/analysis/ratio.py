"""What share of another setup's quality a setup keeps, on the same questions.

The interval holds every share at which ``part - share * whole`` is not shown to differ from 0 (Fieller 1954, JRSS B 16:175), by the
interval of paired differences: questions that both find hard weigh on both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ragtune.analysis.differences import interval, pair
from ragtune.analysis.means import Table

#: shares beyond it are not looked for
MOST = 10.0


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval; ``high`` is None where the data set no upper end."""

    share: float
    low: float
    high: float | None


def share_of(whole: Table, part: Table, clusters: Mapping[str, str] | None = None) -> Share | None:
    """The mean of ``part`` as a share of that of ``whole``, over the questions that both scored; None where ``whole`` has 0."""
    from scipy.optimize import brentq

    shared = pair(whole, part).ids
    means = [dict(zip(side.ids, side.means, strict=True)) for side in (whole, part)]
    base, own = (sum(float(side[q]) for q in shared) for side in means)
    if base <= 0:
        return None

    def ends(share: float) -> tuple[float, float]:
        return interval(pair(replace(whole, values=share * whole.values), part, clusters))

    found = own / base
    low = float(brentq(lambda s: ends(s)[0], 0.0, found)) if found > 0 and ends(0.0)[0] > 0 else 0.0
    high = float(brentq(lambda s: ends(s)[1], found, MOST)) if found < MOST and ends(MOST)[1] < 0 else None
    return Share(found, low, high)
