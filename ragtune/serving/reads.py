"""Which languages a bundled model reads, and whether documents are in one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import regex

from ragtune.models.packages import DEFAULT_READER
from ragtune.records import Document
from ragtune.text.languages import language
from ragtune.text.sentences import sentence_spans

#: model -> codes of the languages that it reads; a model that is not here may read any
READS: dict[str, tuple[str, ...]] = {DEFAULT_READER: ("en",)}
_NAMES = {"en": "English"}
#: documents that are looked into, spread over the corpus, and characters of each, from its middle
DOCUMENTS, CHARACTERS = 100, 2000
#: words of a sentence that tells its language, at least
WORDS = 6
#: share of an English sentence's words that are of `_english`, at least
SHARE = 0.12
_LETTERS = regex.compile(r"\p{L}")
_LATIN = regex.compile(r"\p{Latin}")
_WORD = regex.compile(r"\p{L}+")
#: English words without content that are frequent words of other languages too
_SHARED = frozenset(
    "a an as be do had he her him his i in is me men no on once or over same she so some such up we who will".split()
)
#: what stands in prose; much else makes it code, a link or a row of a table
_ODD = regex.compile(r"[^\p{L}\p{M}\s.,;:!?'’\"“”()-]")
_ODD_SHARE = 0.05


def languages(model: str) -> str:
    """The languages that a model of `READS` reads, in words."""
    return " and ".join(_NAMES.get(code, code) for code in READS[model])


def foreign(documents: Sequence[Document], model: str) -> bool:
    """Whether most of the documents' text is in languages that ``model`` does not read.

    Most of the letters of a sample are not Latin, or most of its sentences are not English (`is_english`). Text in too short pieces
    to tell, such as rows of a table, counts as readable.
    """
    if "en" not in READS.get(model, ()):
        return False
    texts = list(_sample(documents))
    if not _mostly_latin("".join(texts)):
        return True
    told = [is_english(t[a:b]) for t in texts for a, b in sentence_spans(t)]
    known = [found for found in told if found is not None]
    return 2 * sum(known) < len(known)


def is_english(sentence: str) -> bool | None:
    """Whether a sentence is English: in Latin script, with a share of the words that English sentences are full of. None where it
    is too short to tell, or no prose."""
    if not _mostly_latin(sentence):
        return False
    words = _WORD.findall(sentence)
    names = sum(w[0].isupper() for w in words)
    if len(words) < WORDS or 2 * names > len(words) or len(_ODD.findall(sentence)) > _ODD_SHARE * len(sentence):
        return None
    return sum(w.lower() in _english() for w in words) >= SHARE * len(words)


@lru_cache(maxsize=1)
def _english() -> frozenset[str]:
    return language("en").stop - _SHARED


def _mostly_latin(text: str) -> bool:
    return 2 * len(_LATIN.findall(text)) >= len(_LETTERS.findall(text))


def _sample(documents: Sequence[Document]) -> Iterator[str]:
    for document in documents[:: max(1, -(-len(documents) // DOCUMENTS))]:
        start = max(0, (len(document.text) - CHARACTERS) // 2)
        yield document.text[start : start + CHARACTERS]
