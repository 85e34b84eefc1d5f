"""From a Run to the page: the view that the template renders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from markupsafe import Markup

from ragtune import __version__
from ragtune.analysis.differences import Difference
from ragtune.analysis.latency import Latency
from ragtune.analysis.means import Estimate
from ragtune.analysis.summary import Summary, Usage
from ragtune.errors import RunError
from ragtune.experiment import written
from ragtune.experiment.folder import Run
from ragtune.experiment.outlook import is_control, outlook
from ragtune.judging.metrics import METRICS
from ragtune.records import Metric
from ragtune.report import charts, evidence, figures, first, numbers, tuned
from ragtune.report.data import PageData, packed, page_data
from ragtune.report.figures import Chart
from ragtune.store import write_text
from ragtune.tunings import Tuning, spent_by_seed

#: the page's scripts, in the order in which they need one another
SCRIPTS = ("tools", "tables", "labels", "questions")


@dataclass(frozen=True)
class SetupView:
    """A setup in tables and charts; ``colour`` is its number among `charts.MARKS`."""

    name: str
    title: str
    colour: int
    scores: Mapping[str, Estimate]


@dataclass(frozen=True)
class CostRow:
    """A setup's line in the table of latency, throughput, tokens and training."""

    label: str
    latency: Latency | None
    rate: float | None
    usage: Usage
    train: float | None
    speed: float | None
    trainable: int | None
    memory: float | None


@dataclass(frozen=True)
class RetrievalRow:
    """Setups that share a source, and its measures."""

    names: tuple[str, ...]
    measures: Mapping[str, Estimate]


@dataclass(frozen=True)
class View:
    """Everything the template needs; numbers stay numbers, the template formats them through ``numbers``."""

    run: Run
    summary: Summary
    version: str
    metric: str
    metrics: Mapping[str, Metric]
    core: Sequence[Metric]
    extra: Sequence[Metric]
    untold: Sequence[Metric]
    defined: Sequence[Metric]
    picture: Chart
    found: str
    steps: Sequence[first.Step]
    slices: Mapping[str, Sequence[evidence.SliceRow]]
    left_out: str
    setups: Sequence[SetupView]
    best: Mapping[str, float]
    pairs: Mapping[str, Sequence[Difference]]
    reach: Mapping[str, float]
    quality: Sequence[Chart]
    tunings: Sequence[tuned.TuningRow]
    losses: Sequence[Chart]
    recall: Chart
    retrieval: Sequence[RetrievalRow]
    costs: Sequence[CostRow]
    switched: bool
    measured: str
    short: str
    settings: str
    tags: Sequence[str]
    causes: Sequence[evidence.CauseRow]
    ceiling: str
    power: str
    outlook: str
    cost_charts: Sequence[Chart]
    learning: Sequence[Chart]
    style: Markup
    script: Markup
    data: PageData


def asset(name: str) -> str:
    """A file of this package as text."""
    return resources.files("ragtune.report").joinpath(name).read_text("utf-8")


