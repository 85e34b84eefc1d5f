"""``source: sql``: what a query that a generator writes finds in the tables of the documents."""

from __future__ import annotations

from collections.abc import Sequence

from ragtune.records import Chunk, Hit, Question
from ragtune.retrieval.tables import Database
from ragtune.store import digest


class Sql:
    """The result of each question's query as its one hit, with the document of the table; a query that is refused is shown as such."""

    reranking = 0.0

    def __init__(self, database: Database) -> None:
        self._database = database

    def hits(self, questions: Sequence[Question], passages: Sequence[Sequence[str]] = ()) -> list[list[Hit]]:
        """``passages`` are the queries; without one there is no hit."""
        own = passages or [()] * len(questions)
        return [[self._hit(texts[0])] if texts else [] for texts in own]

    def _hit(self, query: str) -> Hit:
        found = self._database.select(query)
        text = f"(no result: {found.refused})" if found.refused else found.text
        return Hit(Chunk(digest("sql", query, text), found.document or "tables", 0, len(text), text, query), 1.0, 1)
