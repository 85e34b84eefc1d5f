"""Sentence spans for English-like and Chinese text."""

from __future__ import annotations

import re
from functools import lru_cache

from ragtune.text.languages import CODES, language

_END = re.compile(r"[。！？；…]+[”’』」）)]*|(?<![.!?])[.!?]++[\"'”’)\]]*+(?=\s|$)|\n+")
#: from this many characters a line may be one that was wrapped by hand
_WRAPPED = 50
#: an abbreviation or a list number is no longer than this
_WORD = 40
_KEY = re.compile(r"[\w -]{1,30}: ")


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Spans of the sentences of ``text[start:end]``, without surrounding space, in order, not overlapping.

    A sentence ends at ``. ! ?`` before space (not after an abbreviation, an initial, a list number or a day), at Chinese
    end marks, and at a line break, unless the line is long and the next goes on in lower case (text wrapped by hand).
    """
    end = len(text) if end is None else end
    spans: list[tuple[int, int]] = []
    left = start
    for match in _END.finditer(text, start, end):
        if match[0] == "\n" and _goes_on(text, start, match.start(), end):
            continue
        if match[0][0] == "." and _is_inner_stop(text[max(left, match.start() - _WORD) : match.start()]):
            continue
        if match[0] == "." and _in_a_date(text, left, match.start(), end):
            continue
        _add(spans, text, left, match.end())
        left = match.end()
    _add(spans, text, left, end)
    return spans


@lru_cache(maxsize=1)
def _months() -> frozenset[str]:
    """Names of months that English lacks: only other languages set a full stop behind the day."""
    return frozenset(name for code in CODES for name in language(code).months) - frozenset(language("en").months)


def _in_a_date(text: str, start: int, at: int, end: int) -> bool:
    """True if the full stop at ``at`` belongs to a day ("am 5. Mai")."""
    if not text[max(start, at - 2) : at].strip().isdigit():
        return False
    following = re.match(r"\s([^\W\d]{3,12})\b", text[at + 1 : min(end, at + 16)])
    if following is None:
        return False
    month, before = following[1].lower(), text[max(start, at - 8) : at].split()[:-1]
    return month in _months() or (
        month in language("en").months and bool(before) and before[-1] in language("de").before_day
    )


def _goes_on(text: str, start: int, at: int, end: int) -> bool:
    """True if the line break at ``at`` only wraps a sentence."""
    line = text[max(start, text.rfind("\n", max(start, at - _WRAPPED), at) + 1, at - _WRAPPED) : at]
    following = text[at + 1 : min(end, at + 60)]
    return len(line) >= _WRAPPED and line[-1] not in ".!?:;|" and following[:1].islower() and not _KEY.match(following)


def _add(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        spans.append((start, end))


def _is_inner_stop(before: str) -> bool:
    word = before.rsplit(None, 1)[-1].lstrip("(\"'“‘[").lower() if before.strip() else ""
    if word in language().abbreviations:
        return True
    if len(word) == 1 and word.isalpha() and before.rstrip()[-1:].isupper():
        return True
    return word.isdigit() and len(word) <= 2 and before.strip() == word
