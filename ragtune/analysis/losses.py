"""What is shown of a loss, by the decision and the gate alike: greater than a margin, ruled out to be as great, or neither.

One-sided score tests at the margin (Tango 1998, carried over as `analysis.differences` says); *ruled out* is non-inferiority.
p values of tests asked together are corrected by Holm (1979), for at most the effective number of tests (Li and Ji 2005), since
metrics and setups move together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from ragtune.analysis.differences import ALPHA, Moved, Paired, bound, effective_tests, holm_values, moved


@dataclass(frozen=True)
class Loss:
    """Of ``after`` against ``before`` on shared questions.

    ``shown``: p that the loss is no greater than ``margin``; ``ruled_out``: p that it is the margin or more; ``most``: the greatest
    loss that the data allow (one-sided 95 % bound, below 0 for a gain); ``change``: question id -> after - before, empty where
    nothing changed. All in scores of [0, 1].
    """

    margin: float
    shown: float
    ruled_out: float
    most: float
    n: int
    change: Mapping[str, float]
    state: Moved | None

    @property
    def spread(self) -> float:
        """The variance of a question's change, times the design effect."""
        if self.state is None:
            return 0.0
        rate = (self.state.gains + self.state.losses) / self.state.n * self.state.scale**2
        return rate * self.n / self.state.n

    def needed(self, tests: float) -> int:
        """Questions that would rule the margin out with 80 % power if nothing is lost; 0 where none would or none are needed."""
        from scipy.special import ndtri

        if self.state is None or self.margin <= 0:
            return 0
        return ceil(self.spread * (float(ndtri(1 - ALPHA / tests) + ndtri(0.8)) / self.margin) ** 2)


def loss(paired: Paired, margin: float) -> Loss:
    """What ``paired`` (after - before) shows of a loss of ``margin``. Questions of one document alone rule nothing out."""
    n = len(paired.ids)
    if n and not paired.means.any():
        return Loss(margin, 1.0, 0.0, 0.0, n, {}, None)
    if n < 2:
        return Loss(margin, 1.0, 1.0, 1.0, n, {}, None)
    from scipy.special import stdtr

    state = moved(paired)
    at = state.statistic(-margin)
    change = dict(zip(paired.ids, paired.means.tolist(), strict=True))
    shown, ruled_out = float(stdtr(state.df, at)), float(stdtr(state.df, -at))
    if int(paired.numbers.max()) < 1:
        return Loss(margin, shown, 1.0, 1.0, n, change, state)
    return Loss(margin, shown, ruled_out, -bound(state, False, 1 - ALPHA), n, change, state)


def tests_among(losses: Sequence[Loss]) -> float:
    """The effective number of tests among losses."""
    ids = sorted({q for found in losses for q in found.change})
    return effective_tests([np.array([found.change.get(q, 0.0) for q in ids]) for found in losses])


@dataclass(frozen=True)
class Shown:
    """The p values of one `Loss`, corrected for the tests asked together with it; at most ``ALPHA`` says so."""

    loss: float
    no_loss: float

    @property
    def verdict(self) -> str:
        return "regressed" if self.loss <= ALPHA else "held" if self.no_loss <= ALPHA else "unclear"

    @property
    def p(self) -> float:
        """Of the verdict; of "held" where it is unclear."""
        return self.loss if self.verdict == "regressed" else self.no_loss


def shown(losses: Sequence[Loss], share: float = 1.0) -> list[Shown]:
    """What a family of losses shows, in order; ``share`` of the 5 % is the family's."""
    tests = tests_among(losses)
    worse, held = (holm_values(p, tests) for p in ([x.shown for x in losses], [x.ruled_out for x in losses]))
    return [Shown(min(1.0, a / share), min(1.0, b / share)) for a, b in zip(worse, held, strict=True)]
