"""The report's table of tunings: what was trained of each setup, what it took, and what it costs to serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragtune.analysis.means import clusters_of, table
from ragtune.analysis.ratio import share_of
from ragtune.experiment.folder import Run
from ragtune.report import numbers
from ragtune.tuning.methods import METHODS
from ragtune.tunings import Tuning


@dataclass(frozen=True)
class TuningRow:
    """A tuned setup: means over its seeds, "–" where nothing is known. ``before`` is what had to be made first. ``merged`` and
    ``beside`` are one user's median wait with what was trained in the weights and beside them; ``kept`` is its quality as a share of its
    teacher's."""

    label: str
    method: str
    share: str
    train: str
    before: str
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
        _before(own, tuning is not None and bool(tuning.start or tuning.teacher or tuning.preference)),
        numbers.count(sum(t.cost.tokens_per_second for t in own) / n) if first.kind == "generator" else "–",
        f"{numbers.count(max(t.cost.peak_memory_mb for t in own))} MB",
        f"{first.size_mb:,.3g} MB" if first.size_mb else "–",
        merged,
        beside,
        kept,
    )


def _before(own: Sequence[Tuning], builds: bool) -> str:
    """The mean seconds of what had to be made first; ``builds``: the setup's tuning goes on from something."""
    found = [t.cost.before for t in own]
    known = [spent for spent in found if spent is not None]
    if len(known) < len(found):
        return "unknown" if builds and own[0].kind == "generator" else "–"
    seconds, tokens = sum(s.seconds for s in known) / len(own), sum(s.prompt + s.answer for s in known)
    return numbers.seconds(seconds) if seconds or tokens else "–"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _kept(run: Run, name: str, teacher: str | None) -> str:
    """The main metric's mean as a share of the teacher's on the same questions."""
    if not teacher or teacher not in run.summary.setups:
        return "–"
    clusters = clusters_of([row.question for row in run.rows])
    own, other = (
        table([(r.question.id, r.seed, r.value(run.experiment.main_metric)) for r in run.rows if r.setup == setup])
        for setup in (name, teacher)
    )
    found = share_of(other, own, clusters)
    if found is None:
        return "–"
    ends = (
        f"{100 * found.low:.1f} – {100 * found.high:.1f}"
        if found.high is not None
        else f"{100 * found.low:.1f} or more"
    )
    return f"{100 * found.share:.1f} % ({ends})"
