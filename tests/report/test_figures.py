from __future__ import annotations

import re
from dataclasses import replace

import pytest

from benchmarks.big_report import made_up
from ragtune.analysis.learning import Curve, Point
from ragtune.experiment.folder import Run
from ragtune.report import charts, figures
from ragtune.report.build import render
from ragtune.report.evidence import FEW, left_out, slice_rows
from ragtune.tunings import TuneCost, TuneReport, Tuning


@pytest.fixture(scope="module")
def run() -> Run:
    return made_up(40)


def tuning(curve: tuple[tuple[int, float], ...], dev: tuple[tuple[int, float], ...] = ()) -> Tuning:
    report = TuneReport(len(curve), curve, dev, 1, 2, 3, 4)
    return Tuning("tuned", 0, "k", "closed-book", 10, report, TuneCost(1.0, 1.0, 1.0))


def test_the_picture_shows_every_setup_with_its_interval_and_rings_the_one_to_choose(run: Run) -> None:
    chart = figures.picture(run)
    assert "latency" in chart.title
    assert chart.svg.count('class="dot') == chart.svg.count('class="bar') == len(run.summary.setups)
    assert chart.svg.count('class="ring') == (run.summary.decision.setup is not None)
    assert [m.text for m in chart.legend if m.colour is not None] == list(run.summary.setups.values())
    assert {m.kind for m in chart.legend} == {"dot", "bar"} | ({"ring"} if run.summary.decision.setup else set())


def test_the_picture_takes_what_is_known(run: Run) -> None:
    unmeasured = replace(run, costs=replace(run.costs, latency={}))
    assert "tokens" in figures.picture(unmeasured).title
    usage = {n: replace(u, prompt=0.0, answer=0.0) for n, u in run.summary.tokens.items()}
    nothing = replace(unmeasured, summary=replace(run.summary, tokens=usage))
    assert figures.picture(nothing).svg == ""
    first = render(nothing)
    assert '<span class="forest">' in first[first.index('id="verdict"') : first.index('id="questions"')]


def test_a_setup_that_cannot_be_shown_is_named(run: Run) -> None:
    latency = {n: found for n, found in run.costs.latency.items() if n != "tuned"}
    chart = figures.picture(replace(run, costs=replace(run.costs, latency=latency)))
    assert chart.note.endswith("Not shown, since not known: “Tuned, closed book”.")


def test_two_points_are_no_curve(run: Run) -> None:
    assert charts.lines([charts.Series("a", 0, [(1, 1.0), (2, 0.5)])], "x", "y", "t") == ""
    [short] = figures.loss_charts(replace(run, tunings=(tuning(((1, 2.5), (2, 1.25))),)))
    assert short.svg == ""
    assert "seed 0, training: 2.5, 1.25" in short.note
    [mixed] = figures.loss_charts(replace(run, tunings=(tuning(((1, 2.5), (2, 1.2), (3, 1.1)), ((1, 2.0), (3, 1.5))),)))
    assert mixed.svg.count('class="line') == 1
    assert "seed 0, dev: 2, 1.5" in mixed.note
    assert [m.text for m in mixed.legend] == ["seed 0, training"]


def test_a_learning_curve_of_two_points_is_told_in_words(run: Run) -> None:
    points = (Point(10, 0.4, 0.3, 0.5), Point(20, 0.5, 0.4, 0.6), Point(40, 0.7, 0.6, 0.8))
    curve = Curve("closed-book", "all", "answer_correctness", points[:2], "rag", 0.6, None)
    [told] = figures.learning_charts(replace(run, summary=replace(run.summary, learning=(curve,))))
    assert told.svg == ""
    assert told.note.endswith("Measured: 40.0 % with 10, 50.0 % with 20; “RAG” 60.0 %.")
    [drawn] = figures.learning_charts(
        replace(run, summary=replace(run.summary, learning=(replace(curve, points=points),)))
    )
    assert drawn.svg.count('class="line') == 2
    assert [(m.kind, m.text) for m in drawn.legend] == [("line", "tuned, closed-book"), ("dashed", "RAG")]


def test_setups_of_one_source_share_a_line_and_its_legend(run: Run) -> None:
    same = run.summary.retrieval["rag"]
    chart = figures.recall_chart(replace(run, summary=replace(run.summary, retrieval={"rag": same, "rag-tuned": same})))
    assert [m.text for m in chart.legend] == ["RAG, RAG + tuned with contexts"]
    assert chart.svg.count('class="line') == 1


def test_every_mark_of_a_legend_is_drawn_by_the_style_sheet(run: Run) -> None:
    page = render(run)
    kinds = {kind for found in re.findall(r'class="mark ([^"]+)"', page) for kind in found.split()}
    kinds -= {f"c{n}" for n in range(8)} | {"up", "down", "flat"}
    assert kinds >= {"dot", "bar", "tick", "line"}
    for kind in kinds:
        assert re.search(rf"\.mark\.(dot\.)?{kind}\b", page), kind


def test_slices_of_few_questions_are_left_out_by_name(run: Run) -> None:
    metric = run.summary.decision.metric
    assert "rare" in run.summary.slices
    rows = slice_rows(run, metric)
    assert [row.part for row in rows] == ["answerable", "paraphrase", "seen", "single fact", "unseen"]
    assert all(row.n >= FEW for row in rows)
    assert left_out(run, metric) == "Left out, with fewer than 5 scored questions: rare, unanswerable."
    page = render(run)
    slices = page[page.index('id="slices"') : page.index('id="setups"')]
    table = slices[: slices.index("</table>")]
    assert '<th>answerable</th><td data-label="Questions">36</td>' in table
    assert "<th>rare</th>" not in slices
