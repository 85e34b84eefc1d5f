"""Texts longer than a model's window are read to their end."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtune.models.encoder import SentenceEncoder
from ragtune.models.names import resolve
from ragtune.models.tokens import AutoTokens, token_spans
from ragtune.models.windows import pooled, windows

STEM = "The harbour master writes down every boat that comes in before noon. " * 30


def words(text: str) -> list[tuple[int, int]]:
    return [m.span() for m in re.finditer(r"\S+", text)]


@given(count=st.integers(0, 300), room=st.integers(8, 60))
def test_windows_hold_every_word_and_fit(count: int, room: int) -> None:
    text = " ".join(f"word{n}" for n in range(count))
    parts = windows(text, room, words)
    assert " ".join(t for t, _ in parts).split() == text.split()
    assert all(len(words(t)) <= room for t, _ in parts)
    assert len(parts) == 1 or count > room


def test_the_mean_is_weighted_by_tokens() -> None:
    a, b = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    assert pooled([a, b], [3, 1]).tolist() == [0.75, 0.25]
    assert pooled([a], [3]) is a


def test_the_end_of_a_long_text_counts(minilm: SentenceEncoder) -> None:
    before = minilm.in_windows
    a, b, short = minilm.encode([STEM + "The seals are fed at nine.", STEM + "Tickets cost twelve euros.", "Short."])
    assert float(a @ b) < 0.9999
    assert minilm.in_windows - before == 2
    [query] = minilm.encode(["What do tickets cost?"], "query")
    assert float(query @ b) > float(query @ a)
    assert np.linalg.norm(a) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(minilm.encode(["Short."])[0], short)


def test_every_token_of_a_long_text_has_a_vector(minilm: SentenceEncoder) -> None:
    [rows] = minilm.encode_tokens([STEM])
    assert abs(len(rows) - len(minilm.spans(STEM))) <= 4


@pytest.mark.parametrize("kind", [token_spans, AutoTokens])
def test_characters_in_unknown_tokens_are_counted(kind: object) -> None:
    tokens = kind(resolve("bundled:minilm"))  # type: ignore[operator]
    assert tokens.unknown("Plain words.") == 0
    assert tokens.unknown("a " + "x" * 300 + " b") == 300
