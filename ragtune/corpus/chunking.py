"""Chunkers: cut a Document into spans. Sizes count tokens of the embedder's own tokenizer.

Every chunker returns spans ``[start, end)`` of ``document.text``; text is never rewritten. Adding one is a
function and a line in ``CHUNKERS``.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ragtune.corpus.outline import alone, heading_paths, headings, tables
from ragtune.records import Chunk, Document
from ragtune.store import digest
from ragtune.text.sentences import sentence_spans

VERSION = 4
Span = tuple[int, int]


class ChunkSettings(BaseModel):
    """How documents are cut."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    by: Literal["tokens", "recursive", "sentences", "markdown", "document"] = Field(
        "recursive",
        description="where documents are cut: after so many tokens, at paragraphs and then smaller borders, between sentences, at headings, or not at all",
    )
    size: int = Field(128, ge=8, description="largest chunk, in tokens of the embedder")
    overlap: int = Field(0, ge=0, description="tokens that neighbours share (tokens, sentences)")
    titles: bool = Field(True, description="give each chunk its document title and heading path")

    def unread(self) -> dict[str, str]:
        """The settings that have no effect on this way to cut, each with the reason."""
        found = {}
        if self.by not in ("tokens", "sentences"):
            found["overlap"] = "it needs by: tokens or sentences"
        if self.by == "document":
            found["size"] = "by: document does not cut"
        return found

    @model_validator(mode="after")
    def _fits(self) -> ChunkSettings:
        if self.overlap >= self.size:
            raise ValueError(f"overlap ({self.overlap}) must be smaller than size ({self.size})")
        return self


class TokenSpans(Protocol):
    """Token offsets of a text; what chunkers need of a tokenizer."""

    def spans(self, text: str) -> list[Span]: ...


#: no token that a tokenizer knows is longer; of one that it does not know, so many characters count as a token
LONGEST, UNKNOWN = 40, 8


def _parted(token: Span) -> list[Span]:
    """A token's span; that of an endless word which the tokenizer does not know, in pieces."""
    start, end = token
    if end - start <= LONGEST:
        return [token] if end > start else []
    return [(at, min(end, at + UNKNOWN)) for at in range(start, end, UNKNOWN)]


class Ruler:
    """Counts tokens between two characters of one text that was tokenised once.

    Endless words count by their characters, so that no chunk is longer than ``size`` tokens of 40 characters.
    """

    def __init__(self, text: str, tokens: Sequence[Span]) -> None:
        self.text = text
        self.tokens = [part for t in tokens for part in _parted(t)]
        self._starts = [t[0] for t in self.tokens]

    def count(self, start: int, end: int) -> int:
        return bisect_left(self._starts, end) - bisect_left(self._starts, start)

    def reach(self, start: int, size: int) -> int:
        """The character where ``size`` tokens from ``start`` end."""
        i = bisect_left(self._starts, start) + size - 1
        return self.tokens[min(i, len(self.tokens) - 1)][1]

    def back(self, end: int, size: int) -> int:
        """The character where the last ``size`` tokens before ``end`` begin."""
        return self._starts[max(0, bisect_left(self._starts, end) - size)]


def by_tokens(ruler: Ruler, settings: ChunkSettings) -> list[Span]:
    """Windows of exactly ``size`` tokens, ``overlap`` of them shared with the one before."""
    step = settings.size - settings.overlap
    spans = []
    for first in range(0, len(ruler.tokens), step):
        last = min(first + settings.size, len(ruler.tokens)) - 1
        spans.append((ruler.tokens[first][0], ruler.tokens[last][1]))
        if last == len(ruler.tokens) - 1:
            break
    return spans


_LEVELS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), None, re.compile(r"\s+"))


def _pieces(ruler: Ruler, span: Span, size: int, level: int = 0) -> list[Span]:
    """Split at paragraphs, then lines, sentences, words, tokens, until each piece has at most ``size`` tokens."""
    start, end = span
    if ruler.count(start, end) <= size:
        return [span]
    if level == len(_LEVELS):
        cut: list[Span] = []
        while ruler.count(start, end) > size:
            stop = ruler.reach(start, size)
            if stop <= start or stop >= end:
                break
            cut.append((start, stop))
            start = stop
        return [*cut, (start, end)]
    pattern = _LEVELS[level]
    if pattern is None:
        parts = sentence_spans(ruler.text, start, end)
    else:
        edges = [start, *(m.end() for m in pattern.finditer(ruler.text, start, end)), end]
        parts = [(a, b) for a, b in zip(edges, edges[1:], strict=False) if b > a]
    return [piece for part in parts for piece in _pieces(ruler, part, size, level + 1)]


