"""The parts of the page that say why answers failed, what the questions could show, and how setups do on parts of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ragtune.analysis.causes import CAUSES, Ceiling
from ragtune.analysis.means import Estimate
from ragtune.experiment.folder import Run
from ragtune.judging.metrics import METRICS
from ragtune.report import numbers


@dataclass(frozen=True)
class CauseRow:
    """A cause that occurs, with a cell per setup (None where it does not)."""

    name: str
    title: str
    meaning: str
    kind: str
    cells: tuple[Ceiling | None, ...]


def cause_rows(run: Run) -> list[CauseRow]:
    """The causes that occur, in the order of `CAUSES`."""
    found = []
    for name, (title, meaning, kind, _) in CAUSES.items():
        cells = tuple(
            next((c for c in run.summary.causes[setup] if c.cause == name), None) for setup in run.summary.setups
        )
        if any(cells):
            found.append(CauseRow(name, title, meaning, kind, cells))
    return found


def ceiling_text(run: Run) -> str:
    """What mending the chosen setup's largest causes could add."""
    chosen = run.summary.decision.setup
    causes = run.summary.causes.get(chosen, ())[:3] if chosen else ()
    metric = numbers.plain(METRICS[run.summary.decision.metric].title)
    parts = [f"{CAUSES[c.cause][3]} could add up to {100 * c.adds:.0f} points" for c in causes if 100 * c.adds >= 0.5]
    return f"For “{run.summary.setups[chosen or '']}”, {metric}: {'; '.join(parts)}." if parts else ""


def power_text(run: Run) -> str:
    """The smallest difference that these questions show."""
    power = run.summary.power
    if not power.detectable or power.n is None:
        return ""
    text = (
        f"By the spread measured, {power.n} questions show a difference of about {100 * power.detectable:.0f} points "
        "between two typical setups (80 % power)"
    )
    if power.needed and power.needed > power.n:
        return f"{text}; {100 * power.wanted:.0f} points would need about {power.needed - power.n:,} more."
    return f"{text}."


def latency_text(run: Run) -> str:
    """How latency and throughput were measured, and what waiting is with adapters switched on; ``""`` where none was."""
    found = run.costs.latency
    if not found:
        return ""
    least, most = min(f.questions for f in found.values()), max(f.questions for f in found.values())
    asked = f"{least}" if least == most else f"{least} to {most}"
    switched = [
        f"{run.summary.setups[name]} {' / '.join(numbers.waits(f.switched))}" for name, f in found.items() if f.switched
    ]
    return f"Latency: one question at a time, as served, p50 / p95 of {asked}; answers/s: in batches, as run." + (
        f" With switched adapters: {'; '.join(switched)}." if switched else ""
    )


#: questions of a slice below which its means say nothing
FEW = 5


@dataclass(frozen=True)
class SliceRow:
    """A part of the questions: how many were scored, and each setup's mean on it (None where nothing was)."""

    part: str
    n: int
    cells: tuple[Estimate | None, ...]


def slice_rows(run: Run, metric: str) -> list[SliceRow]:
    """The slices of `FEW` questions or more, by a metric."""
    found = []
    for part, by in run.summary.slices.items():
        cells = tuple(_cell(by, setup, metric) for setup in run.summary.setups)
        n = max((cell.n for cell in cells if cell), default=0)
        if n >= FEW:
            found.append(SliceRow(part, n, cells))
    return found


def _cell(by: Mapping[str, Mapping[str, Estimate]], setup: str, metric: str) -> Estimate | None:
    return by.get(setup, {}).get(metric)


def left_out(run: Run, metric: str) -> str:
    """The slices that are too small to be shown by a metric."""
    kept = {row.part for row in slice_rows(run, metric)}
    names = [part for part in run.summary.slices if part not in kept]
    return f"Left out, with fewer than {FEW} scored questions: {', '.join(names)}." if names else ""
