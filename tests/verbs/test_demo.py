"""The demo: a gate catches a loss on shipped answers; its files are where it says, and nothing else is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ragtune
from ragtune.cli import main
from ragtune.corpus.answers import read_answers
from ragtune.gate import load_baseline
from ragtune.store import encode
from ragtune.verbs.demo import MARK


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    assert main(["demo", "--out", str(folder)]) == 0
    return folder


def test_the_gate_says_what_the_demo_says(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    command = next(line for line in said.splitlines() if line.startswith("$ ragtune "))
    assert main(command.split()[2:]) == 1
    gate = capsys.readouterr().out
    assert gate in said
    assert "regressed  assistant, faithfulness: 93.2 → 47.7" in gate
    assert gate.splitlines()[-1].startswith("FAIL: ")
    assert "exit code 1 stops it" in said
    assert "Choose “release-1”" in said


def test_its_files_are_there_and_the_same_each_time(out: Path, tmp_path: Path) -> None:
    assert {p.name for p in out.iterdir()} >= {
        "release-1.jsonl",
        "release-2.jsonl",
        "baseline.json",
        "report.html",
        "runs",
        MARK,
    }
    page = (out / "report.html").read_text("utf-8")
    assert "release-2" in page
    assert "How much holiday does a full-time colleague get each year?" in page
    assert main(["demo", "--out", str(tmp_path / "again")]) == 0
    kept = [load_baseline(place / "baseline.json") for place in (out, tmp_path / "again")]
    assert kept[0].scores == kept[1].scores
    assert len(kept[0].questions) == 48
    found = [ragtune.load_run(place / "runs" / "demo") for place in (out, tmp_path / "again")]
    assert encode(found[0].summary) == encode(found[1].summary)


def test_the_shipped_answers_are_to_the_same_questions_of_the_handbook(out: Path) -> None:
    one, two = (read_answers(out / f"release-{n}.jsonl").rows for n in (1, 2))
    assert [(r.id, r.question, r.references, r.contexts) for r in one] == [
        (r.id, r.question, r.references, r.contexts) for r in two
    ]
    file = Path(ragtune.__file__).parents[1] / "corpora" / "handbook" / "small.jsonl"
    asked = {q["id"]: q for q in map(json.loads, file.read_text("utf-8").splitlines())}
    assert len(one) == 48
    for row in one:
        assert (row.question, list(row.references)) == (asked[row.id]["question"], asked[row.id]["answers"])


def test_what_is_no_demo_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "baseline.json").write_text("mine", "utf-8")
    (tmp_path / "file").write_text("mine", "utf-8")
    for place in (tmp_path, tmp_path / "file"):
        assert main(["demo", "--out", str(place)]) == 2
        assert capsys.readouterr().err == (
            f"ragtune: {place}: this holds something that is no demo. Name a new folder with --out.\n"
        )
    assert (tmp_path / "baseline.json").read_text("utf-8") == "mine"


def test_names_may_be_given_to_files_that_are_scored(out: Path, tmp_path: Path) -> None:
    files = {"old": out / "release-1.jsonl", "new": str(out / "release-2.jsonl")}
    run = ragtune.score(
        files, judge={"embedder": "bundled:minilm", "extra_metrics": ()}, out=tmp_path / "r", store=out / ".ragtune"
    )
    assert list(run.summary.setups) == ["old", "new"]