def view(run: Run) -> View:
    """What the page shows of a Run."""
    summary = run.summary
    metric = summary.decision.metric
    if metric not in METRICS:
        raise RunError(
            f'its summary goes by "{metric}", which is no metric here.', where=run.path, fix="Run the experiment again."
        )
    shown = [METRICS[m] for m in summary.metrics if m in METRICS]
    untold = [m for m in METRICS.values() if "llm" in m.needs and m not in shown]
    differences = [d for d in summary.differences if d.mean is not None]
    compared = [m for m in METRICS if any(d.metric == m for d in differences)]
    return View(
        run=run,
        summary=summary,
        version=__version__,
        metric=metric,
        metrics=METRICS,
        defined=shown,
        core=[m for m in METRICS.values() if m.core and (m in shown or m in untold)],
        untold=untold,
        extra=[m for m in shown if not m.core],
        picture=figures.picture(run),
        found=first.retrieval_text(run),
        steps=first.next_steps(run),
        slices={
            m: evidence.slice_rows(run, m) for m in (metric, *(m.name for m in shown if m.sliced and m.name != metric))
        },
        left_out=evidence.left_out(run, metric),
        setups=[
            SetupView(n, t, i % charts.MARKS, summary.scores[n]) for i, (n, t) in enumerate(summary.setups.items())
        ],
        best=_best(run),
        pairs={m: [d for d in differences if d.metric == m] for m in compared},
        reach={m: _reach([d for d in differences if d.metric == m]) for m in compared},
        quality=figures.quality_charts(run),
        tunings=tuned.tuning_rows(run),
        losses=figures.loss_charts(run),
        recall=figures.recall_chart(run),
        retrieval=_retrieval_rows(run),
        costs=_costs(run),
        switched=any(found.switched for found in run.costs.latency.values()),
        measured=evidence.latency_text(run),
        short=written.in_short(run.experiment),
        settings=written.in_full(run.experiment),
        tags=sorted({t for row in run.rows for t in row.question.tags if ":" not in t}),
        causes=evidence.cause_rows(run),
        ceiling=evidence.ceiling_text(run),
        power=evidence.power_text(run),
        outlook=outlook(run.experiment, run.rows) if run.about.waiting else "",
        cost_charts=figures.cost_charts(run),
        learning=figures.learning_charts(run),
        style=Markup(asset("style.css")),
        script=Markup("\n".join(asset(f"{name}.js") for name in SCRIPTS)),
        data=packed(page_data(run)),
    )


def _reach(differences: Sequence[Difference]) -> float:
    """Half the width of the axis that holds every interval."""
    return max([0.05, *(max(abs(d.low or 0.0), abs(d.high or 0.0)) for d in differences)])


def _retrieval_rows(run: Run) -> list[RetrievalRow]:
    names: dict[str, list[str]] = {}
    measures: dict[str, Mapping[str, Estimate]] = {}
    for name, found in run.summary.retrieval.items():
        key = repr(found)
        names.setdefault(key, []).append(run.summary.setups[name])
        measures[key] = found
    return [RetrievalRow(tuple(names[key]), measures[key]) for key in names]


def _costs(run: Run) -> list[CostRow]:
    rows = []
    for name, label in run.summary.setups.items():
        own: list[Tuning] = [t for t in run.tunings if t.setup == name]
        seconds = [spent.seconds for spent in spent_by_seed(own)]
        reads = [t.cost.tokens_per_second for t in own if t.kind == "generator"]
        rows.append(
            CostRow(
                label,
                run.costs.latency.get(name),
                run.costs.throughput.get(name),
                run.summary.tokens[name],
                sum(seconds) / len(seconds) if seconds else None,
                sum(reads) / len(reads) if reads else None,
                sum(t.report.trainable for t in own if t.seed == own[0].seed) if own else None,
                max(t.cost.peak_memory_mb for t in own) if own else None,
            )
        )
    return rows


def _best(run: Run) -> dict[str, float]:
    """The best mean of each metric, of the setups that could be served."""
    found, summary = {}, run.summary
    names = [n for n in summary.setups if not is_control(run.experiment.setups[n])]
    for metric in METRICS.values():
        means = [known[0] for n in names if (known := summary.known(n, metric.name))]
        if means:
            found[metric.name] = max(means) if metric.higher_is_better else min(means)
    return found


def render(run: Run, renews: bool = False) -> str:
    """The whole page as text. Everything from documents, questions and models is escaped or stays JSON text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("ragtune.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return env.get_template("page.html.j2").render(**vars(view(run)), n=numbers, renews=renews)


def write_report(run: Run, path: Path, renews: bool = False) -> Path:
    """Write the report of ``run`` to ``path`` and return it; one that ``renews`` itself is read again by the browser as it grows."""
    write_text(path, render(run, renews))
    return path
