"""``source: summary``: documents are found by what sums them up, then their chunks (one level of RAPTOR's tree)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ragtune.corpus.evidence import chunks_by_document
from ragtune.records import Chunk, Hit, Question
from ragtune.retrieval.oracle import Search
from ragtune.text.sentences import sentence_spans

#: documents whose chunks come first, and sentences that sum up a document at most
DOCUMENTS, SENTENCES = 3, 8


def summary(chunks: Sequence[Chunk]) -> str:
    """What sums up a document without a model: its title and headings, and the first sentence of its chunks, spread over it."""
    titles = dict.fromkeys(c.title.split("\n")[0] for c in chunks if c.title)
    bodies = ("\n".join(line for line in c.text.split("\n") if not line.startswith("#")).strip() for c in chunks)
    firsts = [body[slice(*sentence_spans(body)[0])] for body in bodies if body]
    step = max(1.0, len(firsts) / SENTENCES)
    return "\n".join([*titles, *(firsts[int(n * step)] for n in range(min(SENTENCES, len(firsts))))])


def summaries_of(chunks: Sequence[Chunk]) -> dict[str, str]:
    """The summary of each document, by its id."""
    return {name: summary(own) for name, own in chunks_by_document(chunks).items()}


class Summaries:
    """The chunks of the documents whose summaries are found first, as ``search`` ranks them, before all others (after RAPTOR,
    Sarthi et al. 2024, arXiv:2401.18059).

    Chunks of these documents that ``search`` does not rank follow in their order. ``texts`` are the summaries by document, ``over`` makes the
    search over them.
    """

    def __init__(
        self,
        chunks: Sequence[Chunk],
        search: Search,
        texts: Mapping[str, str],
        over: Callable[[Sequence[Chunk]], Search],
        kept: int,
    ) -> None:
        self._by_document, self._search, self._kept = chunks_by_document(chunks), search, kept
        self._over = over([Chunk(name, name, 0, len(text), text) for name, text in texts.items() if text])

    @property
    def reranking(self) -> float:
        return self._search.reranking + self._over.reranking

    def hits(self, questions: Sequence[Question], passages: Sequence[Sequence[str]] = ()) -> list[list[Hit]]:
        documents = self._over.hits(questions, passages)
        found = self._search.hits(questions, passages)
        return [self._ordered([h.chunk.id for h in d[:DOCUMENTS]], f) for d, f in zip(documents, found, strict=True)]

    def _ordered(self, documents: Sequence[str], hits: Sequence[Hit]) -> list[Hit]:
        ranked = [h.chunk for h in hits]
        first = [c for c in ranked if c.document_id in documents]
        own = [c for name in documents for c in self._by_document[name]]
        chunks = {c.id: c for c in (*first, *own, *ranked)}
        return [Hit(chunk, 1.0 / rank, rank) for rank, chunk in enumerate(list(chunks.values())[: self._kept], 1)]
