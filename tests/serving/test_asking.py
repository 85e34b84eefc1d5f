"""An answer that is handed on while it is made, over a bare corpus folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import servers
from conftest import write_corpus

from ragtune.api import cited
from ragtune.errors import CorpusError, RunError
from ragtune.experiment.progress import Silent
from ragtune.records import Row, Times
from ragtune.serving.ask import Assistant, open_assistant

LIGHT = ["setups.reader.retrieval.rerank=null", "setups.extractive.retrieval.rerank=null"]
QUESTION = "When is tea served?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("asking"))


def assistant(folder: Path, *settings: str, setup: str | None = None, **more: str) -> Assistant:
    first = [s.replace("reader.", "model.") for s in LIGHT[:1]] if more else []
    return open_assistant(folder, [*LIGHT, *first, *settings], folder / "store", setup=setup, progress=Silent(), **more)


def timeless(row: Row) -> Row:
    return replace(row, times=Times())


def heard(made: Assistant) -> list[str]:
    """The pieces of an answer, which is the same as without them."""
    pieces: list[str] = []
    row = made.ask(QUESTION, pieces.append)
    assert "".join(pieces) == row.answer.text
    assert timeless(row) == timeless(made.ask(QUESTION))
    return pieces


@pytest.mark.parametrize("kind", ["qwen2", "t5"])
def test_a_local_model_is_heard_and_says_the_same(folder: Path, tiny_models: dict[str, Path], kind: str) -> None:
    model = f"setups.reader.generator.model={tiny_models[kind]}"
    sampled = ["setups.reader.generator.temperature=1.0", "setups.reader.generator.max_new_tokens=24"]
    made = assistant(folder, model, *sampled)
    assert made.name == "reader"
    assert len(heard(made)) > 1


def test_what_may_be_replaced_is_handed_on_at_once(folder: Path, tiny_models: dict[str, Path]) -> None:
    model = f"setups.reader.generator.model={tiny_models['qwen2']}"
    assert len(heard(assistant(folder, model, "setups.reader.generator.abstain_below=0.9"))) == 1
    decided = assistant(
        folder, model, "setups.reader.generator.abstain_above=0.999"
    )  # with the first token, once and for all
    assert len(heard(decided)) > 1


def test_an_endpoint_is_heard_and_its_marks_are_citations(folder: Path) -> None:
    pieces = ["<think>hm", "</think>", "Tea is", " served at", " 15:30 [", "1", "]", ", daily [9]."]
    _, url = servers.start(servers.in_pieces(pieces))
    made = assistant(folder, model="m", endpoint=url)
    assert made.name == "model"
    assert heard(made) == ["Tea is", " served at", " 15:30", ", daily", " [9]."]
    answer = made.ask(QUESTION).answer
    assert (answer.text, answer.citations, answer.outcome) == ("Tea is served at 15:30, daily [9].", (1,), "answered")


def test_a_server_that_hides_where_thoughts_begin_is_heard_once(folder: Path) -> None:
    _, url = servers.start(servers.in_pieces(["They ask for tea.", "\n</think>\n", "Noon."]))
    made = assistant(folder, model="m", endpoint=url)
    for wanted in (["They ask for tea.", "\n", "Noon."], ["Noon."]):
        pieces: list[str] = []
        assert made.ask(QUESTION, pieces.append).answer.text == "Noon."
        assert pieces == wanted


def test_a_generator_that_cannot_be_heard_is_called_as_before(folder: Path) -> None:
    made = assistant(folder, setup="extractive")
    assert heard(made) == ["Tea is served at 15:30 in the green room."]
    [found] = cited(made.ask(QUESTION))
    assert (found.place, found.quote) == ("tea.md, Tea", "Tea is served at 15:30 in the green room.")


def test_wrong_input_is_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="the question is empty"):
        assistant(folder, setup="extractive").ask(" \n")
    with pytest.raises(RunError, match=r'no setup "raeder"\. Did you mean "reader"'):
        assistant(folder, setup="raeder")
    (tmp_path / "empty" / "documents").mkdir(parents=True)
    with pytest.raises(CorpusError, match="no document could be read"):
        assistant(tmp_path / "empty")
    with pytest.raises(RunError, match="ragtune corpus import"):
        assistant(tmp_path)


def test_a_very_long_question_is_answered(folder: Path) -> None:
    assert assistant(folder, setup="extractive").ask("When is tea served? " + "Please. " * 5000).answer.outcome
