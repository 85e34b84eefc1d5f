"""Files that an experiment or a Run names are found from another folder, and after they have moved together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import write_corpus

from ragtune.cli import main
from ragtune.errors import RunError
from ragtune.experiment.folder import load_run
from ragtune.experiment.locate import located, store_of
from ragtune.experiment.places import beside, in_run, places_of, rewritten
from ragtune.experiment.spec import load_experiment
from ragtune.retrieval.settings import RetrievalSettings

ASKED = ("When is tea served?", "Tea is served at 15:30 in the green room.")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with a corpus, an experiment with a relative path, its Run and its store."""
    home = tmp_path / "home"
    write_corpus(home / "corpora" / "c")
    (home / "x.yaml").write_text("name: x\ncorpus: corpora/c\nretrieval: {lexical: true}\nsetups: [extractive]\n")
    monkeypatch.chdir(home)
    assert main(["run", "x.yaml"]) == 0
    return home


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    capsys.readouterr()
    assert main(["ask", *arguments, ASKED[0], "--json"]) == 0
    said = capsys.readouterr()
    return json.loads(said.out)["answer"], said.err


def test_a_run_is_asked_from_anywhere_and_after_moving(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    answer, said = ask(capsys, str(made / "runs" / "x"))
    assert (answer, "changed" in said) == (ASKED[1], False)
    assert not list(elsewhere.iterdir())  # the Run's own store was used
    shutil.copytree(made / "runs" / "x", tmp_path / "alone")  # the Run alone has moved: the old places hold
    assert ask(capsys, str(tmp_path / "alone"))[0] == ASKED[1]
    made.rename(tmp_path / "moved")  # and all of it
    assert ask(capsys, str(tmp_path / "moved" / "runs" / "x"))[0] == ASKED[1]
    assert main(["ask", str(tmp_path / "alone"), ASKED[0]]) == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert "the corpus of this Run is gone (tried " in told
    assert str(made / "corpora" / "c") in told
    assert "--set corpus.path=" in told
    assert ask(capsys, str(tmp_path / "alone"), "--set", f"corpus.path={tmp_path / 'moved' / 'corpora' / 'c'}")


def test_of_several_corpora_the_runs_own_is_taken(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "copy" / "runs").mkdir(parents=True)
    shutil.copytree(made / "runs" / "x", tmp_path / "copy" / "runs" / "x")
    shutil.copytree(made / "corpora", tmp_path / "copy" / "corpora")
    tea = tmp_path / "copy" / "corpora" / "c" / "documents" / "tea.md"
    run = load_run(tmp_path / "copy" / "runs" / "x")
    monkeypatch.chdir(tmp_path)
    assert Path(located(run).corpus.path) == tmp_path / "copy" / "corpora" / "c"  # what moved with the Run comes first
    tea.write_text(tea.read_text() + "\nMore.")
    assert Path(located(run).corpus.path) == made / "corpora" / "c"
    assert store_of(run) == made / ".ragtune"
    shutil.rmtree(made)
    assert Path(located(run).corpus.path) == tmp_path / "copy" / "corpora" / "c"
    shutil.rmtree(tmp_path / "copy" / "corpora")
    with pytest.raises(RunError, match="is gone"):
        located(run)


def test_questions_of_their_own_lie_to_each_corpus_as_they_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    corpus = write_corpus(home / "corpora" / "c")
    (corpus / "questions.jsonl").rename(corpus / "few.jsonl")
    text = "name: x\ncorpus: {path: corpora/c, questions: corpora/c/few.jsonl}\nretrieval: {lexical: true}\nsetups: [extractive]\n"
    (home / "x.yaml").write_text(text)
    monkeypatch.chdir(home)
    assert main(["run", "x.yaml"]) == 0
    shutil.copytree(home, tmp_path / "copy")
    run = load_run(tmp_path / "copy" / "runs" / "x")
    assert located(run).corpus.questions == str(tmp_path / "copy" / "corpora" / "c" / "few.jsonl")
    (tmp_path / "copy" / "corpora" / "c" / "few.jsonl").write_text('{"id": "o", "question": "Other?"}\n')
    assert located(run).corpus.questions == str(corpus / "few.jsonl")  # the Run's own
    (corpus / "few.jsonl").unlink()
    (tmp_path / "copy" / "corpora" / "c" / "few.jsonl").unlink()
    assert ask(capsys, str(home / "runs" / "x"))[0] == ASKED[1]  # asking needs none


def test_a_changed_corpus_is_said(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(made / "runs" / "x")
    questions = made / "corpora" / "c" / "questions.jsonl"
    questions.write_text("\n".join(questions.read_text().splitlines()[:-1]))
    assert "changed" not in ask(capsys, run)[1]  # questions are no documents
    tea = made / "corpora" / "c" / "documents" / "tea.md"
    tea.write_text(tea.read_text().replace("15:30", "16:00"))
    questions.unlink()
    answer, said = ask(capsys, run)
    assert answer == ASKED[1].replace("15:30", "16:00")
    lines = [line for line in said.splitlines() if "has changed since the Run" in line]
    assert len(lines) == 1
    assert "documents as they are now" in lines[0]


def test_an_experiment_finds_its_corpus_from_another_folder(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made / "experiments").mkdir()
    shutil.copy(made / "x.yaml", made / "experiments" / "y.yaml")
    monkeypatch.chdir(tmp_path)
    for file in ("x.yaml", "experiments/y.yaml"):
        assert Path(load_experiment(made / file).corpus.path) == made / "corpora" / "c"
    write_corpus(tmp_path / "corpora" / "c")
    assert load_experiment(made / "x.yaml").corpus.path == "corpora/c"  # the working folder comes first


def test_only_names_of_files_are_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w" / "base").mkdir(parents=True)
    (tmp_path / "w" / "tuned").mkdir()
    monkeypatch.chdir(tmp_path / "w")
    data = {
        "corpus": {"path": "base", "answers": ["tuned"], "columns": {"answers": "base"}},
        "setups": {
            "model": {"generator": {"model": "base + tuned"}, "retrieval": {"where": {"path": "base"}}},
            "served": {"generator": {"model": "base", "endpoint": "http://h/v1"}},
            "hub": {"generator": {"model": "owner/name"}},
        },
    }
    places = places_of(data, tmp_path / "w" / "run")
    assert places["base"] == ("../base", str(tmp_path / "w" / "base"))
    assert "owner/name" not in places
    monkeypatch.chdir(tmp_path)
    base, tuned = str(tmp_path / "w" / "base"), str(tmp_path / "w" / "tuned")
    found = rewritten(data, in_run(places, tmp_path / "w" / "run"))
    assert found["corpus"] == {"path": base, "answers": [tuned], "columns": {"answers": "base"}}
    assert found["setups"]["model"] == {
        "generator": {"model": f"{base} + {tuned}"},
        "retrieval": {"where": {"path": "base"}},
    }
    assert found["setups"]["served"] == data["setups"]["served"]
    assert found["setups"]["hub"] == data["setups"]["hub"]
    assert beside(tmp_path / "w" / "x.yaml")("x" * 5000) == "x" * 5000


def test_a_models_folder_may_move_without_new_keys(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = (RetrievalSettings.model_validate({"dense": {"embedder": str(tmp_path / n)}}) for n in "ab")
    assert one.identity() == two.identity()
    assert "embedder" not in RetrievalSettings().identity()["dense"]  # its fingerprint stands beside this
