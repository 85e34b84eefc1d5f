"""What an answer cites, word for word: of each cited chunk the sentence that carries the answer most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragtune.judging.support import Window, support, windows
from ragtune.records import Chunk, Row
from ragtune.text.claims import claims
from ragtune.text.sentences import sentence_spans
from ragtune.text.words import stem, tokens

#: the longest quotation, in characters
LONGEST = 200
#: marks that may follow the last word
MARKS = 3
#: what stands around a sentence in a list or a table
_BORDER = "-*| \n"


@dataclass(frozen=True, slots=True)
class Cited:
    """One citation: ``number`` as in the answer, the document, the headings over the chunk (outermost first), and the quotation,
    ``document.text[start:end]``. ``goes_on``: whether its sentence goes on before and after it."""

    number: int
    document: str
    headings: tuple[str, ...]
    start: int
    end: int
    quote: str
    goes_on: tuple[bool, bool] = (False, False)

    @property
    def place(self) -> str:
        """The document with the path of headings."""
        return ", ".join(filter(None, (self.document, " > ".join(self.headings))))


def cited(row: Row) -> tuple[Cited, ...]:
    """The citations of an answer, in its order."""
    return tuple(_cited(row, n) for n in row.answer.citations)


def headings(chunk: Chunk) -> tuple[str, ...]:
    """The path of headings over a chunk, outermost first; () where there is none."""
    return tuple(map(str, chunk.metadata.get("headings") or ()))


def _cited(row: Row, number: int) -> Cited:
    chunk = row.answer.hits[number - 1].chunk
    start, end = _sentence(row, chunk)
    first, last = _cut(chunk.text[start:end], row.answer.text, row.question.text)
    a, b = start + first, start + last
    goes_on = first > 0, b < end
    return Cited(number, chunk.document_id, headings(chunk), chunk.start + a, chunk.start + b, chunk.text[a:b], goes_on)


def _sentence(row: Row, chunk: Chunk) -> tuple[int, int]:
    """The span in the chunk of the sentence that backs a statement of the answer most."""
    spans = {chunk.text[a:b]: a for a, b in sentence_spans(chunk.text)}
    single = [w for w in windows([chunk.titled]) if len(w.parts) == 1 and w.sentence in spans]
    given = [w for w in single if not w.sentence.startswith("#")] or single
    best = max(_backing(row, given), key=lambda pair: pair[0], default=(0.0, None))[1]
    wanted = best.sentence if best else (given[0].sentence if given else chunk.text)
    bare = wanted.strip(_BORDER) or wanted
    start = spans.get(wanted, 0) + wanted.index(bare)
    return start, start + len(bare)


def _backing(row: Row, given: Sequence[Window]) -> Iterator[tuple[float, Window | None]]:
    for statement in claims(row.question.text, row.answer.text) or [row.answer.text]:
        found = support(statement, given, row.question.text)
        yield found.support, found.window


def _cut(sentence: str, answer: str, question: str) -> tuple[int, int]:
    """The span of whole words, `LONGEST` characters at most, that shares most words with the answer, then with the question;
    the first of several."""
    if len(sentence) <= LONGEST:
        return 0, len(sentence)
    wanted = [{stem(w.text) for w in tokens(text)} for text in (answer, question)]
    words = [w for w in tokens(sentence) if w.end - w.start <= LONGEST]
    best, span, last = [-1], (0, LONGEST), 0
    for first, word in enumerate(words):
        last = max(last, first)
        while last + 1 < len(words) and words[last + 1].end - word.start <= LONGEST:
            last += 1
        held = {stem(w.text) for w in words[first : last + 1]}
        shared = [len(some & held) for some in wanted]
        if shared > best:
            best, span = shared, (word.start, words[last].end)
    start, end = span
    rest = sentence[end : end + MARKS + 1]
    if len(rest) <= MARKS and not any(c.isalnum() for c in rest):
        end = len(sentence)
    return start, end
