"""Sources that rank anew what search finds: a walk over names, and summaries of documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import write_corpus

import ragtune
from ragtune.errors import ExperimentError
from ragtune.experiment.progress import Silent
from ragtune.records import Chunk, Hit, Question
from ragtune.retrieval.graph import Graph
from ragtune.retrieval.summaries import Summaries, summaries_of, summary
from tests.experiment.test_query import served

TEXTS = [
    "On that boat, the Sprat, the captain is Ida Moen.",
    "In the office Ida Moen reports to Tor Lie.",
    "The harbour sells tickets to Bergen.",
    "Boats leave at noon.",
]
CHUNKS = [Chunk(f"c{n}", f"d{n}", 0, len(t), t) for n, t in enumerate(TEXTS)]


class Found:
    """Finds the same chunks whatever is asked."""

    reranking = 0.0

    def __init__(self, rows: Sequence[int], chunks: Sequence[Chunk] = CHUNKS) -> None:
        self._hits = [Hit(chunks[row], 1.0 / n, n) for n, row in enumerate(rows, 1)]

    def hits(self, questions: Sequence[Question], passages: Sequence[Sequence[str]] = ()) -> list[list[Hit]]:
        return [list(self._hits) for _ in questions]


def test_a_walk_reaches_over_a_shared_name_what_no_word_of_the_question_says() -> None:
    graph = Graph(CHUNKS, Found([3, 0]), 10, 60)
    walked = [row for row, _ in graph.walked("To whom does the sprat's captain report, says Sprat?")]
    assert walked[:2] == [0, 1]
    assert 2 not in walked  # nothing leads to Bergen
    [hits] = graph.hits([Question("q", "To whom does the captain of the Sprat report?")])
    assert [h.chunk.id for h in hits] == ["c0", "c3", "c1"]
    assert [h.rank for h in hits] == [1, 2, 3]


def test_a_question_without_names_is_searched_for_alone_and_documents_without_names_are_refused() -> None:
    [hits] = Graph(CHUNKS, Found([3, 0]), 10, 60).hits([Question("q", "when do we leave?")])
    assert [h.chunk.id for h in hits] == ["c3", "c0"]
    with pytest.raises(ExperimentError, match="hold no names") as caught:
        Graph([Chunk("c", "d", 0, 20, "boats leave at noon.")], Found([]), 10, 60)
    assert "\n" not in str(caught.value)


def test_a_summary_has_title_and_first_sentences_and_leads_to_the_document_s_chunks() -> None:
    texts = ["# Tea\n\nTea is at noon. It is hot.", "## Cups\n\nCups are blue. Wash them."]
    own = [Chunk(f"t{n}", "tea", 0, len(t), t, "Tea") for n, t in enumerate(texts)]
    other = [Chunk("b", "boats", 0, 5, "Boats", "Boats")]
    assert summary(own) == "Tea\nTea is at noon.\nCups are blue."
    chunks = [*own, *other]
    seen: list[Chunk] = []

    def over(summaries: Sequence[Chunk]) -> Found:
        seen.extend(summaries)
        return Found([0], summaries)

    source = Summaries(chunks, Found([2, 1], chunks), summaries_of(chunks), over, 10)
    assert [c.id for c in seen] == ["tea", "boats"]
    [hits] = source.hits([Question("q", "cups?")])
    assert [h.chunk.id for h in hits] == ["t1", "t0", "b"]  # as search ranks them, then the document's others


def test_summaries_that_a_model_writes_lead_to_documents(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus")

    def say(system: str, user: str) -> str:
        assert "Sum up the document" in system
        return "What a ticket to the moon costs." if "Sprat" in user else "I don't know."

    with served(say) as (url, asked):
        writer = f"{{generator: {{model: m, endpoint: '{url}', concurrency: 1}}}}"
        (tmp_path / "e.yaml").write_text(
            f"corpus: {tmp_path}/corpus\ngenerator: {{model: extractive}}\nlatency: {{sample: 0}}\nchunking: {{size: 16}}\n"
            "retrieval: {dense: false, lexical: true, top_k: 10, source: summary}\nsetups:\n"
            f"  own: {{retrieval: true}}\n  written: {{retrieval: {{summary: {writer}}}}}\n"
        )
        run = ragtune.run(tmp_path / "e.yaml", out=tmp_path / "run", store=tmp_path / "store", progress=Silent())
        assert len(asked) == 3  # a document each
    found = {r.setup: {h.chunk.document_id for h in r.answer.hits} for r in run.rows if r.question.id == "q3"}
    assert "boats.txt" not in found["own"]
    assert "boats.txt" in found["written"]


def test_setups_search_summaries_and_graphs(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus")
    (tmp_path / "e.yaml").write_text(
        f"corpus: {tmp_path}/corpus\ngenerator: {{model: extractive}}\nlatency: {{sample: 1}}\nchunking: {{size: 16}}\n"
        "retrieval: {dense: false, lexical: true, top_k: 2}\nsetups:\n"
        "  summary: {retrieval: {source: summary}}\n  graph: {retrieval: {source: graph}}\n"
        "  kitchen: {retrieval: {source: graph, top_k: 10, where: {team: kitchen}}}\n"
        "  kitchens: {retrieval: {source: summary, top_k: 10, where: {team: kitchen}}}\n"
    )
    run = ragtune.run(tmp_path / "e.yaml", out=tmp_path / "run", store=tmp_path / "store", progress=Silent())
    hits = {(r.setup, r.question.id): r.answer.hits for r in run.rows}
    assert [h.chunk.document_id for h in hits["summary", "q2"]] == ["boats.txt"] * 2
    assert "Sprat" in hits["graph", "q2"][0].chunk.text
    named = {"summary", "graph", "kitchen", "kitchens"}
    assert set(run.summary.retrieval) == set(run.costs.latency) == named
    filtered = [h.chunk.document_id for (name, _), own in hits.items() if "kitchen" in name for h in own]
    assert set(filtered) == {"tea.md"}
