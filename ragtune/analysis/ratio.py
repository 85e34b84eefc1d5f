"""What share of another setup's quality a setup keeps, on the same questions.

The interval holds every share at which ``part - share * whole`` is not shown to differ from 0 (Fieller 1954, JRSS B 16:175), by the
interval of paired differences: questions that both find hard weigh on both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ragtune.analysis.differences import Paired, interval, pair
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

    def beside(share: float) -> Paired:
        return pair(replace(whole, values=share * whole.values), part, clusters)

    if not beside(1.0).ids:
        return None
    own = float(beside(0.0).means.mean())
    base = own - float(beside(1.0).means.mean())
    if base <= 0:
        return None
    found = own / base

    def end(share: float, upper: bool) -> float:
        return interval(beside(share))[upper]

    low = high = found  # where all differences are 0 but for rounding
    if end(found, False) < 0:
        low = float(brentq(end, 0.0, found, args=(False,))) if end(0.0, False) > 0 else 0.0
    if end(found, True) > 0:
        if end(MOST, True) >= 0:
            return Share(found, low, None)
        high = float(brentq(end, found, MOST, args=(True,)))
    return Share(found, low, high)
