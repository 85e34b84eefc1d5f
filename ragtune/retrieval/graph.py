"""``source: graph``: chunks and the names in them as a graph, walked from the names in the question (after HippoRAG)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from ragtune.errors import ExperimentError
from ragtune.records import Chunk, Hit, Question
from ragtune.retrieval.fuse import reciprocal_rank
from ragtune.retrieval.oracle import Search
from ragtune.text.words import names, stem, tokens

#: the chance to walk on rather than begin anew, as HippoRAG's
DAMPING = 0.5


class Graph:
    """Fuses what ``search`` finds with a walk over names and chunks (HippoRAG, Gutiérrez et al. 2024, arXiv:2405.14831).

    A name is linked to the chunks that it stands in, so that names of one chunk are two steps apart. Of a question the walk begins at
    its names, each counting by one over the chunks that it stands in; a chunk's score is its personalised PageRank. Names are
    capitalised words within sentences; a question without any is searched for alone.
    """

    def __init__(self, chunks: Sequence[Chunk], search: Search, kept: int, rrf_k: int) -> None:
        self._chunks, self._search, self._kept, self._rrf_k = list(chunks), search, kept, rrf_k
        self._row = {c.id: n for n, c in enumerate(self._chunks)}
        if not self._named:
            raise ExperimentError(
                "the documents hold no names (capitalised words within sentences): there is no graph to walk.",
                where="retrieval.source",
                fix="Take source: chunks.",
            )

    @property
    def reranking(self) -> float:
        return self._search.reranking

    @cached_property
    def _named(self) -> dict[str, list[int]]:
        """The rows of the chunks that each name stands in, at the beginning of a sentence too."""
        known = frozenset().union(*(names(c.text) for c in self._chunks))
        found: dict[str, list[int]] = {}
        for row, chunk in enumerate(self._chunks):
            for name in sorted(_stems(chunk.titled) & known):
                found.setdefault(name, []).append(row)
        return found

    @cached_property
    def _graph(self) -> Any:
        import networkx

        graph = networkx.Graph()
        graph.add_edges_from((name, row) for name, rows in self._named.items() for row in rows)
        return graph

    def hits(self, questions: Sequence[Question], passages: Sequence[Sequence[str]] = ()) -> list[list[Hit]]:
        found = self._search.hits(questions, passages)
        return [self._fused(q.text, hits) for q, hits in zip(questions, found, strict=True)]

    def walked(self, question: str) -> list[tuple[int, float]]:
        """The chunks that the walk from the question's names reaches, as (row, score), best first."""
        import networkx

        begins = {name: 1 / len(self._named[name]) for name in sorted(_stems(question)) if name in self._named}
        if not begins:
            return []
        ranks = networkx.pagerank(self._graph, alpha=DAMPING, personalization=begins, nstart=begins)
        scored = [(n, score) for n, score in ranks.items() if isinstance(n, int) and score > 0]
        return sorted(scored, key=lambda pair: (-round(pair[1], 12), pair[0]))[: self._kept]

    def _fused(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        searched = [(self._row[h.chunk.id], h.score) for h in hits]
        fused = reciprocal_rank([searched, self.walked(question)], self._rrf_k)[: self._kept]
        return [Hit(self._chunks[row], score, rank) for rank, (row, score) in enumerate(fused, 1)]


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(t.text) for t in tokens(text))
