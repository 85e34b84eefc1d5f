"""``oracle``: hits from the evidence, a control. What the reader makes of perfect retrieval is its ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Protocol

from ragtune.corpus.evidence import chunks_by_document, concerns, right_chunks
from ragtune.records import Chunk, Hit, Question
from ragtune.retrieval.settings import RetrievalSettings


class Search(Protocol):
    """What distractors are taken from."""

    @property
    def reranking(self) -> float: ...

    def hits(self, questions: Sequence[Question], passages: Sequence[Sequence[str]] = ()) -> list[list[Hit]]: ...


class Oracle:
    """The chunks that hold the evidence, in its order, among distractors that ``search`` finds and that hold none of it.

    Right chunks come first in the claim on ``top_k`` places; distractors fill what is left, best-ranked first. A question
    without evidence gets distractors alone.
    """

    def __init__(self, chunks: Sequence[Chunk], settings: RetrievalSettings, search: Search | None) -> None:
        self._settings, self._search = settings, search
        self._by_document = chunks_by_document(chunks)

    @property
    def reranking(self) -> float:
        return self._search.reranking if self._search else 0.0

    def hits(self, questions: Sequence[Question], passages: Sequence[Sequence[str]] = ()) -> list[list[Hit]]:
        found = self._search.hits(questions) if self._search else [[] for _ in questions]
        return [self._placed(q, hits) for q, hits in zip(questions, found, strict=True)]

    def _placed(self, question: Question, hits: Sequence[Hit]) -> list[Hit]:
        wanted, room = self._settings.oracle, self._settings.shown
        right = right_chunks(question, self._by_document)[:room]
        others = [h.chunk for h in hits if not concerns(question, h.chunk)]
        others = others[: min(wanted.distractors, room - len(right))]
        at = {"first": 0, "middle": len(others) // 2, "last": len(others)}.get(wanted.position)
        if at is None:
            at = Random(question.id).randint(0, len(others))
        shown = [*others[:at], *right, *others[at:]]
        return [Hit(chunk, 1.0 / rank, rank) for rank, chunk in enumerate(shown, 1)]
