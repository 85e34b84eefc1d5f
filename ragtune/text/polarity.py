"""Yes and no, and what a text denies."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache

import regex

from ragtune.text.fold import fold
from ragtune.text.languages import CODES, language
from ragtune.text.numerals import Value
from ragtune.text.values import values
from ragtune.text.words import Word, find_words, is_negation, stem, stop_words, tokens

SENTENCE = regex.compile(r"(?<=[.!?;])\s+|(?<=[。！？；\n])\s*")


@lru_cache(maxsize=8)
def listed(name: str) -> frozenset[str]:
    return frozenset(fold(w) for code in CODES for w in getattr(language(code), name))


@lru_cache(maxsize=20_000)
def content(text: str) -> tuple[Word, ...]:
    """Words with content; every word where none has any."""
    stop = stop_words(text)
    found = tuple(t for t in tokens(text) if t.kind != "sign" and (t.kind == "acronym" or t.text not in stop))
    return found or tuple(t for t in tokens(text) if t.kind != "sign")


@lru_cache(maxsize=20_000)
def stems(text: str) -> frozenset[str]:
    return frozenset(stem(t.text) for t in tokens(text))


def polarity(text: str, question: str = "") -> int:
    """1 where ``text`` says yes, -1 where it says no, 0 where it says neither.

    A word of consent or refusal at its head decides. Without one, a text that repeats words of a ``question`` says no where it
    denies and the question does not, and yes where it does not.
    """
    found = [t.text for t in tokens(text)][:3]
    if not found:
        return 0
    yes, no = listed("yes"), listed("no")
    if len(tokens(text)) == 1 and found[0] in ("none", "nobody", "nothing", "never", "niemand", "keine", "keiner"):
        return -1
    for size in (3, 2, 1):
        head = "".join(found[:size]) if tokens(text)[0].kind == "single" else " ".join(found[:size])
        if head in no:
            return -1
        if head in yes:
            return 1
    if found[0] in ("not", "never"):
        return -1
    opening = regex.match(
        r"^(?:that|this|it|they|he|she|you|we|the \w+) (?:is|are|was|were|does|do|did|can|may|has|have)(n't| not)?\b",
        fold(text),
    )
    if opening and not question:
        return -1 if opening[1] else 0
    if question:
        asked = {stem(t.text) for t in content(question)}
        first = regex.split(SENTENCE, text.strip())[0]
        shared = asked & stems(text)
        if shared or opening:
            without = sum(stem(fold(w)) in asked for w in regex.findall(r"(\p{L}+)-free\b", first))
            denies = (
                denial_count(first) + (opposed(question, first) and not _denies_by_opposite(question, first)) + without
            )
            denied = denial_count(question) - outer_denial(question)
            return -1 if denies % 2 != denied % 2 else 1
    return 0


def is_denial(token: Word) -> bool:
    return is_negation(token.text) or stem(token.text) in _denying()


def outer_denial(question: str) -> bool:
    """The question only sounds denied ("Isn't it free?"): yes and no answer it as they answer "Is it free?"."""
    own = tokens(question)[:3]
    return (
        bool(own)
        and own[0].kind != "single"
        and any(t.text == "not" or t.text.endswith("n't") or t.text == "nicht" for t in own)
    )


def pattern(name: str) -> str:
    """The words of a list, as a regular expression that takes any of them; the longest first."""
    return "|".join(sorted(map(regex.escape, listed(name)), key=len, reverse=True))


def _denies_by_opposite(question: str, said: str) -> bool:
    """An opposite that ``said`` holds is itself a word that denies (allowed, prohibited), so it counts once."""
    return any(opposites(s) & _holds(said) & _denying() for s in _holds(question))


def denial_count(text: str) -> int:
    """How many words deny; of scripts without spaces also words of several characters."""
    folded = fold(text)
    joined = sum(folded.count(w) for w in listed("denials") if tokens(w) and tokens(w)[0].kind == "single")
    return sum(is_denial(t) for t in tokens(text)) + joined


@lru_cache(maxsize=1)
def _denying() -> frozenset[str]:
    return frozenset(stem(w) for w in listed("denials"))


@lru_cache(maxsize=1)
def _doubles() -> regex.Pattern[str]:
    return regex.compile(rf"\b(?:{'|'.join(map(regex.escape, doubles()))})\b", regex.IGNORECASE)


@lru_cache(maxsize=1)
def doubles() -> dict[str, str]:
    return {k: v for code in CODES for k, v in language(code).doubles.items()}


def undoubled(text: str) -> str:
    """``text`` with two denials that make a condition written as one ("not without leave": "only with leave")."""
    return str(regex.sub(_doubles(), lambda m: doubles()[m[0].lower()], text))


def excepts(text: str) -> bool:
    """Whether the text takes something out ("all but", "except")."""
    return any(find_words(text, phrase) for phrase in listed("except_"))


@lru_cache(maxsize=1)
def _opposite_stems() -> frozenset[frozenset[str]]:
    pairs = (pair.split() for code in CODES for pair in language(code).opposites)
    return frozenset(frozenset(stem(fold(w)) for w in pair) for pair in pairs)


def _holds(text: str) -> frozenset[str]:
    """Of the words that have an opposite, those that ``text`` holds; in scripts without spaces, wherever they stand."""
    read, folded = stems(text), fold(text)
    known = frozenset().union(*_opposite_stems())
    return frozenset(w for w in known if w in read or (len(tokens(w)) > 1 and w in folded))


@lru_cache(maxsize=20_000)
def opposites(stemmed: str) -> frozenset[str]:
    """Stems of the words that say the opposite of a word, by its stem."""
    return frozenset(s for pair in _opposite_stems() if stemmed in pair for s in pair) - {stemmed}


def opposed(a: str, b: str) -> int:
    """1 where ``b`` holds the opposite of a word of ``a`` and not the word itself. What must be may be: those two are opposites
    only where nothing is denied ("must not" says "may not")."""
    one, other = stems(a) | _holds(a), stems(b) | _holds(b)
    denied = any(is_negation(t.text) for t in (*tokens(a), *tokens(b)))
    if not denied and {"must", "may"} & one == {"must"} and {"must", "may"} & other == {"may"}:
        return 1
    return int(
        any(len(pair & one) == 1 and (pair - one) <= other and not (pair & one & other) for pair in _opposite_stems())
    )


def denials(text: str) -> list[bool]:
    """For every word, whether it denies; the "no" of "no more than 5" belongs to its value."""
    return [is_denial(t) and v is None for t, v in zip(tokens(text), in_values(text), strict=True)]


def in_values(text: str) -> list[Value | None]:
    """For every word of ``text``, the value it is part of, if any."""
    folded = tokens(fold(text))
    own = tokens(text)
    if len(folded) != len(own):
        return [None] * len(own)
    starts = [t.start for t in folded]
    found: list[Value | None] = [None] * len(own)
    for value in values(text):
        for n in range(bisect_left(starts, value.start), bisect_left(starts, value.end)):
            if found[n] is None and folded[n].end <= value.end:
                found[n] = value
    return found
