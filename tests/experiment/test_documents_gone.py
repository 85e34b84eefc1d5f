"""Documents that are deleted or renamed after a Run: what a run on the same store, `ask` on the Run, and evidence make of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import DOCUMENTS, QUESTIONS, write_corpus

from ragtune.cli import main
from ragtune.experiment.folder import load_run
from ragtune.experiment.progress import Silent
from ragtune.serving.ask import open_assistant

EXPERIMENT = """\
name: gone
corpus: c
retrieval: {lexical: true, top_k: 2}
setups:
  extractive: {retrieval: true, generator: {model: extractive}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    extra = {"fish.txt": "The fish market opens at 6:00 and smells of herring."}
    write_corpus(tmp_path / "c", {**DOCUMENTS, **extra}, [q for q in QUESTIONS if q["split"] == "test"])
    (tmp_path / "x.yaml").write_text(EXPERIMENT)
    monkeypatch.chdir(tmp_path)
    assert main(["run", "x.yaml"]) == 0
    return tmp_path


def shown(folder: Path) -> set[str]:
    rows = load_run(folder / "runs" / "gone").rows
    return {hit.chunk.document_id for row in rows for hit in row.answer.hits}


@pytest.mark.parametrize("renamed", [False, True])
def test_a_run_on_the_same_store_is_one_of_the_documents_that_are_there(folder: Path, renamed: bool) -> None:
    fish = folder / "c" / "documents" / "fish.txt"
    assert "fish.txt" in shown(folder)
    fish.rename(fish.with_name("market.txt")) if renamed else fish.unlink()
    assert main(["run", "x.yaml"]) == 0
    on_store = load_run(folder / "runs" / "gone")
    assert "fish.txt" not in shown(folder)
    assert ("market.txt" in shown(folder)) == renamed
    assert on_store.work.stages["embed"].computed == 0  # what is still there is not embedded again
    assert main(["run", "x.yaml", "--store", "fresh", "--out", "fresh-run"]) == 0
    assert load_run(folder / "fresh-run").rows[0].answer == on_store.rows[0].answer
    assert (folder / "fresh-run" / "summary.json").read_text() == (
        folder / "runs" / "gone" / "summary.json"
    ).read_text()


def test_an_old_run_is_asked_of_the_documents_that_are_there(folder: Path) -> None:
    class Heard(Silent):
        def say(self, text: str) -> None:
            heard.append(text)

    heard: list[str] = []
    question = "When does the fish market open?"
    row = open_assistant(folder / "runs" / "gone", progress=Heard()).ask(question)
    assert "6:00" in row.answer.text
    assert not heard
    (folder / "c" / "documents" / "fish.txt").unlink()
    row = open_assistant(folder / "runs" / "gone", progress=Heard()).ask(question)
    assert "6:00" not in row.answer.text
    assert any("The corpus has changed since the Run was made" in said for said in heard)
    assert "fish.txt" not in {hit.chunk.document_id for hit in row.answer.hits}


@pytest.mark.parametrize("renamed", [False, True])
def test_evidence_that_names_it_is_one_line(folder: Path, renamed: bool, capsys: pytest.CaptureFixture[str]) -> None:
    tea = folder / "c" / "documents" / "tea.md"
    tea.rename(tea.with_name("time.md")) if renamed else tea.unlink()
    capsys.readouterr()
    assert main(["run", "x.yaml"]) == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    assert "tea.md" in said
    assert "questions.jsonl:1" in said
    assert main(["ask", "runs/gone", "When does the fish market open?"]) == 0  # which needs none of its questions
    assert "6:00" in capsys.readouterr().out
    assert json.loads((folder / "runs" / "gone" / "run.json").read_text())["name"] == "gone"
