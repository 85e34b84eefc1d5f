"""Where hits come from: a source turns questions into hits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ragtune.records import Chunk, Document, Hit, Question
from ragtune.retrieval.graph import Graph
from ragtune.retrieval.oracle import Oracle
from ragtune.retrieval.settings import RetrievalSettings
from ragtune.retrieval.sql import Sql
from ragtune.retrieval.summaries import Summaries, summaries_of
from ragtune.retrieval.tables import Database, tables_of
from ragtune.retrieval.whole import Whole


class Source(Protocol):
    """Adding one is a file, a name in `RetrievalSettings.source` and a line in `SOURCES`."""

    @property
    def reranking(self) -> float:
        """The seconds that re-ranking has taken so far."""
        ...

    def hits(self, questions: Sequence[Question], passages: Sequence[Sequence[str]] = ()) -> list[list[Hit]]:
        """The hits of each question, best first, ranks from 1; with ``passages`` those of each are embedded with its text."""
        ...


@runtime_checkable
class ByQueries(Protocol):
    """A source that searches for several queries in place of a question, and ranks what they find by the question."""

    def hits_by(self, questions: Sequence[Question], queries: Sequence[Sequence[str]]) -> list[list[Hit]]:
        """The hits of each question, best first; ``queries`` are those of each, one at least."""
        ...


@dataclass(frozen=True)
class Parts:
    """What a source may be made of: settings, all chunks, and the search over them (built when it is asked for); ``over`` makes a
    search over other texts, ``kept`` hits of a question are kept; ``documents`` are those that the chunks come from,
    ``summaries`` sums them up."""

    settings: RetrievalSettings
    chunks: Sequence[Chunk]
    search: Callable[[], Source]
    over: Callable[[Sequence[Chunk]], Source] | None = None
    kept: int = 10
    documents: Sequence[Document] = ()
    summaries: Callable[[Sequence[Chunk]], Mapping[str, str]] = summaries_of


def _oracle(parts: Parts) -> Source:
    search = parts.search() if parts.settings.oracle.distractors else None
    return Oracle(parts.chunks, parts.settings, search)


def _whole(parts: Parts) -> Source:
    return Whole(parts.chunks) if parts.settings.everything else parts.search()


def _graph(parts: Parts) -> Source:
    return Graph(parts.chunks, parts.search(), parts.kept, parts.settings.fusion.rrf_k)


def _summary(parts: Parts) -> Source:
    return Summaries(
        parts.chunks,
        parts.search(),
        parts.summaries(parts.chunks),
        parts.over or (lambda chunks: parts.search()),
        parts.kept,
    )


def _sql(parts: Parts) -> Source:
    return Sql(Database(tables_of(parts.documents), parts.settings.sql.rows, parts.settings.sql.seconds))


def _search(parts: Parts) -> Source:
    return parts.search()


#: by `RetrievalSettings.source`; what ``chunks`` are differs, see `experiment.material`
SOURCES: dict[str, Callable[[Parts], Source]] = {
    "chunks": _search,
    "oracle": _oracle,
    "training": _search,
    "corpus": _search,
    "whole": _whole,
    "summary": _summary,
    "graph": _graph,
    "sql": _sql,
}
