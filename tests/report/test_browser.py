"""The page as a browser shows it; skipped where there is no Chromium."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.big_report import Browser, made_up
from ragtune.experiment.folder import Run
from ragtune.report.build import write_report
from ragtune.report.first import disputed

pytestmark = pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium")


@pytest.fixture(scope="module")
def run() -> Run:
    return made_up(60, (0, 1))


@pytest.fixture(scope="module")
def place(run: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(run, tmp_path_factory.mktemp("page") / "r.html").as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(str(tmp_path_factory.mktemp("profile")))
    yield found
    found.process.terminate()
    found.process.wait()


def wait(browser: Browser, script: str) -> Any:
    """What the script gives once it gives something true."""
    for _ in range(500):
        if found := browser.value(f"(e => e instanceof Node || e)({script})"):
            return found
        time.sleep(0.02)
    raise AssertionError(f"never true: {script}")


def visit(browser: Browser, url: str, width: int = 1400) -> None:
    browser("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser("Page.navigate", url="about:blank")
    browser("Page.navigate", url=url)
    wait(browser, "document.documentElement.dataset.ready")


def shown(browser: Browser) -> list[str]:
    found: list[str] = browser.value("[...document.querySelectorAll('#list .text')].map(e => e.textContent)")
    return found


def test_disputed_questions_stand_first(browser: Browser, place: str, run: Run) -> None:
    visit(browser, place)
    split = {row.question.text for row in run.rows if row.question.id in disputed(run)}
    assert shown(browser)
    assert set(shown(browser)[: len(split)]) <= split
    visit(browser, place + "#outcome=split")
    assert browser.value("found.textContent") == f"{len(split)} of 60 questions"


def test_the_address_holds_filters_and_the_open_question(browser: Browser, place: str, run: Run) -> None:
    visit(browser, place + "#q=q7")
    text = {row.question.id: row.question.text for row in run.rows}
    assert shown(browser)[0] == text["q7"]
    assert browser.value("document.querySelectorAll('#list details.q[open]').length") == 1
    visit(browser, place)
    browser.value("tag.value = 'rare'; tag.dispatchEvent(new Event('change'))")
    assert browser.value("location.hash") == "#tag=rare"
    assert set(shown(browser)) == {text[f"q{n}"] for n in range(3)}
    browser.value("document.querySelector('#list details').open = true")
    wait(browser, "location.hash.includes('q=q')")
    address = browser.value("location.href")
    visit(browser, address)
    assert browser.value("location.href") == address
    assert browser.value("found.textContent") == "3 of 60 questions"
    assert browser.value("document.querySelectorAll('#list details.q[open]').length") == 1
    browser.value("clear.click()")
    assert browser.value("location.hash") == ""
    assert browser.value("found.textContent") == "60 of 60 questions"


def test_shown_rows_are_saved_as_csv(browser: Browser, place: str, run: Run) -> None:
    visit(browser, place + "#tag=rare")
    browser.value("window.download = (name, type, text) => { window.saved = [name, text]; }")
    browser.value("document.getElementById('csv').click()")
    name, text = browser.value("saved")
    assert name == "made-up-answers.csv"
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    wanted = {(r.question.id, run.summary.setups[r.setup], r.seed): r for r in run.rows if "rare" in r.question.tags}
    assert len(rows) == len(wanted) == 30
    for row in rows:
        told = wanted[row["question_id"], row["setup"], int(row["seed"])]
        assert row["answer"] == told.answer.text
        assert row["cause"] == told.cause
        value = told.value("answer_correctness")
        assert row["answer_correctness"] == ("" if value is None else f"{value:g}")


def test_labels_are_kept_and_saved(browser: Browser, place: str, run: Run) -> None:
    visit(browser, place + "#q=q0")
    wait(browser, "document.querySelector('.answer .label button')")
    browser.value("document.querySelectorAll('.answer')[1].querySelector('.label button').click()")
    said = browser.value(
        "document.querySelectorAll('.answer')[1].querySelector('.label [aria-pressed=true]').textContent"
    )
    assert said == "right"
    visit(browser, place)
    assert browser.value("save.textContent") == "Save 1 label (1 right, 0 wrong)"
    browser.value("window.download = (name, type, text) => { window.saved = [name, text]; }; save.click()")
    name, text = browser.value("saved")
    assert name == "made-up-labels.jsonl"
    found = json.loads(text)
    question = run.rows[0].question
    assert (found["question"], found["references"], found["label"]) == (question.text, list(question.references), True)
    assert found["answer"] in {r.answer.text for r in run.rows if r.question.id == "q0"}
    visit(browser, place + "#q=q0")
    wait(browser, "document.querySelector('.answer [aria-pressed=true]')")
    browser.value("document.querySelector('.answer [aria-pressed=true]').click()")
    assert browser.value("save.disabled") is True


def test_columns_are_chosen(browser: Browser, place: str) -> None:
    visit(browser, place)
    browser.value("document.querySelector('#setups .columns input').click()")
    heads = "[...document.querySelectorAll('#setups table')][0].tHead.rows[0].cells"
    assert browser.value(f"[...{heads}].filter(c => c.hidden).map(c => c.textContent)") == ["Faithfulness"]
    assert (
        browser.value("[...document.querySelectorAll('#setups table')][0].querySelectorAll('td[hidden]').length") == 5
    )


@pytest.mark.parametrize("width", [1400, 390])
def test_the_page_is_as_wide_as_the_window(browser: Browser, place: str, width: int) -> None:
    visit(browser, place, width)
    browser.value("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert browser.value("document.documentElement.scrollWidth === document.documentElement.clientWidth")
    overflow = "[...document.querySelectorAll('.scroll')].filter(b => b.scrollWidth > b.clientWidth + 1)"
    unsaid = f"{overflow}.filter(b => b.previousElementSibling.hidden || b.tabIndex !== 0).length"
    wait(browser, f"({unsaid}) === 0")
    assert browser.value(f"{overflow}.length > 0") is (width == 390)


def test_all_is_reached_by_the_keyboard(browser: Browser, place: str) -> None:
    visit(browser, place + "#q=q0")
    wait(browser, "document.querySelector('.answer .label button')")
    browser.value("document.querySelector('.skip').focus()")
    seen = []
    for _ in range(60):
        for kind in ("keyDown", "keyUp"):
            browser("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        seen.append(browser.value("(e => e.id || e.tagName + ' ' + e.textContent)(document.activeElement)"))
    assert {
        "search",
        "tag",
        "outcome",
        "cause",
        "csv",
        "BUTTON right",
        "BUTTON wrong",
        "SUMMARY scores and reasons",
    } <= set(seen)
