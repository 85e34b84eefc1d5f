"""The report's table of tunings: what was trained of each setup, what it took, and what it costs to serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragtune.experiment.folder import Run
from ragtune.report import numbers
from ragtune.tuning.methods import METHODS
from ragtune.tunings import Tuning


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
    """A row for each tuned part of a setup, in their order."""
    found = []
    for name in run.summary.setups:
        own = [t for t in run.tunings if t.setup == name]
        found += [_row(run, name, [t for t in own if t.kind == kind]) for kind in dict.fromkeys(t.kind for t in own)]
    return found


def _row(run: Run, name: str, own: Sequence[Tuning]) -> TuningRow:
    n, first, tuning = len(own), own[0], run.experiment.setups[name].tuning
    said, merged, beside, kept = f"{first.kind}: {first.method}", "–", "–", "–"
    if first.kind == "generator" and tuning is not None:
        wait, method = run.costs.latency.get(name), METHODS[tuning.method]
        served = numbers.seconds(wait.p50) if wait else "–"
        switched = numbers.seconds(wait.switched.p50) if wait and wait.switched else "–"
        merged, beside = (served, switched) if method.merges else ("–", served)
        told = [tuning.method, tuning.train_on, f"from {tuning.start}" if tuning.start else ""]
        told.append(f"taught by {tuning.teacher}" if tuning.teacher else "")
        said, kept = ", ".join(filter(None, told)), _kept(run, name, tuning.teacher)
    return TuningRow(
        run.summary.setups[name],
        said,
        _percent(first.report.trainable / max(1, first.report.parameters)),
        numbers.seconds(sum(t.cost.seconds for t in own) / n),
        numbers.count(sum(t.cost.tokens_per_second for t in own) / n) if first.kind == "generator" else "–",
        f"{numbers.count(max(t.cost.peak_memory_mb for t in own))} MB",
        f"{first.size_mb:,.3g} MB" if first.size_mb else "–",
        merged,
        beside,
        kept,
    )


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
