"""How people type questions: whole sentences, keywords alone, with typing errors."""

from __future__ import annotations

from random import Random

import regex

from ragtune.text.words import content_words, tokens

_ASKING = frozenset("must should may can will do does have need".split())
_LONG = regex.compile(r"\p{L}{5,}")


def styled(text: str, style: str, random: Random) -> str:
    """The question in another style; as it is where the style cannot be had of it."""
    return {"keyword": keywords, "typos": mistyped}.get(style, lambda t, _: t)(text, random)


def keywords(text: str, random: Random) -> str:
    """The words that carry the question, in their order, as typed into a search box."""
    kept = set(content_words(text)) - _ASKING
    found = [
        text[w.start : w.end]
        for w in tokens(text)
        if w.kind in ("number", "acronym") or set(content_words(text[w.start : w.end])) & kept
    ]
    single = any(w.kind == "single" for w in tokens(text))
    return ("" if single else " ").join(found).lower() if len(found) >= 2 else text


def mistyped(text: str, random: Random) -> str:
    """One slip, in a long word: two letters swapped, one left out, or one twice."""
    places = list(_LONG.finditer(text))
    if not places:
        return text
    word = random.choice(places)
    at = word.start() + random.randrange(1, len(word[0]) - 2)
    slip = random.choice(("swap", "drop", "double"))
    middle = {"swap": text[at + 1] + text[at], "drop": text[at + 1], "double": text[at] * 2 + text[at + 1]}[slip]
    return text[:at] + middle + text[at + 2 :]
