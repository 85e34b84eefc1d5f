"""What the gate is told and what it says: settings, one verdict, the outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ragtune.judging.metrics import METRICS


def gated() -> tuple[str, ...]:
    """The metrics that are checked unless others are asked for."""
    return tuple(m.name for m in METRICS.values() if m.gated)


@dataclass(frozen=True)
class GateSettings:
    """What is checked. ``margins`` and ``floors`` map metrics to points in [0, 1]; ceilings are
    seconds that one user waits (median) and cost per question."""

    metrics: Sequence[str] = field(default_factory=gated)
    margins: Mapping[str, float] = field(default_factory=dict)
    margin: float = 0.02
    floors: Mapping[str, float] = field(default_factory=dict)
    max_latency: float | None = None
    max_cost: float | None = None
    setups: Sequence[str] = ()
    least: int = 20
    strict: bool = False
    allow_different: bool = False
    max_unscored: float = 0.05


@dataclass(frozen=True)
class Verdict:
    """One comparison. ``flipped`` are questions that were right and are wrong now."""

    setup: str
    metric: str
    part: str
    verdict: str
    before: float
    after: float
    n: int
    margin: float
    p: float
    needed: int = 0
    flipped: tuple[str, ...] = ()

    @property
    def change(self) -> float:
        return self.after - self.before


@dataclass(frozen=True)
class Gate:
    """The outcome. ``code`` is the exit code: 0 pass, 1 regression, 3 too much unscored. ``allowed``: what differs between the two
    sides and was allowed to."""

    verdicts: tuple[Verdict, ...]
    broken: tuple[str, ...]
    unscored: tuple[str, ...]
    strict: bool = False
    allowed: tuple[str, ...] = ()

    @property
    def code(self) -> int:
        if self.unscored:
            return 3
        failing = {"regressed", "unclear"} if self.strict else {"regressed"}
        return int(bool(self.broken) or any(v.verdict in failing for v in self.verdicts))

    def of(self, verdict: str) -> list[Verdict]:
        return [v for v in self.verdicts if v.verdict == verdict]
