from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from conftest import write_corpus
from markupsafe import escape

from ragtune.analysis.means import Estimate
from ragtune.errors import RunError
from ragtune.experiment.folder import Run, load_run
from ragtune.experiment.progress import Silent
from ragtune.experiment.run import run_experiment
from ragtune.experiment.spec import load_experiment
from ragtune.judging.metrics import METRICS
from ragtune.report import charts, numbers
from ragtune.report.build import render, write_report
from ragtune.report.data import script_json
from ragtune.report.first import next_steps, retrieval_text
from ragtune.report.terminal import comparison
from ragtune.store import Store

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
EXPERIMENT = """\
name: evil
corpus: {path: CORPUS}
generator: {model: extractive}
retrieval: {lexical: true, top_k: 2}
setups:
  one: {retrieval: true, title: "<b>One</b>"}
  two: {retrieval: {dense: false, top_k: 1}}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("report")
    documents = {
        "a.md": f"---\ntitle: '{EVIL}'\n---\nTea is served at noon {EVIL} here.",
        "b.txt": "Boats leave at ten.",
    }
    questions: list[dict[str, object]] = [
        {
            "id": "q1",
            "question": f"When is tea served {EVIL}?",
            "answers": [EVIL],
            "evidence": [{"document": "a.md", "quote": "Tea is served"}],
            "tags": [EVIL],
        },
        {
            "id": "q2",
            "question": "When do boats leave?",
            "answers": ["ten"],
            "evidence": [{"document": "b.txt", "quote": "ten"}],
        },
        {"id": "q3", "question": "What is the price of gold?", "answers": []},
    ]
    write_corpus(root / "c", documents, questions)
    (root / "evil.yaml").write_text(EXPERIMENT.replace("CORPUS", str(root / "c")))
    return load_run(run_experiment(load_experiment(root / "evil.yaml"), Store(root / "s"), root / "run", Silent()))


def test_hostile_text_cannot_run(run: Run) -> None:
    page = render(run)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<b>One</b>" not in page
    assert len(re.findall(r"<script\b", page)) == 2
    assert "innerHTML" not in page
    assert "default-src 'none'" in page


def test_the_page_is_self_contained_and_holds_its_data(run: Run, tmp_path: Path) -> None:
    path = write_report(run, tmp_path / "r.html")
    page = path.read_text("utf-8")
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)
    assert "@import" not in page
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])  # type: ignore[index]
    assert [q["id"] for q in data["questions"]] == ["q1", "q2", "q3"]
    assert EVIL in data["questions"][0]["q"]
    assert data["setups"] == ["<b>One</b>", "two"]
    for section in (
        "verdict",
        "experiment",
        "setups",
        "differences",
        "cost-quality",
        "slices",
        "retrieval",
        "work",
        "questions",
        "reproduce",
    ):
        assert f'id="{section}"' in page
    assert "<b>One</b>" in run.summary.decision.text


def test_the_first_screen_comes_first_then_questions_then_the_experiment(run: Run) -> None:
    page = render(run)
    order = re.findall(r'<section [^>]*id="([\w-]+)"', page)
    assert order[:4] == ["verdict", "questions", "experiment", "slices"]
    first = page[page.index('id="verdict"') : page.index('id="questions"')]
    assert escape(run.summary.decision.verdict) in first
    assert escape(retrieval_text(run)) in first
    assert first.count("<svg") == 1
    steps = next_steps(run)
    assert steps
    assert all(escape(step.text) in first for step in steps)


def test_every_link_within_the_page_leads_somewhere(run: Run) -> None:
    page = render(run)
    ids = set(re.findall(r' id="([\w-]+)"', page))
    states = [link for link in re.findall(r'href="#([^"]*)"', page) if "=" in link]
    assert set(re.findall(r'href="#([^"=]*)"', page)) <= ids
    assert {step.state for step in next_steps(run)} - {""} <= {unescape(link) for link in states}
    fields = {pair.partition("=")[0] for link in states for pair in unescape(link).split("&")}
    assert fields <= {"cause", "outcome", "search", "tag", "q"}


def test_all_eight_metrics_are_named_beside_each_setup(run: Run) -> None:
    [table] = re.findall(r'<table class="scores cards" data-columns="metrics">.*?</table>', render(run), re.S)
    eight = [m.title for m in METRICS.values() if m.core]
    assert len(eight) == 8
    assert re.findall(r'data-label="([^"]+)"', table) == eight * len(run.summary.setups)


def test_script_json_cannot_leave_its_element() -> None:
    text = str(script_json({"a": "</script><!--\u2028&"}))
    assert "<" not in text
    assert ">" not in text
    assert "&" not in text
    assert json.loads(text) == {"a": "</script><!--\u2028&"}
    with pytest.raises(ValueError):
        script_json(float("nan"))


def test_the_terminal_table_lists_setups_and_verdict(run: Run) -> None:
    text = comparison(run)
    assert "one" in text
    assert "two" in text
    said = [run.summary.decision.verdict, run.summary.decision.grounds, retrieval_text(run)]
    said += [step.text for step in next_steps(run)]
    assert [text.index(part) for part in said] == sorted(text.index(part) for part in said)


def test_the_terminal_table_is_cut_where_the_terminal_is_narrow(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = comparison(run)
    table = text[: text.index("(percent")]
    assert max(len(line) for line in table.splitlines()) <= 60
    heads = [line for line in table.splitlines() if line.startswith("setup")]
    assert len(heads) > 1
    names = [name for line in heads for name in re.split(r"\s{2,}", line)[1:]]
    monkeypatch.setenv("COLUMNS", "400")
    [wide] = [line for line in comparison(run).splitlines() if line.startswith("setup")]
    assert names == re.split(r"\s{2,}", wide)[1:]


def test_what_needs_a_language_model_is_said(run: Run) -> None:
    assert "answer_relevance" not in run.summary.metrics
    assert "answer relevance: scored by a judge that asks a language model alone" in comparison(run)
    assert "Answer relevance is not scored here" in render(run)


def test_charts_escape_and_scale() -> None:
    svg = str(charts.lines([charts.Series("<a>", 0, [(0, 1.0), (5, 0.7), (10, 0.5)], dashed=True)], "x", "y", "t"))
    assert "&lt;a&gt;" in svg
    assert "<a>" not in svg
    cloud = str(
        charts.scatter(
            [charts.Series(n, 0, [(x, 50.0)], [(40.0, 60.0)]) for n, x in (("a", 1.0), ("b", 1.1), ("c", 900.0))],
            "x",
            "y",
            "t",
        )
    )
    assert cloud.count("<circle") == 3
    assert str(charts.lines([], "x", "y", "t")) == str(charts.scatter([], "x", "y", "t")) == ""
    assert max(float(m) for m in re.findall(r'c[xy]="([\d.]+)"', cloud)) <= charts.WIDTH


def test_forty_setups_have_marks_of_their_own() -> None:
    names = [f"setup {n}" for n in range(charts.MARKS)]
    cloud = str(charts.scatter([charts.Series(m, n, [(10.0 + n, 50.0)]) for n, m in enumerate(names)], "x", "y", "t"))
    marks = re.findall(r'<(\w+) class="dot (c\d+)" (?:d="([^"]*)")?', cloud)
    assert len({name for _, name, _ in marks}) == charts.MARKS
    shapes = {(tag, re.sub(r"[\d. -]+", " ", path)) for tag, _, path in marks}
    assert len(shapes) == charts.MARKS // 8
    style = (Path(charts.__file__).parent / "style.css").read_text("utf-8")
    colours = re.findall(r"(?m)^([^{]+)\{--c:var\(--c\d\)\}", style)
    shaped = re.findall(r"(?m)^((?:\.mark\.dot\.c\d+,?)+)\{", style)
    seen = set()
    for n in range(charts.MARKS):
        colour = [i for i, rule in enumerate(colours) if f".c{n}" in rule.split(",")]
        shape = [i for i, rule in enumerate(shaped) if f".mark.dot.c{n}" in rule.split(",")]
        assert len(colour) == 1
        assert len(shape) == (n >= 8)
        seen.add((*colour, *shape))
    assert len(seen) == charts.MARKS


def test_labels_stand_inside_and_a_narrow_axis_has_ticks() -> None:
    names = {"Closed-book tuned + RAG (naive)": 410.0, "Tuned, closed book": 288.0, "RAG": 502.0}
    cloud = str(charts.scatter([charts.Series(n, 0, [(x, 44.0)]) for n, x in names.items()], "x", "y", "t"))
    for x, side, name in re.findall(r'<text class="name" x="([\d.]+)" [^>]*text-anchor="(\w+)">([^<]+)', cloud):
        start = float(x) - (charts.LETTER * len(name) if side == "end" else 0)
        assert start >= 0
        assert start + charts.LETTER * len(name) <= charts.WIDTH, name
    ticks = re.findall(r'<text class="tick"[^>]*text-anchor="middle">([^<]+)', cloud)
    assert ticks == ["200", "300", "400", "500", "600", "700", "800"]


def test_labels_of_crowded_points_do_not_cover_one_another_or_a_point() -> None:
    names = {f"setup number {n}": (100.0 + n, 40.0 + 2 * n) for n in range(12)}
    cloud = str(charts.scatter([charts.Series(n, 0, [at]) for n, at in names.items()], "x", "y", "t"))
    dots = [(float(x), float(y)) for x, y in re.findall(r'class="dot c0" cx="([\d.]+)" cy="([\d.]+)"', cloud)]
    assert len(dots) == 12
    boxes = []
    for x, y, side, name in re.findall(
        r'<text class="name" x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">([^<]+)', cloud
    ):
        left = float(x) - (charts.LETTER * len(name) if side == "end" else 0)
        boxes.append((left, left + charts.LETTER * len(name), float(y) - 10, float(y)))
    assert 2 <= len(boxes) < 12  # the legend names the rest
    for i, (left, right, top, bottom) in enumerate(boxes):
        assert not any(left < x < right and top < y < bottom for x, y in dots)
        for other in boxes[i + 1 :]:
            assert right <= other[0] or other[1] <= left or bottom <= other[2] or other[3] <= top


def test_numbers() -> None:
    assert numbers.score(None) == "–"
    assert numbers.score(0.1234) == "12.3"
    assert numbers.seconds(0.0123) == "12 ms"
    assert numbers.seconds(3) == "3.0 s"
    assert numbers.seconds(600) == "10.0 min"
    assert numbers.signed(-0.05) == "-5.0"
    assert numbers.signed(None) == "–"
    assert [numbers.plain(t) for t in ("Token F1", "ROUGE-L", "Exact match")] == ["token F1", "ROUGE-L", "exact match"]
    assert numbers.interval(Estimate(None, None, None, 0)) == ""


def test_a_summary_that_contradicts_itself_is_shown_or_refused_in_one_line(run: Run) -> None:
    from dataclasses import replace

    fewer = replace(run.summary, metrics=tuple(m for m in run.summary.metrics if m != "faithfulness"))
    assert "Setups by metric" in render(replace(run, summary=fewer))
    unknown = replace(run.summary, decision=replace(run.summary.decision, metric="foo"))
    with pytest.raises(RunError, match="no metric here"):
        render(replace(run, summary=unknown))
