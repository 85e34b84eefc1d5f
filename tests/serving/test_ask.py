from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import write_corpus

from ragtune.cli import main
from ragtune.doctor import report
from ragtune.errors import RunError
from ragtune.experiment.folder import load_run
from ragtune.experiment.progress import Silent
from ragtune.experiment.run import run_experiment
from ragtune.experiment.spec import load_experiment
from ragtune.models.bundled import BUNDLED
from ragtune.models.devices import Placement
from ragtune.models.packages import PACKAGED
from ragtune.report import terminal
from ragtune.serving.ask import Assistant, open_assistant, open_target
from ragtune.store import Store

EXPERIMENT = """\
name: asked
corpus: {path: CORPUS}
retrieval: {lexical: true, top_k: 2}
generator: {model: SMALL, max_new_tokens: 8}
setups:
  extractive: {retrieval: true, generator: {model: extractive}}
  rag: {retrieval: true}
  tuned: {tuning: {train_on: closed-book, epochs: 1, lora: {r: 2}}}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    root = tmp_path_factory.mktemp("ask")
    write_corpus(root / "c")
    (root / "asked.yaml").write_text(EXPERIMENT.replace("SMALL", str(small)).replace("CORPUS", str(root / "c")))
    run_experiment(load_experiment(root / "asked.yaml"), Store(root / "store"), root / "run", Silent())
    return root


def test_an_answer_quotes_its_document(root: Path) -> None:
    row = Assistant(*open_target(root / "run"), setup="extractive", progress=Silent()).ask("When is tea served?")
    assert row.answer.text == "Tea is served at 15:30 in the green room."
    [cited] = [row.answer.hits[n - 1].chunk for n in row.answer.citations]
    assert cited.document_id == "tea.md"
    assert "15:30" in cited.text
    assert row.times.total > 0
    assert not row.answer.abstained
    assert row.question.answers is None


@pytest.mark.parametrize("setup", ["rag", "tuned"])
def test_models_and_adapters_of_the_run_answer(root: Path, setup: str) -> None:
    assistant = Assistant(*open_target(root / "run"), setup=setup, progress=Silent())
    assert assistant._bench.model_loads == 1  # before anything is asked
    row = assistant.ask("When is tea served?")
    assert assistant._bench.model_loads == 1
    assert (len(row.answer.hits) == 2) == (setup == "rag")


def test_a_tuned_setup_speaks_with_its_adapter_merged_and_as_it_did_in_the_run(root: Path) -> None:
    assistant = Assistant(*open_target(root / "run"), setup="tuned", progress=Silent())
    local = assistant.setup.generator
    model = assistant._bench.language_model(local.model, local.device, local.dtype)
    assert not any("lora" in name for name, _ in model.base.named_parameters())
    in_run = {row.question.text: row.answer.text for row in load_run(root / "run").rows if row.setup == "tuned"}
    assert {text: assistant.ask(text).answer.text for text in in_run} == in_run


def test_what_is_asked_leaves_no_vector_behind(root: Path) -> None:
    assistant = Assistant(*open_target(root / "run"), setup="rag", progress=Silent())
    encoder = assistant._bench.encoder("bundled:minilm")
    assistant.ask("Which walrus sings at night?")
    assert encoder.missing(["Which walrus sings at night?"], "query") == 1


def test_asking_an_experiment_or_a_bare_corpus(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (root / "c" / "questions.jsonl").rename(tmp_path / "kept")
    try:
        for target, setup in ((root / "asked.yaml", "extractive"), (root / "c", "extractive")):
            assistant = Assistant(*open_target(target, store=tmp_path / "s"), setup=setup, progress=Silent())
            answer = assistant.ask("Who is the captain of the boat Sprat?").answer
            assert answer.hits[answer.citations[0] - 1].chunk.document_id == "boats.txt"
    finally:
        (tmp_path / "kept").rename(root / "c" / "questions.jsonl")


def test_errors_name_the_setups_and_the_missing_adapter(root: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match='Did you mean "tuned"'):
        Assistant(*open_target(root / "run"), setup="tunde", progress=Silent())
    with pytest.raises(RunError, match="not in the store"):
        Assistant(*open_target(root / "run"), setup="tuned", seed=9, progress=Silent())
    with pytest.raises(RunError, match="no Run folder"):
        open_target(tmp_path)


def test_each_argument_and_each_line_is_a_question(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = str(root / "run")
    assert main(["ask", run, "When is tea served?", "--setup", "extractive", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["citations"][0]["document"] == "tea.md"
    assert "Setup extractive answers." in printed.err
    assert main(["ask", run, "When is tea served?", "Who is the captain of the boat Sprat?"]) == 0
    out = capsys.readouterr().out
    assert out.index("? When is tea served?") < out.index("[1] tea.md") < out.index("? Who is") < out.index("boats.txt")
    monkeypatch.setattr("sys.stdin", io.StringIO("When is tea served?\n\nWhich quasar spins?\n"))
    assert main(["ask", run, "--setup", "extractive"]) == 0
    out = capsys.readouterr().out
    assert out.index("? When is tea served?") < out.index("[1] tea.md") < out.index("? Which quasar spins?")
    assert "no citation" in out
    assert main(["ask", run, "--setup", "none", "x"]) == 2
    assert main(["ask", run, " "]) == 2
    assert "the question is empty" in capsys.readouterr().err


def test_the_default_setup_is_one_that_retrieves(root: Path) -> None:
    experiment, _ = open_target(root / "run", ["setups.tuned.generator.max_new_tokens=4"])
    assert next(iter(experiment.setups)) == "extractive"
    assert experiment.setups["tuned"].generator.max_new_tokens == 4
    experiment, _ = open_target(root / "run", ["generator.max_new_tokens=5"])
    assert {s.generator.max_new_tokens for s in experiment.setups.values()} == {5}


def test_a_corpus_folder_takes_every_option(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = root / "c"
    experiment, _ = open_target(corpus, ["setups.extractive.retrieval.top_k=2"])
    assert list(experiment.setups) == ["reader", "extractive"]
    assert experiment.setups["extractive"].retrieval is not None
    assert experiment.setups["extractive"].retrieval.top_k == 2
    experiment, _ = open_target(corpus, model="some/model", endpoint="http://localhost:1/v1")
    first = next(iter(experiment.setups.values()))
    assert (first.generator.model, first.generator.endpoint) == ("some/model", "http://localhost:1/v1")
    for arguments, says in (
        ([str(corpus), "--endpoint", "http://localhost:1/v1"], "--endpoint needs --model"),
        ([str(corpus), "--set", "setups.extractive.retreival.top_k=2"], "retreival"),
        ([str(root / "run"), "--model", "some/model"], "for corpus folders"),
    ):
        assert main(["ask", *arguments, "When is tea served?"]) == 2
        assert says in capsys.readouterr().err


def test_corpus_commands(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", "info", str(root / "c")]) == 0
    assert "7 questions" in capsys.readouterr().out
    assert main(["corpus", "import", "folder", str(root / "c" / "documents"), str(tmp_path / "new")]) == 0
    assert "no questions" in capsys.readouterr().out
    assert main(["corpus", "info", str(root / "c"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["documents"] == 3
    rows = (root / "c" / "questions.jsonl").read_text()
    write_corpus(tmp_path / "leaky")
    (tmp_path / "leaky" / "questions.jsonl").write_text(
        rows + rows.splitlines()[0].replace('"q1"', '"copy"').replace('"test"', '"train"') + "\n"
    )
    assert main(["corpus", "info", str(tmp_path / "leaky")]) == 2
    assert "1 leak(s)" in capsys.readouterr().err
    assert main(["corpus", "info", str(tmp_path / "leaky"), "--allow-leaks"]) == 0


def test_doctor_verifies_the_bundled_models(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert out.count("verified") == len(BUNDLED) + len(PACKAGED)
    monkeypatch.setattr("ragtune.models.bundled.MINILM_SHA256", "0" * 64)
    lines, ok = report()
    assert not ok
    assert any("SHA-256" in line for line in lines)


def test_an_adapter_made_on_another_machine_speaks_here(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Placement("cuda", "bfloat16")
    monkeypatch.setattr("ragtune.experiment.tune.placed", lambda *wanted: elsewhere)
    assistant = open_assistant(root / "run", setup="tuned", progress=Silent())
    assert assistant.ask("When is tea served?").answer.text
    with pytest.raises(RunError, match="is not in the store"):  # another tuning is another adapter
        open_assistant(root / "run", ["setups.tuned.tuning.epochs=2"], setup="tuned", progress=Silent())
    same = open_assistant(root / "run", ["setups.tuned.generator.max_new_tokens=2"], setup="tuned", progress=Silent())
    assert same.ask("When is tea served?").answer.tokens.answer <= 2


def test_an_answer_moves_no_cursor(root: Path) -> None:
    row = open_assistant(root / "run", setup="extractive", progress=Silent()).ask("When is tea served?")
    evil = replace(row, answer=replace(row.answer, text="noon\x1b[2J\x9b31m\x07\x08 [1]\n\tnew line"))
    shown = terminal.answer(evil)
    assert shown.startswith("noon[2J31m [1]\n\tnew line\n")
    assert not any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in shown)
