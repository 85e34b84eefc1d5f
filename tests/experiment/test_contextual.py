"""Chunks that are searched by more than they show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import write_corpus

import ragtune
from ragtune.cli import main
from ragtune.experiment.contextual import first_sentence
from ragtune.experiment.progress import Silent
from ragtune.records import Document
from tests.experiment.test_query import served

DOCUMENTS = {
    "sprat.md": "---\ntitle: The Sprat\n---\n# Crew\n\nThe Sprat is a ferry of the harbour. It is red.\n\n## Bridge\n\nIda Moen steers it in all weather and sleeps aboard.",
    "herring.md": "---\ntitle: The Herring\n---\n# Crew\n\nThe Herring is a trawler. It is blue.\n\n## Bridge\n\nTor Lie steers it in all weather and sleeps aboard.",
}
QUESTIONS: list[dict[str, object]] = [
    {
        "id": "q1",
        "question": "Who steers the ferry in all weather?",
        "answers": ["Ida Moen"],
        "evidence": [{"document": "sprat.md", "quote": "Ida Moen steers it in all weather"}],
        "split": "test",
    }
]


def made(root: Path, chunking: str) -> ragtune.Run:
    if not (root / "corpus").exists():
        write_corpus(root / "corpus", DOCUMENTS, QUESTIONS)
    (root / "e.yaml").write_text(
        f"corpus: {root}/corpus\ngenerator: {{model: extractive}}\nlatency: {{sample: 0}}\nsetups:\n"
        f"  plain: {{retrieval: {{dense: false, lexical: true, top_k: 1}}, chunking: {{by: markdown, size: 24, titles: false}}}}\n"
        f"  set: {{retrieval: {{dense: false, lexical: true, top_k: 1}}, chunking: {{by: markdown, size: 24, titles: false, {chunking}}}}}\n"
    )
    return ragtune.run(root / "e.yaml", out=root / "run", store=root / "store", progress=Silent())


def test_the_document_s_first_sentence_helps_to_find_a_chunk_that_shows_only_itself(tmp_path: Path) -> None:
    run = made(tmp_path, "context: true")
    shown = {r.setup: r.answer.hits[0].chunk for r in run.rows}
    assert "Ida Moen" not in shown["plain"].text  # "ferry" stands in another chunk of its document
    assert "Ida Moen" in shown["set"].text
    assert "ferry" not in shown["set"].titled
    assert shown["set"].text in DOCUMENTS["sprat.md"]


def test_a_model_s_sentence_is_written_once_for_each_chunk(tmp_path: Path) -> None:
    def say(system: str, user: str) -> str:
        return "On the ferry's helmsman." if "Ida" in user.partition("<passage>")[2] else "I don't know."

    with served(say) as (url, asked):
        context = f"context: {{generator: {{model: m, endpoint: '{url}', concurrency: 1}}}}"
        run = made(tmp_path, context)
        assert "Ida Moen" in next(r for r in run.rows if r.setup == "set").answer.hits[0].chunk.text
        chunks = len(asked)
        assert chunks == len({a.partition("<passage>")[2] for a in asked}) >= 4
        made(tmp_path, context)
        assert len(asked) == chunks
    stages = json.loads((tmp_path / "run" / "work.json").read_text())["stages"]
    assert "context" not in stages  # with the hits stored, nothing is searched


def test_first_sentences_are_no_headings() -> None:
    assert first_sentence(Document("d", "# Title\n\nOne thing. Another.")) == "One thing."
    assert first_sentence(Document("d", "# Title\n")) == ""


@pytest.mark.parametrize(
    ("chunking", "why"),
    [
        ("{context: {max_new_tokens: 9}}", "max_new_tokens has no effect: it needs context.generator"),
        ("{context: {generator: {model: extractive}}}", "chunking.context needs a language model"),
        ("{context: {generators: x}}", 'Did you mean "generator"?'),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    chunking: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path / "corpus")
    (tmp_path / "e.yaml").write_text(
        f"corpus: {tmp_path}/corpus\nsetups:\n  a: {{retrieval: true, chunking: {chunking}}}\n"
    )
    assert main(["run", str(tmp_path / "e.yaml"), "--store", str(tmp_path / "s"), "--out", str(tmp_path / "r")]) == 2
    said = capsys.readouterr().err.strip()
    assert why in said
    assert "\n" not in said
