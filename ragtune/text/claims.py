"""What a short answer claims: its question, answered. A bare yes or no asserts the question's statement or its denial."""

from __future__ import annotations

from functools import lru_cache

import regex

from ragtune.text.polarity import content, listed, outer_denial, pattern, polarity
from ragtune.text.statements import statements
from ragtune.text.words import is_negation, stem, stop_words, tokens

#: up to so many words an answer is a phrase; from so many a capital and a full stop make it a sentence
SHORT, WHOLE = 8, 5


def is_phrase(text: str) -> bool:
    """True for a short answer that is no sentence of its own ("27 days", "The finance team."): it is read with its question."""
    count = len(tokens(text))
    whole = count >= WHOLE and text[:1].isupper() and text.rstrip()[-1:] in ".!"
    return count <= SHORT and not whole


_HEAD = regex.compile(r"^\W*[\p{L}]+\s*[,，;:.。!]\s*(?=\S)")


@lru_cache(maxsize=1)
def _source() -> regex.Pattern[str]:
    """An opening that only names where the answer is from."""
    return regex.compile(rf"^\W*(?:{pattern('citing')})\s?[^,，.]{{1,50}}[,，]\s*", regex.IGNORECASE)


def _asks_more(question: str) -> bool:
    """The question asks for more than yes or no."""
    return any(t.text in listed("asking") for t in tokens(question)[:2])


def bare_polarity(question: str, answer: str) -> int:
    """1 or -1 where the answer says yes or no to the question and nothing beyond it, else 0."""
    if len(tokens(answer)) > SHORT or _asks_more(question):
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
    """The question's words as a statement: ``answer`` 1 as they are, -1 denied. A question that only sounds denied ("Isn't it free?")
    is read without its denial."""
    bare = str(regex.sub(r"[吗嗎呢么]?\s*[?？؟]+\s*$", "", question.strip()))
    own = tokens(bare)
    if outer_denial(question):
        at = next((t for t in own[:3] if is_negation(t.text)), None)
        if answer < 0 or at is None:
            return bare
        verb = bare[at.start : at.end].removesuffix("n't").removesuffix("n’t") if at.text.endswith("n't") else ""
        return " ".join(f"{bare[: at.start]}{verb}{bare[at.end :]}".split())
    if answer > 0:
        return bare
    if own and own[0].kind == "single":
        return f"不{bare}"
    first = own[0].end if own else 0
    return f"{bare[:first]} not{bare[first:]}"


def claims(question: str, answer: str) -> list[str]:
    """The statements of ``answer``; of a bare yes or no, the one that it makes of its question."""
    said = bare_polarity(question, answer) if question else 0
    if said:
        return [as_statement(question, said)]
    answer = _source().sub("", answer) or answer
    head = _HEAD.match(answer)
    if head and question and polarity(head[0]):
        return statements(answer[head.end() :])
    return statements(answer)
