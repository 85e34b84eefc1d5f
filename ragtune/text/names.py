"""One name in several forms: spellings, surnames, initials, acronyms."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache

import regex

from ragtune.text.numerals import table
from ragtune.text.polarity import content, listed
from ragtune.text.words import Word, stem, tokens

#: how alike two words must be spelt to be one, by their letters
ALIKE = 0.8


def alike(a: str, b: str) -> bool:
    """Two words that one would take for spellings of one another."""
    if a == b:
        return True
    if len(a) > 1 and regex.match(r"\p{Hangul}", a) and b.startswith(a):
        return True
    if a in _closed() or b in _closed():
        return False
    if min(len(a), len(b)) < 4 or a[0].isdigit() or b[0].isdigit() or a[0] != b[0]:
        return False
    return SequenceMatcher(None, a, b, autojunk=False).ratio() >= ALIKE


@lru_cache(maxsize=1)
def _closed() -> frozenset[str]:
    """Words of which one that is spelt nearly so is another: weekdays, months, numbers."""
    return frozenset(w for name in ("weekdays", "months", "numbers", "scales", "ordinals") for w in table(name))


def _initials(words: Sequence[Word]) -> str:
    return "".join(w.text[0] for w in words)


def capitalised(text: str, word: Word) -> bool:
    return text[word.start].isupper()


def named_as(reference: str, answer: str) -> int:
    """For a person's name: 1 if the answer gives it in another form (surname, initials), -1 if it gives a namesake, else 0."""
    titles = listed("titles")
    own = [t for t in tokens(reference) if t.kind in ("word", "acronym") and t.text not in titles]
    if not 2 <= len(own) <= 5 or not all(capitalised(reference, t) for t in own):
        return 0
    given, last = own[:-1], own[-1]
    said = tokens(answer)
    found = []
    for i, token in enumerate(said):
        if stem(token.text) != stem(last.text) or not capitalised(answer, token):
            continue
        before: list[Word] = []
        for other in reversed(said[:i]):
            joined = answer[other.end : (before[0].start if before else token.start)]
            if not capitalised(answer, other) or joined.strip(" .") or len(before) == 4:
                break
            before.insert(0, other)
        before = [w for w in before if w.text not in titles]
        letters = "".join(w.text if w.kind == "acronym" else w.text[0] for w in given)
        mine = "".join(w.text if w.kind == "acronym" or len(w.text) == 1 else w.text[0] for w in before)
        full = {w.text for w in given if len(w.text) > 1}
        strange = [
            w for w in before if len(w.text) > 1 and w.kind == "word" and not any(alike(w.text, g) for g in full)
        ]
        if not before:
            found.append(1)
        elif before[0].start == said[0].start and strange and len(before) == 1:
            found.append(0)  # the first word of a sentence
        elif strange and not all(any(alike(w.text, g) for w in before) for g in full):
            found.append(-1)
        elif not strange and all(len(w.text) > 1 and w.kind == "word" for w in before):
            found.append(1)
        elif not (letters.startswith(mine) or mine.startswith(letters)):
            found.append(-1)
        else:
            found.append(1)
    return max(found, default=0) if 1 in found else min(found, default=0)


def _capitals(text: str, word: Word) -> bool:
    return word.kind == "acronym" or (
        word.kind == "word" and len(word.text) > 1 and text[word.start : word.end].isupper()
    )


def abbreviated(reference: str, answer: str) -> bool:
    """The answer gives the reference's initials, or writes out an acronym that the reference is; of three letters or more."""
    full, said = content(reference), tokens(answer)
    if len(full) >= 3 and any(_capitals(answer, t) and t.text == _initials(full) for t in said):
        return True
    if len(full) == 1 and _capitals(reference, full[0]) and len(full[0].text) >= 3:
        size = len(full[0].text)
        own = [t for t in content(answer) if t.kind == "word" and capitalised(answer, t)]
        return any(_initials(own[i : i + size]) == full[0].text for i in range(len(own) - size + 1))
    return False
