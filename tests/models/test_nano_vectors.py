from __future__ import annotations

from random import Random

import pytest
import torch

from ragtune.models.devices import keep_memory
from ragtune.models.nano import synonyms, train
from ragtune.models.nano import tokenizer as tok
from ragtune.models.nano.model import build_model
from ragtune.models.nano.vectors import common_words, start_vectors

PAIRS = [("price", "cost"), ("doctor", "physician"), ("salary", "wage"), ("weight", "heavy")]


@pytest.fixture(scope="module")
def words() -> list[str]:
    return common_words(3000)


def test_common_words_hold_the_recipes_own(words: list[str]) -> None:
    assert words[:2] == ["the", "and"]
    assert {"lapse", "expire"} <= set(words)
    assert len(words) == len(set(words))


def test_words_of_like_sense_start_alike(words: list[str]) -> None:
    told = [w for pair in PAIRS for w in pair]
    tokenizer = tok.train([f" {w} {w.capitalize()} xq" * 20 for w in [*told, *words[:200]]], 1500)
    vectors = start_vectors(tokenizer, words, 96, seed=0)
    row = {w: vectors[tokenizer.convert_tokens_to_ids("Ġ" + w)] for w in told}
    assert vectors.norm(dim=1).sub(1).abs().max() < 0.25
    for a, b in PAIRS:
        assert row[a] @ row[b] > 0.3 + max(float(row[a] @ row[c]) for c in told if c not in (a, b)) / 2
    capital = vectors[tokenizer.convert_tokens_to_ids("ĠPrice")]
    assert 0.5 < float(capital @ row["price"]) < 0.95
    piece = tokenizer.convert_tokens_to_ids("q")
    assert max(abs(float(vectors[piece] @ v)) for v in row.values()) < 0.4
    assert torch.equal(vectors, start_vectors(tokenizer, words, 96, seed=0))


def test_the_model_starts_from_the_vectors() -> None:
    args = train.parse(["--out", "x", "--vocabulary", "600", "--width", "64", "--heads", "2", "--layers", "3"])
    vectors = torch.nn.functional.normalize(torch.randn(600, 64), dim=1)
    rows = build_model(args, vectors).model.embed_tokens.weight
    assert torch.allclose(torch.nn.functional.normalize(rows, dim=1), vectors, atol=1e-5)
    assert float(rows.std()) == pytest.approx(0.1, rel=0.05)


def test_a_sample_of_the_context_is_learnt_and_every_answer() -> None:
    ids, weights = list(range(1000)), [train.CONTEXT_WEIGHT] * 900 + [1.0] * 100
    _, kept = train.sampled(Random(0), (ids, weights), every=False)
    assert kept[900:] == [1.0] * 100
    assert sum(kept[:900]) == pytest.approx(sum(weights[:900]), rel=0.2)
    assert 0.2 < sum(w > 0 for w in kept[:900]) / 900 < 0.3
    _, kept = train.sampled(Random(0), (ids, [1.0] * 1000), every=True)
    assert 200 < sum(w > 0 for w in kept) < 300


def test_neighbours_stand_in_for_words() -> None:
    near = synonyms.neighbours()
    assert "notebook" in near["laptop"]
    assert all(word not in others for word, others in near.items())
    seen = {synonyms.vary(Random(s), "Where is the laptop?", 1.0) for s in range(40)}
    assert "Where is the notebook?" in seen
    assert all(s.startswith("Where is the ") for s in seen)


def test_freed_memory_is_kept_where_glibc_is() -> None:
    assert keep_memory() in (True, False)
    assert keep_memory() is keep_memory()
