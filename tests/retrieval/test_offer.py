from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ragtune.corpus.chunking import ChunkSettings, chunk_document
from ragtune.models.encoder import SentenceEncoder, unit
from ragtune.records import Document, Hit
from ragtune.retrieval.mmr import diverse
from ragtune.retrieval.offer import Offer, before_drop
from ragtune.retrieval.settings import RetrievalSettings

TEXT = "# Boats\n\nAll boats leave at noon.\n\n## Sprat\n\nThe Sprat carries 12 people. Its captain is Ida Moen.\n\n## Herring\n\nThe Herring carries 30 people. Its captain is Tor Lie."
DOCUMENTS = [
    Document("boats", TEXT, {"title": "Boats"}),
    Document("tea", "Tea is at 15:30. Biscuits cost 2 euros.", {}),
]


class Words:
    """Words as tokens."""

    def spans(self, text: str) -> list[tuple[int, int]]:
        found, at = [], 0
        for word in text.split():
            at = text.index(word, at)
            found.append((at, at + len(word)))
            at += len(word)
        return found


CHUNKS = [c for d in DOCUMENTS for c in chunk_document(d, ChunkSettings(by="sentences", size=8), Words())]


def hits(*found: tuple[int, float]) -> list[Hit]:
    return [Hit(CHUNKS[n], score, rank) for rank, (n, score) in enumerate(found, 1)]


def at(text: str) -> int:
    return next(n for n, c in enumerate(CHUNKS) if text in c.text)


@given(
    st.lists(st.sampled_from(range(len(CHUNKS))), unique=True, max_size=6),
    st.sampled_from(["none", "neighbours", "section", "document"]),
)
def test_what_is_offered_are_spans_of_documents_that_hold_the_hits_and_do_not_overlap(
    found: list[int], how: str
) -> None:
    offer = Offer(RetrievalSettings(expand=how, top_k=6), DOCUMENTS, CHUNKS)  # type: ignore[arg-type]
    [shown] = offer([hits(*((n, 1.0 / k) for k, n in enumerate(found, 1)))])
    texts = {d.id: d.text for d in DOCUMENTS}
    assert [h.rank for h in shown] == list(range(1, len(shown) + 1))
    for hit in shown:
        chunk = hit.chunk
        assert chunk.text == texts[chunk.document_id][chunk.start : chunk.end]
    for n in found:
        own = CHUNKS[n]
        assert any(
            h.chunk.document_id == own.document_id and h.chunk.start <= own.start and own.end <= h.chunk.end
            for h in shown
        )
    if how != "none":
        spans = sorted((h.chunk.document_id, h.chunk.start, h.chunk.end) for h in shown)
        assert all(a[0] != b[0] or a[2] <= b[1] for a, b in pairwise(spans))
        assert offer.widened(shown) == shown  # what was widened is not widened again


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (
            "section",
            "## Sprat\n\nThe Sprat carries 12 people. Its captain is Ida Moen.\n\n## Herring",
        ),  # a hit stays whole
        ("document", TEXT),
    ],
)
def test_a_hit_is_widened_to_its_section_or_its_document(how: str, text: str) -> None:
    [shown] = Offer(RetrievalSettings(expand=how), DOCUMENTS, CHUNKS)([hits((at("Ida"), 2.0), (at("carries 12"), 1.0))])  # type: ignore[arg-type]
    assert [(h.chunk.text, h.score) for h in shown] == [(text, 2.0)]


def test_neighbours_stand_around_a_hit_and_its_title_is_the_one_of_where_it_begins() -> None:
    [shown] = Offer(RetrievalSettings(expand="neighbours"), DOCUMENTS, CHUNKS)([hits((at("noon"), 1.0))])
    [hit] = shown
    n = at("noon")
    assert (hit.chunk.start, hit.chunk.end) == (CHUNKS[n - 1].start, CHUNKS[n + 1].end)
    assert hit.chunk.title == "Boats"


def test_auto_cuts_at_the_largest_drop_and_keeps_to_its_budget() -> None:
    scored = hits((0, 0.9), (1, 0.88), (2, 0.5), (3, 0.45), (4, 0.0))
    assert [h.score for h in before_drop(scored)] == [0.9, 0.88, 0.5, 0.45]
    assert before_drop([]) == []
    assert before_drop(scored[:1]) == scored[:1]
    auto = {"top_k": "auto", "auto": {"most": 4}}
    assert len(Offer(RetrievalSettings.model_validate(auto), DOCUMENTS, CHUNKS)([scored])[0]) == 2
    poor = {"top_k": "auto", "auto": {"most": 4, "budget": 1}}
    assert len(Offer(RetrievalSettings.model_validate(poor), DOCUMENTS, CHUNKS, tokens=Words())([scored])[0]) == 1


def test_mmr_puts_what_is_unlike_before_copies(minilm: SentenceEncoder) -> None:
    vectors = minilm.encode(["Tea is at noon.", "Tea is at noon!", "Boats leave the harbour."], "document")
    assert diverse([1.0, 0.99, 0.9], vectors, 0.5, 2) == [0, 2]
    assert diverse([1.0, 0.99, 0.9], vectors, 1.0, 2) == [0, 1]


@given(st.integers(1, 12), st.floats(0, 1), st.integers(1, 12), st.integers(0, 99))
def test_mmr_chooses_each_candidate_once_and_the_best_first(size: int, weight: float, count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = sorted(random.random(size).tolist(), reverse=True)
    found = diverse(scores, unit(random.standard_normal((size, 4))), weight, count)
    assert found[0] == 0
    assert len(set(found)) == len(found) == min(size, count)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"mmr": 0.5, "dense": None, "lexical": {}}, "it needs dense"),
        ({"mmr": 0.5, "top_k": "auto"}, "which mmr does not rank by"),
        ({"source": "oracle", "top_k": "auto"}, "which source: oracle does not rank by"),
        ({"top_k": "most"}, "a whole number, or auto"),
        ({"expand": "sections"}, "'section'"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RetrievalSettings.model_validate(settings)
    assert why in str(caught.value)


def test_new_settings_leave_keys_as_they_were_and_count_where_they_are_given() -> None:
    plain = RetrievalSettings()
    assert "mmr" not in plain.identity()
    assert plain.view() == []
    assert RetrievalSettings(mmr=0.5).identity() != plain.identity()
    wide = RetrievalSettings(expand="section", top_k="auto")
    assert wide.identity() == plain.identity()
    assert wide.view() == [{"most": 10, "budget": None}, "section"]
    assert plain.unread()["auto"] == "it needs top_k: auto"
    assert "auto" not in wide.unread()
