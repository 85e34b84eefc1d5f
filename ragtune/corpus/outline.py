"""What a document's text is built of: its code fences, headings and tables, read line by line in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

#: (offset, level, title)
Heading = tuple[int, int, str]
_OPENING = re.compile(r"[ >]*(`{3,}(?=[^`]*$)|~{3,})")
_HEADING = re.compile(r"(#{1,6})[ \t]+(?=\S)")
#: rows that name columns, at most
_HEADS = 3
_RULE = re.compile(r"\|(?:\s*:?-+:?\s*\|)+")


@dataclass(frozen=True)
class Line:
    """One line of a text without its line end; ``code`` tells that it stands in a code fence, or is its border."""

    start: int
    text: str
    code: bool


@dataclass(frozen=True)
class Table:
    """A run of ``| a | b |`` rows; ``head`` are the rows above the rule, the rows below begin at ``rows``."""

    rows: int
    end: int
    head: str


def lines(text: str) -> Iterator[Line]:
    """The lines of ``text``. A fence ends at a line of at least as many of its marks, or with the text (CommonMark)."""
    at, fence = 0, ""
    for line in text.split("\n"):
        if fence:
            bare = line.strip(" >")
            yield Line(at, line, True)
            if len(bare) >= len(fence) and not bare.strip(fence[0]):
                fence = ""
        else:
            opening = _OPENING.match(line)
            fence = opening[1] if opening else ""
            yield Line(at, line, bool(fence))
        at += len(line) + 1


def headings(text: str) -> list[Heading]:
    """(offset, level, title) of the Markdown headings outside code fences."""
    found = []
    for line in lines(text):
        if not line.code and line.text[:1] == "#" and (match := _HEADING.match(line.text)):
            title = line.text[match.end() :].rstrip()
            bare = title.rstrip("#")
            if bare != title and bare[-1:] in ("", " "):
                title = bare.rstrip()
            if title:
                found.append((line.start, len(match[1]), title))
    return found


def alone(text: str, found: Sequence[Heading]) -> dict[int, int]:
    """Headings that have nothing under them but a deeper heading: their offset and that heading's."""
    return {
        at: below
        for (at, level, _), (below, deeper, _) in pairwise(found)
        if deeper > level and not text[text.find("\n", at) : below].strip()
    }


def heading_paths(found: Sequence[Heading]) -> list[list[str]]:
    """For every heading the titles that stand over what follows it, outermost first, its own last."""
    paths: list[list[str]] = []
    open_: list[tuple[int, str]] = []
    for _offset, level, title in found:
        open_ = [(lv, t) for lv, t in open_ if lv < level] + [(level, title)]
        paths.append([t for _, t in open_])
    return paths


def tables(text: str) -> list[Table]:
    """The tables that name their columns, in order."""
    found: list[Table] = []
    above: list[str] = []  # the rows of a table whose rule has not come
    inside = False
    for line in lines(text):
        row = not line.code and line.text[:1] == "|"
        end = line.start + len(line.text)
        if row and inside:
            found[-1] = Table(found[-1].rows, end, found[-1].head)
        elif row and above and _RULE.fullmatch(line.text.rstrip()):
            found.append(Table(end, end, "\n".join(above)))
            inside = True
        else:
            inside = False
            above = [*above, line.text.strip()][-_HEADS:] if row else []
    return found
