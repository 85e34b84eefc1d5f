"""The retriever: dense and lexical search, fusion, re-ranking, composed from settings."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ragtune.errors import ExperimentError
from ragtune.models.encoder import Array, CachedEncoder, TextEncoder, unit
from ragtune.records import Chunk, Hit, Question
from ragtune.retrieval.dense import DenseIndex
from ragtune.retrieval.fuse import fuse, reciprocal_rank
from ragtune.retrieval.lexical import LexicalIndex
from ragtune.retrieval.mmr import CANDIDATES, diverse
from ragtune.retrieval.rerank import Reranker
from ragtune.retrieval.settings import RetrievalSettings


def matches(metadata: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """True if for every key the chunk's value equals, is one of, or (for lists) holds one of the wanted values."""
    for key, wanted in where.items():
        have = metadata.get(key)
        options = {_plain(w) for w in (wanted if isinstance(wanted, list) else [wanted])}
        if not any(_plain(v) in options for v in (have if isinstance(have, list) else [have])):
            return False
    return True


def _plain(value: Any) -> str:
    """One spelling of a value: YAML's 2024, true and 2024-01-02 equal the texts that a CSV holds of them."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip().lower() if str(value).strip().lower() in ("true", "false") else str(value).strip()


class Retriever:
    """The source ``chunks``: searches the chunks for the questions' texts. Parts that the settings leave out may be None;
    ``texts`` are what the chunks are searched by, where that is not what they show."""

    def __init__(
        self,
        chunks: Sequence[Chunk],
        settings: RetrievalSettings,
        *,
        texts: Sequence[str] | None = None,
        encoder: TextEncoder | None = None,
        dense: DenseIndex | None = None,
        lexical: LexicalIndex | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self.chunks = list(chunks)
        self.settings = settings
        self._texts = [c.titled for c in self.chunks] if texts is None else list(texts)
        self._encoder, self._dense, self._lexical, self._reranker = encoder, dense, lexical, reranker
        self.reranking = 0.0
        self._allowed: list[int] | None = None
        if settings.where:
            self._allowed = [i for i, c in enumerate(self.chunks) if matches(c.metadata, settings.where)]
            if not self._allowed:
                raise ExperimentError(
                    f"no chunk matches the filter {settings.where}.",
                    where="retrieval.where",
                    fix="Check the keys against the documents' metadata.",
                )

    def _vectors(self, queries: Sequence[str], passages: Sequence[Sequence[str]]) -> Array:
        """The queries' vectors, each the mean with those of its ``passages`` (HyDE, Gao et al. 2022, equation 8)."""
        assert self._encoder is not None
        vectors = self._encoder.encode(list(queries), "query")
        if not any(passages):
            return vectors
        # made up for one question, so none is worth keeping
        inner = self._encoder.inner if isinstance(self._encoder, CachedEncoder) else self._encoder
        made = iter(inner.encode([text for own in passages for text in own], "document"))
        sums = [v + sum(next(made) for _ in own) for v, own in zip(vectors, passages, strict=True)]
        return unit(np.stack(sums))

    def _dense_rankings(
        self, queries: Sequence[str], passages: Sequence[Sequence[str]]
    ) -> list[list[tuple[int, float]]]:
        assert self._dense is not None
        vectors = self._vectors(queries, passages)
        allowed = None if self._allowed is None else np.array(self._allowed, np.int64)
        scores, rows = self._dense.search(vectors, self.settings.depth, allowed)
        return [
            [(int(r), float(s)) for r, s in zip(rr, ss, strict=True) if r >= 0]
            for rr, ss in zip(rows, scores, strict=True)
        ]

    def _lexical_ranking(self, query: str) -> list[tuple[int, float]]:
        assert self._lexical is not None
        scores = self._lexical.scores(query)
        if self._allowed is not None:
            mask = np.zeros(len(scores), bool)
            mask[self._allowed] = True
            scores = np.where(mask, scores, 0.0)
        order = np.argsort(-scores, kind="stable")[: self.settings.depth]
        return [(int(i), float(scores[i])) for i in order if scores[i] > 0]

    def hits(self, questions: Sequence[Question], passages: Sequence[Sequence[str]] = ()) -> list[list[Hit]]:
        """The ``top_k`` hits of each question, best first."""
        return self._found(questions, [[q.text] for q in questions], passages)

    def hits_by(self, questions: Sequence[Question], queries: Sequence[Sequence[str]]) -> list[list[Hit]]:
        """The ``top_k`` hits of each question, searched for by its ``queries``, whose rankings are fused by reciprocal ranks; what is
        re-ranked is compared with the question itself."""
        return self._found(questions, queries, ())

    def _found(
        self, questions: Sequence[Question], queries: Sequence[Sequence[str]], passages: Sequence[Sequence[str]]
    ) -> list[list[Hit]]:
        if not questions:
            return []
        flat = [query for own in queries for query in own]
        dense = self._dense_rankings(flat, passages) if self._dense is not None else [[]] * len(flat)
        if self._reranker is not None:
            with self._reranks():
                self._reranker.warm([q.text for q in questions])
        rankings = iter([self._first(query, ranking) for query, ranking in zip(flat, dense, strict=True)])
        fused = [self._fused([next(rankings) for _ in own]) for own in queries]
        return [self._ranked(q.text, ranking) for q, ranking in zip(questions, fused, strict=True)]

    def _first(self, query: str, dense: list[tuple[int, float]]) -> list[tuple[int, float]]:
        """The first stage's ranking for a query, of which ``dense`` is the one by vectors."""
        if self._lexical is None:
            return dense
        lexical = self._lexical_ranking(query)
        return lexical if self._dense is None else fuse(dense, lexical, self.settings.fusion)

    def _fused(self, rankings: Sequence[list[tuple[int, float]]]) -> list[tuple[int, float]]:
        return rankings[0] if len(rankings) == 1 else reciprocal_rank(rankings, self.settings.fusion.rrf_k)

    @contextmanager
    def _reranks(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.reranking += time.perf_counter() - start

    def _ranked(self, query: str, ranking: Sequence[tuple[int, float]]) -> list[Hit]:
        if self._reranker is not None and self.settings.rerank is not None and ranking:
            head = list(ranking[: self.settings.rerank.candidates])
            with self._reranks():
                scores = self._reranker.score(query, [self._texts[row] for row, _ in head])
            order = sorted(range(len(head)), key=lambda i: (-scores[i], i))
            ranking = [(head[i][0], scores[i]) for i in order] + list(ranking[len(head) :])
        if self.settings.mmr is not None:
            assert self._encoder is not None
            head = list(ranking[: max(CANDIDATES, self.settings.shown)])
            vectors = self._encoder.encode([self._texts[row] for row, _ in head], "document")
            ranking = [head[n] for n in diverse([s for _, s in head], vectors, self.settings.mmr, self.settings.shown)]
        return [
            Hit(self.chunks[row], score, rank) for rank, (row, score) in enumerate(ranking[: self.settings.shown], 1)
        ]
