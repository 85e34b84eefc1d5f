"""Words of a text: the one reading that search, extractive answers, judges, scores, quotes and leak checks share.

Words are cut by script: runs of letters with their marks, single characters of scripts that write no spaces (Han, Kana, Thai,
Lao, Khmer, Burmese), numbers apart from letters behind them ("5kg" is 5 and kg). They are folded (`fold`); English ones are
stemmed by Snowball's algorithm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import regex

from ragtune.text.fold import fold
from ragtune.text.languages import CODES, language

_SINGLE = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = regex.compile(
    rf"(?P<number>(?<![\p{{L}}\p{{N}}])\p{{Nd}}+(?:[.,:٫٬]\p{{Nd}}+)*|\p{{Nd}}+(?:[.,:٫٬]\p{{Nd}}+)*)"
    rf"|(?P<single>[{_SINGLE}--\p{{M}}--\p{{P}}][\p{{M}}]*)"
    rf"|(?P<acronym>(?<![\p{{L}}.])(?:\p{{L}}\.){{2,}}(?:\p{{L}}(?![\p{{L}}]))?)"
    rf"|(?P<word>[\p{{L}}--[{_SINGLE}]](?:[\p{{L}}\p{{M}}\u200c\u200d\u00ad--[{_SINGLE}]])*"
    rf"(?:['’ʼ](?:[\p{{L}}\p{{M}}--[{_SINGLE}]])+)*(?:\p{{Nd}}+(?!\p{{L}}))?)"
    rf"|(?P<raised>\p{{No}}+)"
    rf"|(?P<sign>[%€$£¥₹₽₩°℃℉])",
    regex.VERSION1,
)
_ASCII = regex.compile(r"[a-z]+")
FUNCTION_WORD = 0.35
#: how far behind a negation a word still counts as denied
REACH = 3


@dataclass(frozen=True, slots=True)
class Word:
    """One word, folded, with its span in the text; ``kind`` is word, single, number, acronym or sign."""

    text: str
    start: int
    end: int
    kind: str


def _shouts(text: str) -> bool:
    """Every letter is a capital: none of them says anything."""
    return all(c.isupper() for c in text if c.isalpha())


@lru_cache(maxsize=50_000)
def tokens(text: str) -> tuple[Word, ...]:
    """The words of ``text`` in order, none left out."""
    found = []
    shouts: bool | None = None  # asked of the whole text once
    for match in _WORD.finditer(text):
        kind, folded = str(match.lastgroup), fold(match[0])
        if kind == "acronym":
            folded = folded.replace(".", "")
        elif kind == "word":
            folded = folded.removesuffix("'s").rstrip("'")
            if len(folded) > 1 and match[0].isupper():
                shouts = _shouts(text) if shouts is None else shouts
                kind = "word" if shouts else "acronym"  # IT, WHO and US are no function words
        if folded:
            found.append(Word(folded, match.start(), match.end(), kind))
    return tuple(found)


@lru_cache(maxsize=1)
def _snowball() -> Callable[[str], str]:
    import Stemmer

    stemmer = Stemmer.Stemmer("english")
    return lambda word: str(stemmer.stemWord(word))


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The stem of a folded word; a number word becomes its digits (``two`` -> ``2``), ``1,500`` becomes ``1500``."""
    if word in _digits():
        return _digits()[word]
    word = _irregular().get(word, word)
    if word[0].isdigit():
        return plain_number(word)
    return _snowball()(word) if _ASCII.fullmatch(word) else word


@lru_cache(maxsize=1)
def _digits() -> dict[str, str]:
    known = language("en")
    return {w: f"{n:g}" for w, n in {**known.numbers, **known.scales}.items() if w != "dozen"}


@lru_cache(maxsize=1)
def _irregular() -> dict[str, str]:
    known = language("en").irregular
    return {form: base for base, forms in known.items() for form in forms.split()}


def plain_number(digits: str) -> str:
    """Digits of any script as ASCII, without separators of thousands."""
    digits = "".join(str(int(c)) if c.isdigit() and not c.isascii() else c for c in digits)
    return digits.replace("٬", "").replace("٫", ".") if ":" in digits else digits.replace(",", "")


@lru_cache(maxsize=4096)
def _lists(name: str, german: bool) -> frozenset[str]:
    codes = [c for c in CODES if c != "de" or german]
    return frozenset(fold(w) for code in codes for w in getattr(language(code), name))


@lru_cache(maxsize=50_000)
def is_german(text: str) -> bool:
    """Two or more words of German that English lacks, and more of them than of English."""
    words = [t.text for t in tokens(text) if t.kind == "word"]
    both = frozenset(map(fold, language("de").stop)) - language("en").stop, language("en").stop
    german, english = (sum(w in own for w in words) for own in both)
    return german >= 2 and german > english


