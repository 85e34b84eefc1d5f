"""What is offered of the hits that were found: cut at the largest drop of their scores, and widened to what stands around them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property, lru_cache

from ragtune.corpus.chunking import Span, Titles, TokenSpans
from ragtune.corpus.evidence import chunks_by_document
from ragtune.corpus.outline import headings
from ragtune.records import Chunk, Document, Hit
from ragtune.retrieval.settings import RetrievalSettings
from ragtune.store import digest


class Offer:
    """Makes of found hits, best first, what the generator is offered. ``tokens`` counts where there is a budget."""

    def __init__(
        self,
        settings: RetrievalSettings,
        documents: Sequence[Document],
        chunks: Sequence[Chunk],
        titles: bool = True,
        tokens: TokenSpans | None = None,
    ) -> None:
        self._settings, self._documents, self._chunks = settings, documents, chunks
        self._titles, self._tokens = titles, tokens

    def __call__(self, found: Sequence[Sequence[Hit]]) -> list[list[Hit]]:
        return [self.widened(self._cut(hits)) for hits in found]

    def _cut(self, hits: Sequence[Hit]) -> list[Hit]:
        settings = self._settings
        if settings.top_k != "auto" or settings.everything:
            return list(hits[: settings.shown])
        reranked = (
            settings.rerank.candidates if settings.rerank else len(hits)
        )  # what comes after has scores of another kind
        kept = before_drop(hits[: min(settings.auto.most, reranked)])
        left = settings.auto.budget
        while (
            left and self._tokens and len(kept) > 1 and sum(len(self._tokens.spans(h.chunk.text)) for h in kept) > left
        ):
            kept.pop()
        return kept

    def widened(self, hits: Sequence[Hit]) -> list[Hit]:
        """The hits with what stands around them: spans of a document that meet become one, in the place of the best of them."""
        if self._settings.wide == "none":
            return list(hits)
        found: list[tuple[str, Span, Hit]] = []
        for hit in hits:
            name, span = hit.chunk.document_id, self._around(hit.chunk)
            met = [f for f in found if f[0] == name and self._meet(name, f[1], span)]
            spans = [span, *(own for _, own, _ in met)]
            wide = min(a for a, _ in spans), max(b for _, b in spans)
            one = (name, wide, met[0][2] if met else hit)
            found = [one if f is met[0] else f for f in found if f not in met[1:]] if met else [*found, one]
        return [Hit(self._chunk(name, span, hit.chunk), hit.score, n) for n, (name, span, hit) in enumerate(found, 1)]

    def _meet(self, name: str, a: Span, b: Span) -> bool:
        """They overlap, or nothing but space stands between them."""
        first, second = sorted((a, b))
        return not self._by_id[name].text[first[1] : second[0]].strip()

    def _around(self, chunk: Chunk) -> Span:
        text = self._by_id[chunk.document_id].text
        if self._settings.wide == "document":
            return 0, len(text)
        if self._settings.wide == "section":
            borders = [0, *self._headings(chunk.document_id), len(text)]
            after = bisect_right(borders, chunk.start)
            return borders[after - 1], max(chunk.end, borders[after])
        own = self._by_document[chunk.document_id]
        at = bisect_left(own, (chunk.start, chunk.end), key=lambda c: (c.start, c.end))
        if at == len(own) or own[at].id != chunk.id:  # it was widened before
            return chunk.start, chunk.end
        near = own[max(0, at - 1) : at + 2]
        return near[0].start, max(c.end for c in near)

    def _chunk(self, name: str, span: Span, like: Chunk) -> Chunk:
        """The span as a chunk, without the space around it."""
        text = self._by_id[name].text[slice(*span)]
        start = span[0] + len(text) - len(text.lstrip())
        text = text.strip()
        end = start + len(text)
        if (start, end) == (like.start, like.end):
            return like
        titles = self._titles_of(name)
        path = titles.path(start, end)
        title = titles.over(start, path) if self._titles else ""
        return Chunk(digest(name, start, end, text), name, start, end, text, title, {**like.metadata, "headings": path})

    @cached_property
    def _by_id(self) -> dict[str, Document]:
        return {d.id: d for d in self._documents}

    @cached_property
    def _by_document(self) -> dict[str, list[Chunk]]:
        return chunks_by_document(self._chunks)

    @lru_cache(maxsize=256)  # noqa: B019  an offer lives as long as its setup
    def _headings(self, name: str) -> list[int]:
        return [at for at, _, _ in headings(self._by_id[name].text)]

    @lru_cache(maxsize=256)  # noqa: B019
    def _titles_of(self, name: str) -> Titles:
        return Titles(self._by_id[name])


def before_drop(hits: Sequence[Hit]) -> list[Hit]:
    """The hits before the largest drop from one score to the next, the first of equal ones (Adaptive-k, arXiv:2506.08479)."""
    drops = [a.score - b.score for a, b in zip(hits, hits[1:], strict=False)]
    return list(hits[: drops.index(max(drops)) + 1]) if drops else list(hits)
