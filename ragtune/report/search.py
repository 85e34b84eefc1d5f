"""The page of a search: what was chosen, whether the test split confirms it, the path there, and what else is worth having."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from ragtune import __version__
from ragtune.experiment.search.found import Found
from ragtune.experiment.search.trials import Search, Trial, text_of, told
from ragtune.judging.metrics import METRICS
from ragtune.report import charts, numbers
from ragtune.report.build import asset
from ragtune.report.figures import Chart, Mark
from ragtune.store import write_text
from ragtune.text.counts import counted

#: what a trial's state means, in the table
STATES = {
    "finished": "answered all",
    "stopped": "stopped: shown worse",
    "same": "the same setup",
    "impossible": "does not go together",
}


@dataclass(frozen=True)
class TrialRow:
    """A line of the table; ``values`` stand in the order of the varied settings."""

    trial: Trial
    values: tuple[str, ...]
    state: str
    chosen: bool
    on_front: bool


def verdict(search: Search) -> str:
    """What was found and what it took, in sentences."""
    first, best = search.trials[0], search.winner
    title = METRICS[search.metric].title.lower()
    of = f"{counted(search.questions, 'question')} of the split {search.split}"
    if best.number == first.number:
        head = f"Nothing tried is ahead of the setup as written: {title} {_value(first)} on {of}."
    else:
        head = f"Choose {told(best)}: {title} {_value(best)} on {of}; as written {_value(first)}."
    spent = f"{search.computed:,} of {search.possible:,} answers were made ({100 * search.computed / max(1, search.possible):.0f} %)"
    whole = "the whole space would take" if search.space is not None else "all trials together would take"
    return f"{head} {spent.replace('of', 'of the', 1)} that {whole}.".replace("that that", "that")


def confirmation(search: Search) -> str:
    """What the split that chose nothing says."""
    done = search.confirmed
    if done is None:
        return "Not confirmed: the questions that chose flatter what they chose. Run the experiment below on the test split."
    if done.low is None or done.high is None:
        return f"On the split {done.split} it has {_percent(done.found.mean)}, as it did before."
    side = "better than" if done.low > 0 else "worse than" if done.high < 0 else "neither better nor worse than"
    return (
        f"Confirmed once on the split {done.split}: {_percent(done.found.mean)} against {_percent(done.before.mean)} as written; "
        f"shown to be {side} it (95 % interval of the difference {numbers.signed(done.low)} to {numbers.signed(done.high)})."
    )


def _percent(value: float | None) -> str:
    return "unscored" if value is None else f"{100 * value:.1f} %"


def _value(trial: Trial) -> str:
    return _percent(trial.quality.mean if trial.quality else None)


def rows(search: Search) -> tuple[list[str], list[TrialRow]]:
    """The varied settings, and a line for each trial."""
    names = list(dict.fromkeys(name for t in search.trials for name in t.values))
    front = set(search.front)
    found = [
        TrialRow(
            t,
            tuple(text_of(t.values[n]) if n in t.values else "–" for n in names),
            t.note if t.state in ("same", "impossible") else STATES[t.state],
            t.number == search.chosen,
            t.number in front,
        )
        for t in search.trials
    ]
    return names, found


def path_chart(search: Search) -> Chart:
    """The best mean so far against the answers made."""
    made, best, points = 0, 0.0, list[tuple[float, float]]()
    for t in search.trials:
        made += t.computed
        if t.state == "finished" and t.quality and t.quality.mean is not None:
            best = max(best, t.quality.mean)
        points.append((float(made), 100 * best))
    svg = charts.lines([charts.Series("best so far", 0, points)], "answers made", "percent", "The best so far")
    return Chart("The way there", "the best finished setup so far, against the answers made", svg)


def front_charts(search: Search) -> list[Chart]:
    """Finished setups by quality against latency, and against cost or tokens; the Pareto front in blue."""
    done = [t for t in search.trials if t.state == "finished" and t.quality and t.quality.known]
    priced = any(t.cost is not None for t in done)
    axes = [
        ("latency", "median latency (ms, log scale)", {t.number: 1000 * t.latency for t in done if t.latency}),
        (
            "cost" if priced else "tokens",
            f"{search.currency} per 1,000 questions (log scale)" if priced else "tokens per question (log scale)",
            {t.number: 1000 * t.cost if priced and t.cost else t.tokens or 0.0 for t in done},
        ),
    ]
    return [_against(search, done, x, what, x_title) for what, x_title, x in axes if x]


def _against(search: Search, done: Sequence[Trial], x: dict[int, float], what: str, x_title: str) -> Chart:
    front = set(search.front)
    series = []
    for t in done:
        if t.number in x and t.quality and t.quality.known:
            mean, low, high = (100 * v for v in t.quality.known)
            colour = 0 if t.number in front else 7
            point, bar = [(x[t.number], mean)], [(low, high)]
            name = str(t.number) if t.number in front else ""
            series.append(charts.Series(name, colour, point, bar, ringed=t.number == search.chosen))
    svg = charts.scatter(series, x_title, "percent", f"Quality and {what}")
    marks = (
        Mark("dot", "on the Pareto front, with the trial's number", 0),
        Mark("dot", "matched or bettered in everything", 7),
        Mark("ring", "chosen", 0),
        Mark("bar", "95 % interval"),
    )
    return Chart(f"Quality and {what}", "finished setups", svg, marks)


def page(found: Found) -> str:
    """The whole page as text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("ragtune.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    search = found.search
    names, lines = rows(search)
    return env.get_template("search.html.j2").render(
        search=search,
        verdict=verdict(search),
        confirmation=confirmation(search),
        names=names,
        rows=lines,
        charts=[path_chart(search), *front_charts(search)],
        winner=found.winner.read_text("utf-8"),
        commands=[f"ragtune run {found.winner}", *([f"ragtune report {found.run}"] if found.run else [])],
        metric=METRICS[search.metric],
        n=numbers,
        style=Markup(asset("style.css")),
        version=__version__,
    )


def write(found: Found, out: Path) -> Path:
    """Write the page ``out``; returns it."""
    write_text(out, page(found))
    return out
