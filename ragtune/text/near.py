"""The passage of a text that is nearest to a given one: what to offer where a quotation is not found."""

from __future__ import annotations

import re
from collections import Counter

from ragtune.text.fold import fold

#: words; a character each where scripts write no spaces
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
#: share of the words that must be there for a passage to be near
LEAST = 0.5


def nearest(text: str, wanted: str, longest: int = 160) -> str:
    """The part of ``text``, as many words long as ``wanted``, that shares most words with it; "" where none shares half.

    One pass over the text: a megabyte takes about a second.
    """
    need = Counter(fold(word) for word in _WORD.findall(wanted))
    size = sum(need.values())
    if not size:
        return ""
    spans = [m.span() for m in _WORD.finditer(text)]
    words = [fold(text[start:end]) for start, end in spans]
    have: Counter[str] = Counter()
    best, at, shared = 0, 0, 0
    for i, word in enumerate(words):
        have[word] += 1
        shared += have[word] <= need[word]
        if i >= size:
            gone = words[i - size]
            shared -= have[gone] <= need[gone]
            have[gone] -= 1
        if shared > best:
            best, at = shared, max(0, i - size + 1)
    if best < LEAST * size:
        return ""
    while words[at] not in need:  # begin with a word of its own
        at += 1
    passage = text[spans[at][0] : spans[min(at + size, len(spans)) - 1][1]]
    return passage if len(passage) <= longest else passage[:longest].rsplit(" ", 1)[0] + " …"


def copy_it(text: str, wanted: str) -> str:
    """How to mend a quotation that does not stand in ``text``: the nearest passage, where there is one."""
    close = nearest(text, wanted)
    return "Copy it from the document's text" + (f'; nearest there: "{close}".' if close else ".")
