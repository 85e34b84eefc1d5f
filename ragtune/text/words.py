"""Words of a text: by script, with stems, numbers, names and negation.

Three readings share one ground, since they serve different ends: `words` (what a judge compares), `search_terms` (what
BM25 indexes: Snowball stems, Chinese in characters and pairs) and `content_words` (what an extractive answer matches).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from ragtune.text.languages import language

WORD = re.compile(r"[\u3400-\u9fff]|[^\W_]+(?:[.,:][0-9]+)*(?:['’][a-z]+)?", re.UNICODE)
FUNCTION_WORD = 0.35
_PLAIN = re.compile(r"[\u3400-\u9fff]|[^\W_]+")
_SEARCH = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff]+|[^\W_]+", re.UNICODE)
_NEGATION = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|without|cannot|\w+n['’]t)\b|[不没無无未]",
    re.IGNORECASE,
)
_ENDINGS = (
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
)


def is_stop(word: str) -> bool:
    """True for a word without content."""
    return word.lower() in language().stop


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """A light English stem; numbers keep their value (``two`` -> ``2``, ``1,500`` -> ``1500``)."""
    word = word.lower().replace("’", "'").removesuffix("'s")
    if word in language().numbers:
        return language().numbers[word]
    if word[0].isdigit():
        return word.replace(",", "")
    for ending, least in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least and not word.endswith("ss"):
            return word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
    return word


@lru_cache(maxsize=100_000)
def words(text: str) -> tuple[str, ...]:
    """Stems of the content words of ``text``, in order."""
    return tuple(stem(w) for w in WORD.findall(text) if not is_stop(w))


@lru_cache(maxsize=100_000)
def weighted(text: str) -> tuple[tuple[str, float], ...]:
    """(stem, weight) of every word, in order: 1, or `FUNCTION_WORD` for words without content."""
    return tuple((stem(w), FUNCTION_WORD if is_stop(w) else 1.0) for w in WORD.findall(text))


@lru_cache(maxsize=100_000)
def numbers(text: str) -> frozenset[str]:
    return frozenset(w for w in words(text) if w[0].isdigit())


@lru_cache(maxsize=100_000)
def names(text: str) -> frozenset[str]:
    """Stems of capitalised words that do not begin the text."""
    found = re.findall(r"(?<![.!?:\n] )(?<=[\s(\"“])[A-Z][\w'’-]+", text)
    return frozenset(stem(w) for w in found if not is_stop(w))


@lru_cache(maxsize=100_000)
def negated(text: str) -> bool:
    return bool(_NEGATION.search(text))


def negates(text: str, about: frozenset[str]) -> bool:
    """True if a negation in ``text`` stands at most three words before a content word whose stem is in ``about``."""
    if not negated(text):
        return False
    found = list(WORD.finditer(text))
    near = [[w[0] for w in found[i + 1 : i + 4]] for i, word in enumerate(found) if negated(word[0])]
    return any(stem(w) in about and not is_stop(w) for after in near for w in after)


def speaks_of_itself(text: str) -> bool:
    """True if the text names its speaker ("I", "my")."""
    return bool({w.lower().replace("’", "'") for w in re.findall(r"[\w'’]+", text)} & language().speaker)


@lru_cache(maxsize=1)
def _snowball() -> Callable[[str], str]:
    import Stemmer

    stemmer = Stemmer.Stemmer("english")
    return lambda word: str(stemmer.stemWord(word))


def search_terms(text: str, stems: bool = True) -> list[str]:
    """Lower-case words without stop words, stemmed; runs of Chinese or Japanese as characters and pairs."""
    found: list[str] = []
    for word in _SEARCH.findall(text.lower()):
        if word[0] >= "\u3040":
            found += list(word)
            found += [word[i : i + 2] for i in range(len(word) - 1)]
        elif word not in language().search_stop:
            found.append(_snowball()(word) if stems and word.isascii() else word)
    return found


def content_words(text: str) -> list[str]:
    """Lower-case words that carry meaning in a question, roughly stemmed; Chinese by character."""
    found = _PLAIN.findall(text.lower())
    return [re.sub(r"(?<=\w{3})(?:ies|es|s|ed|ing)$", "", w) for w in found if w not in language().question_stop]


def plain_words(text: str) -> list[str]:
    """Lower-case words of letters and digits, no stems, nothing left out; Chinese by character."""
    return re.findall(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+", text.lower())


def bag_words(text: str) -> list[str]:
    """Words by which two questions are compared: every letter for text that holds Chinese, else words."""
    lower = text.lower()
    return re.findall(r"\w", lower) if re.search(r"[\u4e00-\u9fff]", text) else re.findall(r"\w+", lower)


def word_key(text: str) -> str:
    """The words of a text between single spaces, so that whole words can be looked for in it."""
    return " ".join(["", *re.findall(r"[^\W_]+", text.lower()), ""])
