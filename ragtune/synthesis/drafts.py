"""What a question is before it is accepted, and the passages that questions are made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex

from ragtune.corpus.outline import headings, lines
from ragtune.records import Document
from ragtune.text.sentences import sentence_spans

#: what stands before the words of a list item
_MARK = regex.compile(r"\s*(?:[-*•]|\d{1,2}[.)])\s+")
_DETERMINERS = frozenset("the a an our your all each every some any most many both these those their its no".split())
_TAG = regex.compile(r"</?[a-zA-Z][^<>]*>")
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}'’-]*")


@dataclass(frozen=True)
class Span:
    """The characters ``[start, end)`` of a document."""

    document: str
    start: int
    end: int


@dataclass(frozen=True)
class Draft:
    """A question with its references and the spans that hold them, all of them needed. ``rule`` says what made it, ``topic`` what
    stands above its evidence."""

    text: str
    answers: tuple[str, ...]
    evidence: tuple[Span, ...]
    kind: str
    rule: str
    style: str = "sentence"
    topic: str = ""


@dataclass(frozen=True)
class Passage:
    """One sentence of a document, without a list's mark; ``heading`` is the nearest above it, ``title`` the document's."""

    span: Span
    text: str
    heading: str = ""
    title: str = ""
    listed: bool = False


class Casing:
    """Which words are names (they stand in capitals inside sentences more often than in small letters), and which are nouns."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._small: Counter[str] = Counter()
        self._capital: Counter[str] = Counter()
        self._named: set[str] = set()
        for passage in passages:
            before = ""
            for n, found in enumerate(_WORD.finditer(passage.text)):
                word = found[0]
                if before in _DETERMINERS:
                    self._named.add(word.lower())
                before = word.lower()
                if word[0].islower():
                    self._small[word] += 1
                elif n:
                    self._capital[word.lower()] += 1

    def inside(self, text: str) -> str:
        """``text`` as it stands inside a sentence: its first letter small, unless it begins with a name."""
        found = _WORD.match(text)
        if not found or (len(found[0]) > 1 and not found[0][1:].islower()) or found[0] == "I":
            return text
        if found[0].lower() in _DETERMINERS:
            return text[0].lower() + text[1:]
        if text[found.end() :].lstrip()[:1].isupper():
            return text  # the first of several words of a name
        word = found[0].lower()
        if self._capital[word] > self._small[word]:
            return text
        return text[0].lower() + text[1:]

    def is_noun(self, word: str) -> bool:
        """Whether a word stands behind an article or the like somewhere in the documents."""
        return word.lower() in self._named

    def is_name(self, word: str) -> bool:
        """Whether a capitalised word is one inside sentences too."""
        return word[:1].isupper() and self._capital[word.lower()] > self._small[word.lower()]


def passages(document: Document) -> Iterator[Passage]:
    """The sentences of a document; headings, tables and code are none."""
    title = document.metadata.get("title")
    for start, end, heading in sections(document):
        for a, b in _prose(document.text, start, end):
            for left, right in sentence_spans(document.text, a, b):
                mark = _MARK.match(document.text, left, right)
                at = mark.end() if mark else left
                text = " ".join(document.text[at:right].split())
                if text:
                    span = Span(document.id, at, right)
                    yield Passage(
                        span, text, heading, _TAG.sub("", title) if isinstance(title, str) else "", bool(mark)
                    )


def sections(document: Document) -> list[tuple[int, int, str]]:
    """(start, end, heading) of what stands under each heading, and before the first."""
    text = document.text
    found = [(0, 0, ""), *((at, text.find("\n", at) + 1 or len(text), t) for at, _, t in headings(text))]
    ends = [b[0] for _, b in pairwise(found)] + [len(text)]
    return [(body, end, title) for (_, body, title), end in zip(found, ends, strict=True)]


def _prose(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Runs of lines that are neither code nor rows of a table."""
    at: int | None = None
    last = start
    for line in lines(text[start:end]):
        left, right = start + line.start, start + line.start + len(line.text)
        if line.code or line.text.lstrip()[:1] in ("|", ">") or line.text.startswith(("```", "    ")):
            if at is not None:
                yield at, last
            at = None
        elif at is None:
            at = left
        last = right
    if at is not None:
        yield at, last
