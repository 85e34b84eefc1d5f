"""``given``: no model. The answers of any system, read from a file, with the contexts it was given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ragtune.corpus.answers import GivenAnswer, read_answers
from ragtune.errors import CorpusError
from ragtune.generation.generator import Reply, Request
from ragtune.generation.settings import GeneratorSettings
from ragtune.records import Chunk, Hit, Tokens
from ragtune.store import digest


class GivenGenerator:
    """Looks each question's answer up by its id."""

    def __init__(self, settings: GeneratorSettings) -> None:
        file = read_answers(Path(str(settings.answers)), settings.columns)
        self._path = file.path
        self._rows = {row.id: row for row in file.rows}

    def batches(self, requests: Sequence[Request], seed: int) -> list[list[Request]]:
        return [list(requests)]

    def answer(self, batch: Sequence[Request], adapter: Path | None, seed: int) -> Iterator[tuple[str, Reply]]:
        for request in batch:
            row = self._rows.get(request.question.id)
            if row is None:
                raise CorpusError(f'there is no answer to "{request.question.id}".', where=self._path)
            if " ".join(row.question.split()) != " ".join(request.question.text.split()):
                raise CorpusError(
                    f'"{row.id}" is another question here than in the corpus.',
                    where=self._path,
                    fix="Use the same ids for the same questions.",
                )
            hits = hits_of(row)
            yield request.key, Reply(row.answer, len(hits), Tokens(), "stop", 0.0, brought=hits)


def hits_of(row: GivenAnswer) -> tuple[Hit, ...]:
    """The contexts of a row as hits, in their order."""
    return tuple(
        Hit(Chunk(digest(row.id, n, text), row.document or f"context {n}", 0, len(text), text), 1.0 / n, n)
        for n, text in enumerate(row.contexts, 1)
    )
