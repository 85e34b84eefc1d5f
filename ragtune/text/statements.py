"""Splitting an answer into statements."""

from __future__ import annotations

import re

from ragtune.text.sentences import sentence_spans

_CLAUSE = re.compile(r"(?:; |, (?:and|but|while|whereas|which|who) (?=\w+ ))")


def statements(text: str) -> list[str]:
    """Sentences of ``text``, long ones cut at clause borders where both sides hold four words or more."""
    found: list[str] = []
    for a, b in sentence_spans(text):
        parts, last = [], 0
        sentence = text[a:b]
        for match in _CLAUSE.finditer(sentence):
            left, right = sentence[last : match.start()], sentence[match.end() :]
            if len(left.split()) >= 4 and len(right.split()) >= 4:
                parts.append(left)
                last = match.end()
        parts.append(sentence[last:])
        found += [p.strip() for p in parts if re.search(r"\w", p)]
    return found
