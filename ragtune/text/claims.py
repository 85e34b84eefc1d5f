"""What a short answer claims: its question, answered. A bare yes or no asserts the question's statement or its denial."""

from __future__ import annotations

import regex

from ragtune.text.polarity import content, denials, polarity
from ragtune.text.statements import statements
from ragtune.text.words import stem, stop_words, tokens

#: up to so many words an answer is a phrase; from so many a capital and a full stop make it a sentence
SHORT, WHOLE = 8, 5


def is_phrase(text: str) -> bool:
    """True for a short answer that is no sentence of its own ("27 days", "The finance team."): it is read with its question."""
    count = len(tokens(text))
    whole = count >= WHOLE and text[:1].isupper() and text.rstrip()[-1:] in ".!"
    return count <= SHORT and not whole


_ASKS_WHAT = regex.compile(
    r"\W*(?:(?:in|on|at|by|for|from|to|of|with) )?(?:who|whom|whose|what|which|when|where|why|how|wer|welch\w*|wann|wo|warum|wie)\b",
    regex.IGNORECASE,
)
_HEAD = regex.compile(r"^\W*[\p{L}]+\s*[,，;:.。!]\s*(?=\S)")


#: an opening that only names where the answer is from
_SOURCE = regex.compile(
    r"^\W*(?:according to|based on|as stated in|as per|laut|gemäß|根据) (?:the |this |these |our |your |dem |der |den )?[^,，.]{1,40}[,，]\s*",
    regex.IGNORECASE,
)


def bare_polarity(question: str, answer: str) -> int:
    """1 or -1 where the answer says yes or no to the question and nothing beyond it, else 0."""
    if len(tokens(answer)) > SHORT or _ASKS_WHAT.match(question):
        return 0
    said = polarity(answer)
    if not said:
        return 0
    asked = {stem(t.text) for t in tokens(question)}
    stop = stop_words(answer)
    new = [t for t in content(answer) if t.text not in stop and stem(t.text) not in asked]
    heads = [t for t in new if polarity(answer[t.start : t.end]) and t.start <= 1]
    return said if len(new) <= len(heads) else 0


def as_statement(question: str, answer: int) -> str:
    """The question's words as a statement: ``answer`` 1 as they are, -1 with one denial more (or less, where it denies itself)."""
    bare = str(regex.sub(r"[吗嗎呢么]?\s*[?？؟]+\s*$", "", question.strip()))
    if answer > 0:
        return bare
    own = tokens(bare)
    for token, denying in zip(own, denials(bare), strict=True):
        if denying:
            return (bare[: token.start] + bare[token.end :]).strip()
    if own and own[0].kind == "single":
        return f"不{bare}"
    first = own[0].end if own else 0
    return f"{bare[:first]} not{bare[first:]}"


def claims(question: str, answer: str) -> list[str]:
    """The statements of ``answer``; of a bare yes or no, the one that it makes of its question."""
    said = bare_polarity(question, answer) if question else 0
    if said:
        return [as_statement(question, said)]
    answer = _SOURCE.sub("", answer) or answer
    head = _HEAD.match(answer)
    if head and question and polarity(head[0]):
        return statements(answer[head.end() :])
    return statements(answer)
