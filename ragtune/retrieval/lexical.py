"""BM25 behind one Protocol: ``bm25s`` (fast) and ``rank-bm25`` (the plain reference)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ragtune.errors import StoreError
from ragtune.retrieval.parts import LexicalSettings
from ragtune.store import Store, digest
from ragtune.text.words import search_terms

Scores = npt.NDArray[np.float64]
#: raised when `search_terms` finds other terms in a text
TERMS_VERSION = 1


class LexicalIndex(Protocol):
    """BM25 scores of all texts for one query, shape (texts,)."""

    def scores(self, query: str) -> Scores: ...


class Bm25s:
    """bm25s with Lucene's formula (scores differ from rank-bm25's by a constant factor; ranks agree)."""

    def __init__(self, tokens: Sequence[list[str]], settings: LexicalSettings) -> None:
        import bm25s

        self._stem = settings.stem
        self._size = len(tokens)
        self._empty = not any(tokens)
        self._index = bm25s.BM25(method="lucene", k1=settings.k1, b=settings.b)
        if not self._empty:
            self._index.index(list(tokens), show_progress=False)

    def scores(self, query: str) -> Scores:
        tokens = search_terms(query, self._stem)
        known = [] if self._empty else [t for t in tokens if t in self._index.vocab_dict]
        if not known:
            return np.zeros(self._size)
        return np.asarray(self._index.get_scores(known), dtype=np.float64)


class RankBm25:
    """rank_bm25's Okapi scores with Lucene's idf, which is never negative."""

    def __init__(self, tokens: Sequence[list[str]], settings: LexicalSettings) -> None:
        from rank_bm25 import BM25Okapi

        self._stem = settings.stem
        self._size = len(tokens)
        tokens = [row or [""] for row in tokens]
        self._index: Any = BM25Okapi(tokens, k1=settings.k1, b=settings.b)
        held: dict[str, int] = {}
        for row in tokens:
            for token in set(row):
                held[token] = held.get(token, 0) + 1
        self._index.idf = {t: float(np.log(1 + (len(tokens) - n + 0.5) / (n + 0.5))) for t, n in held.items()}

    def scores(self, query: str) -> Scores:
        tokens = search_terms(query, self._stem)
        return np.asarray(self._index.get_scores(tokens), dtype=np.float64) if tokens else np.zeros(self._size)


#: engine -> how its index is made of the terms of each text
ENGINES: dict[str, Callable[[Sequence[list[str]], LexicalSettings], LexicalIndex]] = {
    "bm25s": Bm25s,
    "rank-bm25": RankBm25,
}


def build_lexical(texts: Sequence[str], settings: LexicalSettings, store: Store | None = None) -> LexicalIndex:
    """The index of ``texts``; with a store their terms, which take most of the time, are kept and found again."""
    return ENGINES[settings.engine](_terms(texts, settings.stem, store), settings)


def _terms(texts: Sequence[str], stems: bool, store: Store | None) -> list[list[str]]:
    key = digest(TERMS_VERSION, stems, list(texts))
    kept: list[list[str]] | None = None
    with suppress(StoreError, OSError):  # another process may write it just now
        kept = store.get_json("terms", key) if store else None
    if kept is None:
        kept = [search_terms(text, stems) for text in texts]
        if store:
            with suppress(StoreError):  # a store that cannot be written, such as a Run's on another disk, still answers
                store.put_json("terms", key, kept)
    return kept
