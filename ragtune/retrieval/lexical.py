"""BM25 behind one Protocol: ``bm25s`` (fast) and ``rank-bm25`` (the plain reference)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ragtune.retrieval.settings import LexicalSettings

Scores = npt.NDArray[np.float64]
_WORD = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff]+|[^\W_]+", re.UNICODE)
_STOP = frozenset(
    (
        "a an and are as at be but by for from had has have he her his i if in into is it its no not of on or our she so such that the their them "
        "then there these they this to was we were what when where which who whom whose why how will with would you your do does did can could may"
    ).split()
)


@lru_cache(maxsize=1)
def _stemmer() -> Callable[[str], str]:
    import Stemmer

    stemmer = Stemmer.Stemmer("english")
    return lambda word: str(stemmer.stemWord(word))


def tokenise(text: str, stem: bool = True) -> list[str]:
    """Lower-case words without stop words, stemmed; runs of Chinese or Japanese as characters and pairs."""
    tokens: list[str] = []
    for word in _WORD.findall(text.lower()):
        if word[0] >= "\u3040":
            tokens += list(word)
            tokens += [word[i : i + 2] for i in range(len(word) - 1)]
        elif word not in _STOP:
            tokens.append(_stemmer()(word) if stem and word.isascii() else word)
    return tokens


class LexicalIndex(Protocol):
    """BM25 scores of all texts for one query, shape (texts,)."""

    def scores(self, query: str) -> Scores: ...


class Bm25s:
    """bm25s with Lucene's formula (scores differ from rank-bm25's by a constant factor; ranks agree)."""

    def __init__(self, texts: Sequence[str], settings: LexicalSettings) -> None:
        import bm25s

        self._stem = settings.stem
        self._size = len(texts)
        tokens = [tokenise(t, settings.stem) for t in texts]
        self._empty = not any(tokens)
        self._index = bm25s.BM25(method="lucene", k1=settings.k1, b=settings.b)
        if not self._empty:
            self._index.index(tokens, show_progress=False)

    def scores(self, query: str) -> Scores:
        tokens = tokenise(query, self._stem)
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
        tokens = [tokenise(t, settings.stem) or [""] for t in texts]
        self._index: Any = BM25Okapi(tokens, k1=settings.k1, b=settings.b)
        held: dict[str, int] = {}
        for row in tokens:
            for token in set(row):
                held[token] = held.get(token, 0) + 1
        self._index.idf = {t: float(np.log(1 + (len(tokens) - n + 0.5) / (n + 0.5))) for t, n in held.items()}

    def scores(self, query: str) -> Scores:
        tokens = tokenise(query, self._stem)
        return np.asarray(self._index.get_scores(tokens), dtype=np.float64) if tokens else np.zeros(self._size)


ENGINES: dict[str, Callable[[Sequence[str], LexicalSettings], LexicalIndex]] = {"bm25s": Bm25s, "rank-bm25": RankBm25}


def build_lexical(texts: Sequence[str], settings: LexicalSettings) -> LexicalIndex:
    return ENGINES[settings.engine](texts, settings)
