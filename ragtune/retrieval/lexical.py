"""BM25 behind one Protocol: ``bm25s`` (fast) and ``rank-bm25`` (the plain reference)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ragtune.retrieval.settings import LexicalSettings
from ragtune.text.words import search_terms

Scores = npt.NDArray[np.float64]


class LexicalIndex(Protocol):
    """BM25 scores of all texts for one query, shape (texts,)."""

    def scores(self, query: str) -> Scores: ...


class Bm25s:
    """bm25s with Lucene's formula (scores differ from rank-bm25's by a constant factor; ranks agree)."""

    def __init__(self, texts: Sequence[str], settings: LexicalSettings) -> None:
        import bm25s

        self._stem = settings.stem
        self._size = len(texts)
        tokens = [search_terms(t, settings.stem) for t in texts]
        self._empty = not any(tokens)
        self._index = bm25s.BM25(method="lucene", k1=settings.k1, b=settings.b)
        if not self._empty:
            self._index.index(tokens, show_progress=False)

    def scores(self, query: str) -> Scores:
        tokens = search_terms(query, self._stem)
        known = [] if self._empty else [t for t in tokens if t in self._index.vocab_dict]
        if not known:
            return np.zeros(self._size)
        return np.asarray(self._index.get_scores(known), dtype=np.float64)


class RankBm25:
    """rank_bm25's Okapi scores with Lucene's idf, which is never negative."""

    def __init__(self, texts: Sequence[str], settings: LexicalSettings) -> None:
        from rank_bm25 import BM25Okapi

        self._stem = settings.stem
        self._size = len(texts)
        tokens = [search_terms(t, settings.stem) or [""] for t in texts]
        self._index: Any = BM25Okapi(tokens, k1=settings.k1, b=settings.b)
        held: dict[str, int] = {}
        for row in tokens:
            for token in set(row):
                held[token] = held.get(token, 0) + 1
        self._index.idf = {t: float(np.log(1 + (len(tokens) - n + 0.5) / (n + 0.5))) for t, n in held.items()}

    def scores(self, query: str) -> Scores:
        tokens = search_terms(query, self._stem)
        return np.asarray(self._index.get_scores(tokens), dtype=np.float64) if tokens else np.zeros(self._size)


ENGINES: dict[str, Callable[[Sequence[str], LexicalSettings], LexicalIndex]] = {"bm25s": Bm25s, "rank-bm25": RankBm25}


def build_lexical(texts: Sequence[str], settings: LexicalSettings) -> LexicalIndex:
    return ENGINES[settings.engine](texts, settings)
