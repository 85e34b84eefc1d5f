"""A tuning of few steps is said before a run, and stands in its report with answers that repeat themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import QUESTIONS, write_corpus

from ragtune.analysis.notes import FEW_STEPS
from ragtune.cli import main
from ragtune.experiment.folder import load_run
from ragtune.experiment.progress import Silent
from ragtune.experiment.run import reanalyse
from ragtune.experiment.spec import load_experiment
from ragtune.experiment.steps import expected_steps
from ragtune.experiment.tune import tune_job
from ragtune.experiment.workbench import Workbench
from ragtune.report.build import render
from ragtune.report.terminal import comparison
from ragtune.store import Store

EXPERIMENT = """\
name: short
corpus: c
generator: {model: SMALL, max_new_tokens: 4}
setups:
  tuned: {tuning: {train_on: closed-book, epochs: 2, lora: {r: 2}}}
  many: {tuning: {train_on: closed-book, epochs: 2, batch_tokens: 256, variants: 30, lora: {r: 2}}}
"""


@pytest.fixture
def folder(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    more = [{**QUESTIONS[3], "id": f"x{i}", "question": f"At what time do we have tea number {i}?"} for i in range(20)]
    write_corpus(tmp_path / "c", questions=[*QUESTIONS, *more])
    (tmp_path / "x.yaml").write_text(EXPERIMENT.replace("SMALL", str(small)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_steps_are_told_before_anything_is_trained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = Workbench(load_experiment(folder / "x.yaml"), Store(folder / "s"), Silent())
    for setup in bench.experiment.setups.values():
        steps, known = expected_steps(bench, setup, 0)
        assert not known
        assert steps == pytest.approx(tune_job(bench, setup, 0).steps, rel=0.3)
    assert main(["run", "x.yaml", "--dry-run"]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if f"under {FEW_STEPS}" in line]
    assert len(said) == 1
    assert said[0].startswith("tuned: about 2 tuning steps in all")


def test_the_report_says_it_and_repeats(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "x.yaml", "--set", "setups.many=null", "--limit", "2"]) == 0
    said = capsys.readouterr()
    run = load_run(folder / "runs" / "short")
    [note] = [n for n in run.summary.notes if n.startswith("tuned:") and "steps" in n]
    steps = run.tunings[0].report.steps
    assert note.startswith(f"tuned: {steps} tuning steps in all")
    assert note in said.out
    assert note in render(run)
    bench = Workbench(run.experiment, Store(folder / ".ragtune"), Silent())
    assert expected_steps(bench, run.experiment.setups["tuned"], 0) == (steps, True)
    path = run.path / "answers.jsonl"  # as a model that goes round in circles would have answered
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row["answer"] |= {"text": "tea is at tea is at tea is at tea is at", "outcome": "answered"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    again = reanalyse(load_run(run.path))
    wanted = f"{rows[0]['setup']}: {sum(r['setup'] == rows[0]['setup'] for r in rows)} of"
    assert any(n.startswith(wanted) and "repeat themselves" in n for n in again.summary.notes)
    assert "repeat themselves" in comparison(again)
    summary = json.loads((run.path / "summary.json").read_text())
    del summary["notes"]  # as an earlier version wrote it
    (run.path / "summary.json").write_text(json.dumps(summary))
    assert load_run(run.path).summary.notes == ()


def test_repeats_are_said_after_answering(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answers = ["tea is at tea is at tea is at tea is at", "At nine.", "At ten."]
    rows = [{"question": f"When is tea {n}?", "answer": a, "reference": "At nine."} for n, a in enumerate(answers)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert main(["score", "a.jsonl"]) == 0
    said = capsys.readouterr()
    assert "a: 1 of 3 answers repeat themselves." in said.err.splitlines()
    assert "a: 1 of 3 answers repeat themselves." in said.out.splitlines()
