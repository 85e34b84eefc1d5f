"""Which language a document is in: by py3langid (Lui and Baldwin 2012), offline, 97 languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import regex

from ragtune.records import Document

#: letters of a document that are looked at, from its middle, and those it must have
LETTERS, LEAST = 3000, 60
#: a document is told apart from its corpus's main language only where the detector is this sure
SURE = 0.9
#: from here on scripts write a word with a character or two
_WORDY = "\u2e80"
NAMES = {
    "en": "English", "zh": "Chinese", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese",
    "nl": "Dutch", "ru": "Russian", "ja": "Japanese", "ko": "Korean", "ar": "Arabic", "tr": "Turkish", "pl": "Polish",
    "uk": "Ukrainian", "vi": "Vietnamese", "th": "Thai", "hi": "Hindi", "el": "Greek", "he": "Hebrew", "cs": "Czech", "sv": "Swedish",
    "da": "Danish", "fi": "Finnish", "no": "Norwegian", "nb": "Norwegian", "hu": "Hungarian", "ro": "Romanian", "id": "Indonesian",
    "bg": "Bulgarian", "fa": "Persian", "la": "Latin",
}  # fmt: skip
_CODE = regex.compile(r"```.*?(?:```|\Z)|https?://\S+|[^\p{L}\p{M}\s'’-]", regex.DOTALL)


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)


def name_of(code: str) -> str:
    """The language's name in English; the code itself where none is kept."""
    return NAMES.get(code, code)


def languages_of(documents: Sequence[Document]) -> list[str]:
    """The code (ISO 639-1) of each document's language; "" where it holds too few letters to tell.

    What the detector is not sure of counts as the corpus's most frequent language.
    """
    told = [_told(d.text) for d in documents]
    sure: Counter[str] = Counter()
    for document, (code, share) in zip(documents, told, strict=True):
        if code and share >= SURE:
            sure[code] += len(document.text)
    main = sure.most_common(1)[0][0] if sure else ""
    return [code if share >= SURE or not main else main if code else "" for code, share in told]


def main_language(codes: Sequence[str]) -> str:
    """The most frequent language; "" where none is told."""
    known = Counter(c for c in codes if c)
    return known.most_common(1)[0][0] if known else ""


def _told(text: str) -> tuple[str, float]:
    middle = max(0, (len(text) - LETTERS) // 2)
    sample = " ".join(_CODE.sub(" ", text[middle : middle + LETTERS]).split())
    if (
        sum(3 if c > _WORDY else 1 for c in sample if c.isalpha()) < LEAST
    ):  # a character of Chinese says as much as a word
        return "", 0.0
    code, share = _identifier().classify(sample)
    return str(code), float(share)
