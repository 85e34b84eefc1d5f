"""Which of the setups that answered everything is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean

from ragtune.analysis.costs import Limits
from ragtune.experiment.search.trials import Trial
from ragtune.experiment.spec import Setup
from ragtune.records import Row


@dataclass
class Tried:
    """A trial with its setup and the judged rows of its answers."""

    trial: Trial
    setup: Setup
    rows: list[Row] = field(default_factory=list)

    def scores(self, metric: str) -> dict[str, float | None]:
        return {row.question.id: row.value(metric) for row in self.rows}


def best_of(done: Sequence[Tried], limits: Limits) -> Tried:
    """The best quality among those that break no limit (all of them, where each breaks one); of equals what answers sooner, then
    what takes fewer tokens, then what was tried first."""
    return max([tried for tried in done if _keeps(tried, limits)] or done, key=_rank)


def _keeps(tried: Tried, limits: Limits) -> bool:
    """Whether it breaks no limit; an unknown latency or cost breaks one, as in the decision of a Run."""
    trial = tried.trial
    for most, known in ((limits.max_latency, trial.latency), (limits.max_cost, trial.cost)):
        if most is not None and (known is None or known > most):
            return False
    if limits.min_faithfulness is None:
        return True
    values = [v for row in tried.rows if (v := row.value("faithfulness")) is not None]
    return bool(values) and mean(values) >= limits.min_faithfulness


def _rank(tried: Tried) -> tuple[float, float, float, int]:
    trial = tried.trial
    quality = trial.quality.mean if trial.quality and trial.quality.mean is not None else -1.0
    waits = trial.latency if trial.latency is not None else float("inf")
    return quality, -waits, -(trial.tokens or 0.0), -trial.number
