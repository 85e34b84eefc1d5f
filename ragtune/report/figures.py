"""The charts of the page: quality against what it costs, recall, losses, costs, learning curves; each with its legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ragtune.analysis.costs import DAYS_PER_MONTH
from ragtune.analysis.learning import Curve
from ragtune.experiment.folder import Run
from ragtune.judging.metrics import METRICS
from ragtune.report import charts, numbers

_POINTS = (("dot", "dot: mean over questions"), ("bar", "bar: its 95 % interval"))


@dataclass(frozen=True)
class Mark:
    """A line of a legend: what a mark (a class of the style sheet) of a setup (its number among `charts.MARKS`; None: any) stands for."""

    kind: str
    text: str
    colour: int | None = None


@dataclass(frozen=True)
class Chart:
    """A chart with its title, a note and a legend; ``svg`` is empty where the note says it all."""

    title: str
    note: str
    svg: Markup
    legend: tuple[Mark, ...] = ()


def picture(run: Run) -> Chart:
    """Setups by quality, with intervals, against what is known of latency, else cost, else tokens; without a chart if none is."""
    found = [*quality_charts(run)]
    return found[0] if found else Chart("Quality", "", Markup(""), (*_marks(_POINTS), *_chosen(run)))


def quality_charts(run: Run) -> list[Chart]:
    """Quality against latency, cost and tokens, of those that are known."""
    latency = {n: 1000 * found.p50 for n, found in run.costs.latency.items()}
    cost = {n: 1000 * found.total for n, found in run.costs.costs.items()}
    tokens = {n: u.prompt + u.answer for n, u in run.summary.tokens.items()}
    every = (
        _against(run, latency, "latency", "median latency (ms, log scale)", "one question at a time, as served"),
        _against(
            run,
            cost,
            "cost",
            f"{run.costs.settings.currency} per 1,000 questions (log scale)",
            "with tuning spread over questions",
        ),
        _against(run, tokens, "tokens", "tokens per question (log scale)", "prompt and answer together"),
    )
    return [chart for chart in every if chart]


def _against(run: Run, x: Mapping[str, float], what: str, x_title: str, note: str) -> Chart | None:
    metric, chosen = run.summary.decision.metric, run.summary.decision.setup
    series, left_out = [], []
    for i, (name, label) in enumerate(run.summary.setups.items()):
        known = run.summary.known(name, metric)
        if known and x.get(name):
            mean, low, high = (100 * value for value in known)
            series.append(
                charts.Series(label, i % charts.MARKS, [(x[name], mean)], [(low, high)], ringed=name == chosen)
            )
        else:
            left_out.append(f"“{label}”")
    if not series:
        return None
    title = f"{METRICS[metric].title} against {what}"
    said = f"{note}; up and to the left is better." + (
        f" Not shown, since not known: {', '.join(left_out)}." if left_out else ""
    )
    named = [Mark("dot", s.name, s.colour) for s in series]
    svg = charts.scatter(series, x_title, f"{numbers.plain(METRICS[metric].title)} (%)", title)
    return Chart(title, said[0].upper() + said[1:], svg, (*named, *_marks(_POINTS), *_chosen(run)))


def _marks(found: Sequence[tuple[str, str]]) -> list[Mark]:
    return [Mark(kind, text) for kind, text in found]


def _chosen(run: Run) -> list[Mark]:
    return [Mark("ring", "ring: the setup to choose")] if run.summary.decision.setup else []


def _lines(series: Sequence[charts.Series]) -> tuple[Mark, ...]:
    return tuple(Mark("dashed" if s.dashed else "line", s.name, s.colour) for s in series)


def recall_chart(run: Run) -> Chart:
    """Recall at 1, 3, 5 and 10, a line per source; setups that share one are named together."""
    found: dict[tuple[tuple[float, float], ...], list[str]] = {}
    colours: dict[tuple[tuple[float, float], ...], int] = {}
    for i, (name, measures) in enumerate(run.summary.retrieval.items()):
        points = tuple((float(k), 100 * (measures[f"recall@{k}"].mean or 0.0)) for k in (1, 3, 5, 10))
        found.setdefault(points, []).append(run.summary.setups[name])
        colours.setdefault(points, i % charts.MARKS)
    series = [charts.Series(", ".join(names), colours[points], points) for points, names in found.items()]
    svg = charts.lines(series, "k", "recall@k (%)", "Recall at k", (0, 100), x_ticks=[1, 3, 5, 10])
    return Chart("Recall at k", "Share of the needed evidence that the top k hits hold.", svg, _lines(series))


def loss_charts(run: Run) -> list[Chart]:
    """Loss against steps, a chart per tuned setup; a training with too few figures for a curve is told in words."""
    found: dict[tuple[str, str], list[charts.Series]] = {}
    seen: set[str] = set()
    for t in run.tunings:
        if t.key in seen:
            continue
        seen.add(t.key)
        what = "" if t.kind == "generator" else f", {t.kind}"
        rows = found.setdefault((run.summary.setups[t.setup] + what, t.kind), [])
        for part, curve in (("training", t.report.curve), ("dev", t.report.dev_curve)):
            if curve:
                points = [(float(s), y) for s, y in curve]
                rows.append(charts.Series(f"seed {t.seed}, {part}", t.seed % 8, points, dashed=part == "dev"))
    return [_loss_chart(title, series, kind) for (title, kind), series in found.items()]


def _loss_chart(title: str, series: Sequence[charts.Series], kind: str = "generator") -> Chart:
    short = [f"{s.name}: {', '.join(f'{y:.3g}' for _, y in s.points)}" for s in series if not s.is_curve]
    shown = [s for s in series if s.is_curve]
    over = "answer tokens" if kind == "generator" else "questions and their chunks"
    note = f"Mean loss over {over}." + (f" Too few figures to draw: {'; '.join(short)}." if short else "")
    return Chart(title, note, charts.lines(shown, "step", "loss", f"Loss of {title}"), _lines(shown))


def cost_charts(run: Run) -> list[Chart]:
    """Cost per 1,000 questions against questions a day and against refreshes a month, a line per setup."""
    costs, settings = run.costs.costs, run.costs.settings
    if not costs:
        return []
    hardest = max(settings.refreshes_per_month, 1 / 12)
    colours = {name: i % charts.MARKS for i, name in enumerate(run.summary.setups)}

    def line(name: str, points: list[tuple[float, float]]) -> charts.Series:
        return charts.Series(run.summary.setups[name], colours[name], points)

    days = [settings.questions_per_day * 10 ** (k / 8 - 1) for k in range(17)]
    by_day = [
        line(n, [(d, 1000 * (c.question + c.tuning * hardest / (d * DAYS_PER_MONTH))) for d in days])
        for n, c in costs.items()
    ]
    rates = [float(k) for k in range(1, 31)]
    month = settings.questions_per_day * DAYS_PER_MONTH
    by_rate = [line(n, [(r, 1000 * (c.question + c.tuning * r / month)) for r in rates]) for n, c in costs.items()]
    unit = f"{settings.currency} per 1,000 questions"
    day_chart = charts.lines(by_day, "questions a day", unit, "Cost against questions a day")
    rate_chart = charts.lines(by_rate, "refreshes a month", unit, "Cost against refreshes")
    return [
        Chart("Volume", "Where lines cross, two setups cost the same.", day_chart, _lines(by_day)),
        Chart("Freshness", "Every refresh of the documents tunes again.", rate_chart, _lines(by_rate)),
    ]


def learning_charts(run: Run) -> list[Chart]:
    """Quality against the number of tuning questions, with the best untuned setup as a level line, and where they cross."""
    return [_learning_chart(run, i, curve) for i, curve in enumerate(run.summary.learning)]


def _learning_chart(run: Run, i: int, curve: Curve) -> Chart:
    metric = METRICS[curve.metric].title
    name, level = run.summary.setups[curve.baseline], 100 * curve.level
    counts = [float(p.count) for p in curve.points]
    lines = [
        charts.Series(
            f"tuned, {curve.train_on}", i % charts.MARKS, [(float(p.count), 100 * p.mean) for p in curve.points]
        ),
        charts.Series(name, (i + 1) % charts.MARKS, [(counts[0], level), (counts[-1], level)], dashed=True, level=True),
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
    svg = charts.lines(lines, axis, f"{numbers.plain(metric)} (%)", title, (0, 100), True, counts)
    if not svg:
        told = ", ".join(f"{numbers.score(p.mean)} % with {p.count}" for p in curve.points)
        note += f" Measured: {told}; “{name}” {level:.1f} %."
    return Chart(where[0].upper() + where[1:], note, svg, _lines(lines) if svg else ())
