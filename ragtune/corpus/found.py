"""Evidence found by search, for questions that come with answers alone: marked as found, not given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragtune.corpus.evidence import span_of
from ragtune.corpus.questions import find_quote
from ragtune.records import Document, Evidence
from ragtune.text.polarity import polarity
from ragtune.text.sentences import sentence_spans
from ragtune.text.words import content_words, search_terms, tokens

#: sentences of one passage, and passages that are looked into
WINDOW, DEPTH = 4, 20
#: share of a reference's content words that its evidence must hold where it does not stand there word for word
SHARE = 0.7
FOUND = "found_by:search"


@dataclass(frozen=True)
class _Passage:
    document: int
    start: int
    end: int
    text: str


class EvidenceFinder:
    """Finds where the documents say what a reference says, by BM25 over passages of a few sentences."""

    def __init__(self, documents: Sequence[Document]) -> None:
        from rank_bm25 import BM25Plus

        self._documents = documents
        self._passages: list[_Passage] = []
        for n, document in enumerate(documents):
            spans = sentence_spans(document.text)
            for at in range(0, max(1, len(spans)), WINDOW // 2):
                part = spans[at : at + WINDOW]
                if part:
                    start, end = part[0][0], part[-1][1]
                    title = str(document.metadata.get("title", ""))
                    self._passages.append(_Passage(n, start, end, f"{title} {document.text[start:end]}"))
        self._terms = [search_terms(p.text) for p in self._passages]
        self._index = BM25Plus([terms or [""] for terms in self._terms])

    def find(self, question: str, answers: Sequence[str]) -> Evidence | None:
        """The sentence that says one of the answers, in the passage that the question leads to; None where none does.

        For a bare yes or no, and an answer of one letter, none is found: they say too little to be looked for.
        """
        telling = [a for a in answers if len(a.strip()) > 1 and content_words(a) and not _is_verdict(a)]
        if not telling:
            return None
        terms = search_terms(" ".join([question, *telling[:1]]))
        scores = self._index.get_scores(terms)
        wanted = set(terms)
        order = [
            n for n in sorted(range(len(scores)), key=lambda i: -scores[i])[:DEPTH] if wanted & set(self._terms[n])
        ]
        asked = set(content_words(question))
        standing: list[tuple[int, int, int, Document, tuple[int, int]]] = []
        for rank, n in enumerate(order):
            passage = self._passages[n]
            document = self._documents[passage.document]
            if span := _stands(document, passage, telling):
                near = len(asked & set(content_words(document.text[slice(*span)])))
                around = len(asked & set(content_words(passage.text)))
                standing.append((near + around, -rank, n, document, span))
        if standing:  # where most of the question's words stand beside the answer
            *_, document, span = max(standing, key=lambda s: s[:3])
            return span_of(document, *span)
        for n in order[:3]:
            passage = self._passages[n]
            document = self._documents[passage.document]
            if span := _says(document, passage, telling):
                return span_of(document, *span)
        return None


def _is_verdict(answer: str) -> bool:
    """A bare yes or no, which stands anywhere."""
    return polarity(answer) != 0 and len(tokens(answer)) <= 2


def _stands(document: Document, passage: _Passage, answers: Sequence[str]) -> tuple[int, int] | None:
    """The sentence of the passage in which an answer stands word for word."""
    for answer in answers:
        span = find_quote(document.text, answer, passage.start)
        if span and passage.start <= span[0] and span[1] <= passage.end:
            held = [
                s
                for s in sentence_spans(document.text, passage.start, passage.end)
                if s[0] < span[1] and span[0] < s[1]
            ]
            return (held[0][0], held[-1][1]) if held else span
    return None


def _says(document: Document, passage: _Passage, answers: Sequence[str]) -> tuple[int, int] | None:
    """The sentence of the passage that holds most of an answer's words, if it holds enough."""
    best: tuple[float, tuple[int, int]] | None = None
    for answer in answers:
        wanted = set(content_words(answer))
        for span in sentence_spans(document.text, passage.start, passage.end):
            share = len(wanted & set(content_words(document.text[slice(*span)]))) / max(1, len(wanted))
            if share >= SHARE and (best is None or share > best[0]):
                best = (share, span)
    return best[1] if best else None
