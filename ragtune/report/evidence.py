"""The parts of the page that say why answers failed, what the questions could show, and what setups cost."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ragtune.analysis.causes import CAUSES, Ceiling
from ragtune.analysis.costs import DAYS_PER_MONTH
from ragtune.experiment.folder import Run
from ragtune.judging.metrics import METRICS
from ragtune.report import charts, numbers


@dataclass(frozen=True)
class CauseRow:
    """A cause that occurs, with a cell per setup (None where it does not)."""

    name: str
    title: str
    meaning: str
    kind: str
    cells: tuple[Ceiling | None, ...]


@dataclass(frozen=True)
class Chart:
    """A chart with its title and a note."""

    title: str
    note: str
    svg: Markup


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
    metric = METRICS[run.summary.decision.metric].title.lower()
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


def cost_charts(run: Run) -> list[Chart]:
    """Cost per 1,000 questions against questions a day and against refreshes a month, a line per setup."""
    costs, settings = run.costs.costs, run.costs.settings
    if not costs:
        return []
    hardest = max(settings.refreshes_per_month, 1 / 12)

    def line(i: int, name: str, points: list[tuple[float, float]]) -> charts.Series:
        return charts.Series(run.summary.setups[name], i % 8, points)

    days = [settings.questions_per_day * 10 ** (k / 8 - 1) for k in range(17)]
    by_day = [
        line(i, n, [(d, 1000 * (c.question + c.tuning * hardest / (d * DAYS_PER_MONTH))) for d in days])
        for i, (n, c) in enumerate(costs.items())
    ]
    rates = [float(k) for k in range(1, 31)]
    month = settings.questions_per_day * DAYS_PER_MONTH
    by_rate = [
        line(i, n, [(r, 1000 * (c.question + c.tuning * r / month)) for r in rates])
        for i, (n, c) in enumerate(costs.items())
    ]
    unit = f"{settings.currency} per 1,000 questions"
    day_chart = charts.lines(by_day, "questions a day", unit, "Cost against questions a day")
    rate_chart = charts.lines(by_rate, "refreshes a month", unit, "Cost against refreshes")
    return [
        Chart("Volume", "where lines cross, two setups cost the same", day_chart),
        Chart("Freshness", "every refresh of the documents tunes again", rate_chart),
    ]


def learning_charts(run: Run) -> list[Chart]:
    """Quality against the number of tuning questions, with the best untuned setup as a level line, and where they cross."""
    found = []
    for i, curve in enumerate(run.summary.learning):
        metric = METRICS[curve.metric].title
        name, level = run.summary.setups[curve.baseline], 100 * curve.level
        counts = [float(p.count) for p in curve.points]
        lines = [
            charts.Series(f"tuned, {curve.train_on}", i % 8, [(float(p.count), 100 * p.mean) for p in curve.points]),
            charts.Series(name, (i + 1) % 8, [(counts[0], level), (counts[-1], level)], dashed=True),
        ]
        where = "all questions" if curve.part == "all" else f"{curve.part} facts"
        if curve.crossing is None:
            note = f"On {where} tuning does not reach “{name}” with {counts[-1]:.0f} questions."
        elif curve.crossing <= counts[0]:
            note = f"On {where} tuning is at or above “{name}” from the smallest number on."
        else:
            note = f"On {where} tuning reaches “{name}” at about {curve.crossing:.0f} training questions."
        title = f"{metric} against training questions, {where}"
        axis = "training questions (log scale)"
        chart = charts.lines(lines, axis, f"{metric} (%)", title, (0, 100), True, counts)
        found.append(Chart(where[0].upper() + where[1:], f"{note} Dashed: “{name}”.", chart))
    return found
