"""The report's table of tunings: what was trained of each setup, what it took, and what it costs to serve."""

from __future__ import annotations

from dataclasses import dataclass

from ragtune.experiment.folder import Run
from ragtune.report import numbers
from ragtune.tuning.methods import METHODS


@dataclass(frozen=True)
class TuningRow:
    """A tuned setup: means over its seeds, "–" where nothing is known. ``merged`` and ``beside`` are one user's median wait with
    what was trained in the weights and beside them; ``kept`` is its quality as a share of its teacher's."""

    label: str
    method: str
    share: str
    train: str
    speed: str
    memory: str
    size: str
    merged: str
    beside: str
    kept: str


def tuning_rows(run: Run) -> list[TuningRow]:
    """A row for each tuned setup, in their order."""
    found = []
    for name, label in run.summary.setups.items():
        own = [t for t in run.tunings if t.setup == name]
        tuning = run.experiment.setups[name].tuning
        if not own or tuning is None:
            continue
        wait, method, n = run.costs.latency.get(name), METHODS[tuning.method], len(own)
        served = numbers.seconds(wait.p50) if wait else "–"
        switched = numbers.seconds(wait.switched.p50) if wait and wait.switched else "–"
        told = [tuning.method, tuning.train_on, f"from {tuning.start}" if tuning.start else ""]
        told.append(f"taught by {tuning.teacher}" if tuning.teacher else "")
        found.append(
            TuningRow(
                label,
                ", ".join(filter(None, told)),
                _percent(own[0].report.trainable / max(1, own[0].report.parameters)),
                numbers.seconds(sum(t.cost.seconds for t in own) / n),
                numbers.count(sum(t.cost.tokens_per_second for t in own) / n),
                f"{numbers.count(max(t.cost.peak_memory_mb for t in own))} MB",
                f"{own[0].size_mb:,.3g} MB" if own[0].size_mb else "–",
                served if method.merges else "–",
                switched if method.merges else served,
                _kept(run, name, tuning.teacher),
            )
        )
    return found


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _kept(run: Run, name: str, teacher: str | None) -> str:
    """The main metric's mean as a share of the teacher's, with the interval of the student's own mean."""
    metric = run.experiment.main_metric
    own, other = run.summary.known(name, metric), run.summary.known(teacher, metric) if teacher else None
    if own is None or other is None or other[0] <= 0:
        return "–"
    mean, low, high = (100 * value / other[0] for value in own)
    return f"{mean:.1f} % ({low:.1f} – {high:.1f})"