def stop_words(text: str) -> frozenset[str]:
    """Words without content in the language of ``text``."""
    return _lists("stop", is_german(text))


@lru_cache(maxsize=50_000)
def _content(text: str) -> tuple[tuple[Word, bool], ...]:
    """Every word but signs, and whether it has content."""
    stop = stop_words(text)
    return tuple((t, t.kind == "acronym" or t.text not in stop) for t in tokens(text) if t.kind != "sign")


@lru_cache(maxsize=100_000)
def words(text: str) -> tuple[str, ...]:
    """Stems of the content words of ``text``, in order."""
    return tuple(stem(t.text) for t, content in _content(text) if content)


@lru_cache(maxsize=100_000)
def weighted(text: str) -> tuple[tuple[str, float], ...]:
    """(stem, weight) of every word, in order: 1, or `FUNCTION_WORD` for words without content."""
    return tuple((stem(t.text), 1.0 if content else FUNCTION_WORD) for t, content in _content(text))


@lru_cache(maxsize=100_000)
def numbers(text: str) -> frozenset[str]:
    return frozenset(w for w in words(text) if w[0].isdigit())


@lru_cache(maxsize=100_000)
def names(text: str) -> frozenset[str]:
    """Stems of capitalised words that do not begin the text or a sentence."""
    found = regex.findall(r"(?<![.!?:\n] )(?<=[\s(\"“])\p{Lu}[\w'’-]+", text)
    stop = stop_words(text)
    return frozenset(stem(t.text) for w in found for t in tokens(w) if t.text not in stop)


@lru_cache(maxsize=100_000)
def is_negation(word: str) -> bool:
    """True for a folded word that denies."""
    return word in _lists("negations", True) or word.endswith("n't")


@lru_cache(maxsize=100_000)
def negated(text: str) -> bool:
    return any(is_negation(t.text) for t in tokens(text))


def negates(text: str, about: frozenset[str]) -> bool:
    """True if a negation in ``text``, or a word that excepts, stands at most `REACH` words before a content word whose stem is in
    ``about``."""
    found, stop = tokens(text), stop_words(text)
    near = [found[i + 1 : i + 1 + REACH] for i, word in enumerate(found) if is_negation(word.text)]
    for phrase in _lists("except_", True):
        near += [tuple(w for w in found if w.start >= end)[:REACH] for _, end in find_words(text, phrase)]
    return any(stem(w.text) in about and w.text not in stop for after in near for w in after)


def limits(text: str) -> bool:
    """True if the text says that nothing else holds ("only")."""
    return any(t.text in _lists("limits", True) for t in tokens(text))


def speaks_of_itself(text: str) -> bool:
    """True if the text names its speaker ("I", "my")."""
    return any(t.text in language("en").speaker for t in tokens(text))


def search_terms(text: str, stems: bool = True) -> list[str]:
    """What BM25 indexes: words without stop words, stemmed; characters of scripts without spaces, and their pairs."""
    found: list[str] = []
    stop = language("en").search_stop
    if is_german(text):
        stop = stop | frozenset(map(fold, language("de").search_stop))
    before: Word | None = None
    for token in tokens(text):
        if token.kind == "single":
            found.append(token.text)
            if before is not None and before.kind == "single" and before.end == token.start:
                found.append(before.text + token.text)
        elif token.kind != "sign" and (token.kind == "acronym" or token.text not in stop):
            found.append(stem(token.text) if stems else token.text)
        before = token
    return found


def content_words(text: str) -> list[str]:
    """Stems of the words that carry meaning in a question."""
    stop = _lists("question_stop", is_german(text))
    return [stem(t.text) for t in tokens(text) if t.kind != "sign" and (t.kind == "acronym" or t.text not in stop)]


def plain_words(text: str) -> list[str]:
    """Folded words, no stems, nothing left out but signs."""
    return [t.text for t in tokens(text) if t.kind != "sign"]


def word_key(text: str) -> str:
    """The folded words of a text between single spaces, so that whole words can be looked for in it."""
    return " ".join(["", *plain_words(text), ""])


def find_words(text: str, wanted: str) -> list[tuple[int, int]]:
    """Spans of ``text`` whose words are those of ``wanted``, whole words only, whatever their case, accents and quotes."""
    key = [t.text for t in tokens(wanted)]
    held = tokens(text)
    if not key:
        return []
    first = key[0]
    return [
        (held[i].start, held[i + len(key) - 1].end)
        for i, token in enumerate(held)
        if token.text == first and [t.text for t in held[i : i + len(key)]] == key
    ]
