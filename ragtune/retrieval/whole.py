"""``source: whole`` with ``whole: corpus``: every question gets all documents, in their order."""

from __future__ import annotations

from collections.abc import Sequence

from ragtune.records import Chunk, Hit, Question


class Whole:
    """All chunks, each a document, for every question."""

    reranking = 0.0

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._hits = [Hit(chunk, 1.0 / rank, rank) for rank, chunk in enumerate(chunks, 1)]

    def hits(self, questions: Sequence[Question], passages: Sequence[Sequence[str]] = ()) -> list[list[Hit]]:
        return [list(self._hits) for _ in questions]
