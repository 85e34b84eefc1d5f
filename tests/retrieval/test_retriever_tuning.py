"""What embedders and re-rankers are taught, and in which batches."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtune.models.encoder import Array, unit
from ragtune.models.names import resolve
from ragtune.models.pairs import PairModel
from ragtune.records import Chunk, Evidence, Hit, Question
from ragtune.retrieval.tuning import query_map
from ragtune.retrieval.tuning.lessons import body, heading_questions, lessons_of
from ragtune.retrieval.tuning.settings import DenseTuning, RerankTuning
from ragtune.retrieval.tuning.training import Ids, batches_of

TEXTS = [
    "# Tea\nTea is at 15:30.",
    "Biscuits cost 2 euros.",
    "The boat carries 12.",
    "# Keys",
    "The key opens the shed.",
]
CHUNKS = [
    Chunk(
        f"c{n}",
        f"d{n // 2}",
        100 * (n % 2),
        100 * (n % 2) + 50,
        t,
        f"Title {n // 2}",
        {"headings": [f"Title {n // 2}"]},
    )
    for n, t in enumerate(TEXTS)
]


class Vectors:
    """Vectors by text, drawn once."""

    fingerprint = "drawn"

    def encode(self, texts, kind="document", progress=None) -> Array:  # type: ignore[no-untyped-def]
        return unit(
            np.stack([np.random.default_rng(Random(f"{kind}{t}").randrange(10**6)).normal(size=8) for t in texts])
        )

    def encode_tokens(self, texts, kind="document"):  # type: ignore[no-untyped-def]
        raise AssertionError


def test_right_chunks_share_the_target_and_hits_without_evidence_stand_beside() -> None:
    both = Question("q", "When and what?", ("x",), (Evidence("d0", 0, 10), Evidence("d0", 100, 110)), "train")
    lost = Question("l", "Where?", ("x",), (Evidence("gone", 0, 10),), "train")
    hits = [[Hit(CHUNKS[i], 1.0, n) for n, i in enumerate((2, 0, 3, 4), 1)], []]
    (lesson,) = lessons_of([both, lost], hits, CHUNKS, negatives=2)
    assert [c.id for c in lesson.chunks] == ["c0", "c1", "c2", "c3"]
    assert lesson.target == (0.5, 0.5, 0, 0)
    assert lesson.also == {"c0", "c1"}
    assert lesson.text(CHUNKS[0]) == "Title 0\n# Tea\nTea is at 15:30."
    (filled,) = lessons_of([both], [[]], CHUNKS, negatives=3)  # no hits: others are drawn, never right ones
    assert {c.id for c in filled.chunks[2:]} == {"c2", "c3", "c4"}


def test_headings_ask_for_the_text_under_them() -> None:
    asked = heading_questions(CHUNKS)
    assert [q.text for q in asked] == ["Title 0", "Title 1", "Title 2"]
    lessons = lessons_of(asked, [[]] * 3, CHUNKS, 0, bare=True)
    assert [[c.id for c in lesson.chunks] for lesson in lessons] == [["c0", "c1"], ["c2"], ["c4"]]  # c3 has no text
    assert lessons[0].text(CHUNKS[0]) == body(CHUNKS[0]) == "Tea is at 15:30."
    assert heading_questions([Chunk("c", "d", 0, 3, "Tea", "")]) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sets(st.integers(0, 9), min_size=1, max_size=4), min_size=1, max_size=20), st.integers(0, 5))
def test_no_batch_holds_for_a_question_a_right_chunk_as_a_wrong_one(shown: list[set[int]], seed: int) -> None:
    rows = [Ids(frozenset({str(min(s))}), frozenset(map(str, s))) for s in shown]
    wanted = RerankTuning(epochs=2, batch=4)
    batches = batches_of(rows, wanted, seed)
    assert sorted(n for b in batches for n in b) == sorted([*range(len(rows))] * 2)
    assert batches == batches_of(rows, wanted, seed)
    for batch in batches:
        assert 1 <= len(batch) <= 4
        assert not any(rows[a].right & rows[b].shown for a in batch for b in batch if a != b)


def test_a_map_learns_the_pairs_and_is_held_near_the_identity() -> None:
    questions = [
        Question(f"q{n}", f"Ask {n}", ("x",), (Evidence(c.document_id, c.start, c.end),)) for n, c in enumerate(CHUNKS)
    ]
    lessons = lessons_of(questions, [[]] * len(CHUNKS), CHUNKS, 2)
    free, curve, none = query_map.fit(lessons, [], Vectors(), DenseTuning(method="query-map", near_identity=0))
    held, *_ = query_map.fit(lessons, [], Vectors(), DenseTuning(method="query-map", near_identity=1000))
    assert curve[-1][1] < curve[0][1] / 2
    assert none == []
    same = np.eye(8, dtype=np.float32)
    assert np.linalg.norm(held - same) < np.linalg.norm(free - same) / 5
    again, *_ = query_map.fit(lessons, [], Vectors(), DenseTuning(method="query-map", near_identity=0))
    np.testing.assert_array_equal(free, again)


def test_the_map_of_the_step_that_is_best_on_dev_is_kept() -> None:
    questions = [
        Question(f"q{n}", f"Ask {n}", ("x",), (Evidence(c.document_id, c.start, c.end),)) for n, c in enumerate(CHUNKS)
    ]
    lessons = lessons_of(questions, [[]] * len(CHUNKS), CHUNKS, 2)
    turned = [  # the same questions with other answers: what is learnt soon harms them
        Question(q.id, q.text, q.answers, questions[n - 1].evidence) for n, q in enumerate(questions)
    ]
    dev = lessons_of(turned, [[]] * len(CHUNKS), CHUNKS, 2)
    free = DenseTuning(method="query-map", near_identity=0, steps=600)
    made, _, curve = query_map.fit(lessons, dev, Vectors(), free)
    best = min(curve, key=lambda point: point[1])[0]
    assert best < 600
    until, *_ = query_map.fit(lessons, [], Vectors(), free.model_copy(update={"steps": best}))
    np.testing.assert_array_equal(made, until)


@pytest.mark.parametrize("kind", ["query", "document"])
def test_only_questions_pass_through_the_map(kind: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    matrix = np.roll(np.eye(8, dtype=np.float32), 1, axis=0)
    query_map.save(matrix, tmp_path)
    plain = Vectors().encode(["a"], kind)
    found = query_map.MappedEncoder(Vectors(), tmp_path).encode(["a"], kind)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, np.roll(plain, 1, axis=1) if kind == "query" else plain, atol=1e-6)


def test_a_cross_encoder_with_an_adapter_scores_by_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    import torch
    from peft import LoraConfig, get_peft_model
    from tiny_retrievers import cross_encoder
    from transformers import AutoModelForSequenceClassification

    ref = resolve(str(cross_encoder(tmp_path / "ce")))
    inner = AutoModelForSequenceClassification.from_pretrained(ref.location)
    adapted = get_peft_model(inner, LoraConfig(r=2, target_modules=["query", "value", "dense"]))
    with torch.no_grad():
        for name, weights in adapted.named_parameters():
            if "lora_B" in name:
                weights.normal_()
    adapted.save_pretrained(tmp_path / "adapter")
    pairs = [("captain", "served people"), ("anchor", "the boat")]
    plain, tuned = PairModel(ref).logits(pairs), PairModel(ref.tuned(tmp_path / "adapter", "key")).logits(pairs)
    tokens = PairModel(ref).model.tokenizer(*map(list, zip(*pairs, strict=True)), padding=True, return_tensors="pt")
    with torch.inference_mode():
        wanted = adapted.eval()(**tokens).logits.numpy()
    np.testing.assert_allclose(tuned, wanted, atol=1e-5)
    assert not np.allclose(plain, tuned, atol=1e-3)
