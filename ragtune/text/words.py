"""Splitting an answer into statements, and texts into the parts that evidence is drawn from."""

from __future__ import annotations

import re
from functools import lru_cache

from ragtune.text.sentences import sentence_spans

STOP = frozenset(
    (
        "a an and are as at be been but by can could did do does for from had has have he her his i if in into is it its may might must no nor not of "
        "on or our shall she should so such than that the their them then there these they this those to too was we were what when where which who "
        "whom whose will with would you your about also any each just more most only other over own same some up very"
    ).split()
)
_NUMBER_WORDS = {
    w: str(n)
    for n, w in enumerate(
        (
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
        ).split()
    )
} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "seventy": "70",
    "eighty": "80",
    "ninety": "90",
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
}
WORD = re.compile(r"[\u3400-\u9fff]|[^\W_]+(?:[.,:][0-9]+)*(?:['’][a-z]+)?", re.UNICODE)
_NEGATION = re.compile(r"\b(?:not|never|no|none|nobody|nothing|neither|without|cannot|\w+n['’]t)\b|[不没無无未]", re.I)
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


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """A light English stem; numbers keep their value (``two`` -> ``2``, ``1,500`` -> ``1500``)."""
    word = word.lower().replace("’", "'").removesuffix("'s")
    if word in _NUMBER_WORDS:
        return _NUMBER_WORDS[word]
    if word[0].isdigit():
        return word.replace(",", "")
    for ending, least in (
        ("ingly", 4),
        ("edly", 4),
        ("ing", 3),
        ("ies", 2),
        ("ied", 2),
        ("ed", 3),
        ("es", 3),
        ("ly", 3),
        ("s", 3),
        ("e", 3),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= least and not word.endswith("ss"):
            return word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
    return word


@lru_cache(maxsize=100_000)
def words(text: str) -> tuple[str, ...]:
    """Stems of the content words of ``text``, in order."""
    return tuple(stem(w) for w in WORD.findall(text) if w.lower() not in STOP)


@lru_cache(maxsize=100_000)
def numbers(text: str) -> frozenset[str]:
    return frozenset(w for w in words(text) if w[0].isdigit())


@lru_cache(maxsize=100_000)
def names(text: str) -> frozenset[str]:
    """Stems of capitalised words that do not begin the text."""
    found = re.findall(r"(?<![.!?:\n] )(?<=[\s(\"“])[A-Z][\w'’-]+", text)
    return frozenset(stem(w) for w in found if w.lower() not in STOP)


@lru_cache(maxsize=100_000)
def negated(text: str) -> bool:
    return bool(_NEGATION.search(text))