def _merge(ruler: Ruler, pieces: Iterable[Span], size: int) -> list[Span]:
    merged: list[Span] = []
    for start, end in pieces:
        if merged and ruler.count(merged[-1][0], end) <= size:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def recursive(ruler: Ruler, settings: ChunkSettings) -> list[Span]:
    """Whole paragraphs where they fit, else lines, sentences, words; small neighbours are joined."""
    return _merge(ruler, _pieces(ruler, (0, len(ruler.text)), settings.size), settings.size)


def _answered(ruler: Ruler, parts: Sequence[Span], size: int) -> list[Span]:
    """Questions joined with what follows them in their paragraph, where both have room in a chunk."""
    joined: list[Span] = []
    for start, end in parts:
        asks = joined and ruler.text[joined[-1][1] - 1] in "?？" and "\n\n" not in ruler.text[joined[-1][1] : start]
        if asks and ruler.count(joined[-1][0], end) <= size:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def by_sentences(ruler: Ruler, settings: ChunkSettings) -> list[Span]:
    """As many whole sentences as fit; the next chunk repeats the last ones up to ``overlap`` tokens. A question goes with what
    follows it in its paragraph."""
    parts = [p for s in sentence_spans(ruler.text) for p in _pieces(ruler, s, settings.size, len(_LEVELS) - 1)]
    parts = _answered(ruler, parts, settings.size)
    spans: list[Span] = []
    first = 0
    while first < len(parts):
        last = first
        while last + 1 < len(parts) and ruler.count(parts[first][0], parts[last + 1][1]) <= settings.size:
            last += 1
        spans.append((parts[first][0], parts[last][1]))
        if last + 1 >= len(parts):
            break
        following = last + 1
        while following - 1 > first and ruler.count(parts[following - 1][0], parts[last][1]) <= settings.overlap:
            following -= 1
        first = following
    return spans


def by_markdown(ruler: Ruler, settings: ChunkSettings) -> list[Span]:
    """One chunk per section; long ones are cut recursively, none joins the next but a heading that has only a deeper one below."""
    found = headings(ruler.text)
    joined = set(alone(ruler.text, found).values())
    edges = sorted({0, *(at for at, _, _ in found if at not in joined), len(ruler.text)})
    spans: list[Span] = []
    for start, end in zip(edges, edges[1:], strict=False):
        spans += _merge(ruler, _pieces(ruler, (start, end), settings.size), settings.size)
    return spans


def whole(ruler: Ruler, settings: ChunkSettings) -> list[Span]:
    """The document as one chunk."""
    return [(0, len(ruler.text))]


CHUNKERS: dict[str, Callable[[Ruler, ChunkSettings], list[Span]]] = {
    "tokens": by_tokens,
    "recursive": recursive,
    "sentences": by_sentences,
    "markdown": by_markdown,
    "document": whole,
}


class Titles:
    """What stands over each chunk of one document: its title, the path of headings, the head of a table cut before it."""

    def __init__(self, document: Document) -> None:
        self.title = " ".join(str(document.metadata.get("title") or "").split())  # one line, whatever it holds
        found = headings(document.text)
        self._below = alone(document.text, found)
        self._offsets = [at for at, _, _ in found]
        self._paths = heading_paths(found)
        self._tables = tables(document.text)
        self._rows = [t.rows for t in self._tables]

    def path(self, start: int, end: int) -> list[str]:
        """The headings over a chunk; where it begins with bare headings, the last of them counts."""
        while self._below.get(start, end) < end:
            start = self._below[start]
        n = bisect_right(self._offsets, start)
        return self._paths[n - 1] if n else []

    def over(self, start: int, path: Sequence[str]) -> str:
        """The title line of a chunk that begins at ``start``; a second line names the columns of a table begun before."""
        n = bisect_right(self._rows, start)
        head = self._tables[n - 1].head if n and start < self._tables[n - 1].end else ""
        names = dict.fromkeys([self.title, *path] if self.title else path)
        return "\n".join(filter(None, (" > ".join(names), head)))


def chunk_document(document: Document, settings: ChunkSettings, tokens: TokenSpans) -> list[Chunk]:
    """The document's chunks in order; ``chunk.text == document.text[chunk.start:chunk.end]``."""
    text = document.text
    if not text.strip():
        return []
    ruler = Ruler(text, tokens.spans(text))
    titles = Titles(document)
    chunks = []
    for start, end in CHUNKERS[settings.by](ruler, settings):
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if start == end:
            continue
        path = titles.path(start, end)
        chunks.append(
            Chunk(
                digest(document.id, start, end, text[start:end]),
                document.id,
                start,
                end,
                text[start:end],
                titles.over(start, path) if settings.titles else "",
                {**document.metadata, "headings": path},
            )
        )
    return chunks
