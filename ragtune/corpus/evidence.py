"""Whether a chunk holds evidence: the one rule for retrieval measures, causes, training and the oracle.

A Question's evidence is a list of items, all of them needed; of an item's alternatives one is enough. A chunk fulfils a span

- by place: it overlaps the span (a span of a whole document is fulfilled by any chunk of that document);
- by text: the span's quote stands in it word for word, in any document, whatever case, accents and punctuation; whole words
  only, so "2" does not stand in "2024".

A quote of under three words or eight letters says too little by itself ("noon", "3 days"): its sentence takes its place, and where
that is as short, or a document is named without a part of it, only the place counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from ragtune.records import Chunk, Document, Evidence, Item, Question
from ragtune.text.sentences import sentence_spans
from ragtune.text.words import tokens

LEAST_WORDS, LEAST_LETTERS = 3, 8
#: characters on either side of a span in which its sentence is looked for
_AROUND = 1000


@lru_cache(maxsize=100_000)
def text_key(text: str) -> str:
    """The folded words and signs of a text between single spaces; one text stands in another if its key does."""
    return " ".join(["", *(t.text for t in tokens(text)), ""])


def _telling(text: str) -> bool:
    words = text_key(text).split()
    return len(words) >= LEAST_WORDS and sum(map(len, words)) >= LEAST_LETTERS


def span_of(document: Document, start: int, end: int) -> Evidence:
    """The span with the quote that is evidence wherever it stands."""
    quote = document.text[start:end]
    if not _telling(quote):
        around = sentence_spans(document.text, max(0, start - _AROUND), min(len(document.text), end + _AROUND))
        held = [(a, b) for a, b in around if a < end and start < b]
        quote = document.text[held[0][0] : held[-1][1]] if held else ""
    return Evidence(document.id, start, end, quote if _telling(quote) else "")


def fulfils(chunk: Chunk, item: Item) -> bool:
    """True if the chunk holds one of the item's alternatives."""
    return any(span.overlaps(chunk) or (span.quote and _holds(chunk, span.quote)) for span in item.alternatives)


def _holds(chunk: Chunk, quote: str) -> bool:
    return text_key(quote) in text_key(chunk.text)


def concerns(question: Question, chunk: Chunk) -> bool:
    """True if the chunk fulfils an item of the question's evidence."""
    return any(fulfils(chunk, item) for item in question.evidence)


def share_fulfilled(question: Question, chunks: Sequence[Chunk]) -> float:
    """The share of the question's items that the chunks fulfil, in [0, 1]; 1 where nothing is known about evidence."""
    held = [any(fulfils(c, item) for c in chunks) for item in question.evidence]
    return sum(held) / len(held) if held else 1.0


def chunks_by_document(chunks: Iterable[Chunk]) -> dict[str, list[Chunk]]:
    found: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        found.setdefault(chunk.document_id, []).append(chunk)
    return found


def right_chunks(question: Question, by_document: Mapping[str, Sequence[Chunk]]) -> list[Chunk]:
    """Chunks that fulfil the evidence by place, in its order, each once; of an item's alternatives the first that has any."""
    found: dict[str, Chunk] = {}
    for item in question.evidence:
        places = ([c for c in by_document.get(s.document_id, ()) if s.overlaps(c)] for s in item.alternatives)
        found.update((c.id, c) for c in next(filter(None, places), []))
    return list(found.values())


def relevant_chunks(questions: Sequence[Question], chunks: Sequence[Chunk]) -> dict[str, set[str]]:
    """Question id -> ids of all chunks that fulfil an item of its evidence; every chunk is read once."""
    by_document = chunks_by_document(chunks)
    found: dict[str, set[str]] = {}
    by_word: dict[str, list[tuple[str, str]]] = {}
    for question in questions:
        own = found.setdefault(question.id, set())
        for span in question.spans:
            own.update(c.id for c in by_document.get(span.document_id, ()) if span.overlaps(c))
            if span.quote:
                key = text_key(span.quote)
                by_word.setdefault(max(key.split(), key=len), []).append((question.id, key))
    for chunk in chunks if by_word else ():
        text = text_key(chunk.text)
        for word in by_word.keys() & set(text.split()):
            for name, key in by_word[word]:
                if key in text:
                    found[name].add(chunk.id)
    return found
