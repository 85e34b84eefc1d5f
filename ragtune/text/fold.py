"""Unicode folding: one spelling of what people read as the same."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import regex

_DROP = regex.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff\ufe0e\ufe0f]")
_SUPER = regex.compile(r"[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+")
_FRACTION = regex.compile(r"(?:(?<!\d)(\d++)\s?)?([\u00bc-\u00be\u2150-\u215e])")
_ALIKE = {"'": "‘’‚‛′`´ʼ＇", '"': "“”„‟«»″＂", "-": "‐‑‒–—―−﹣－"}
_QUOTES = str.maketrans({other: plain for plain, others in _ALIKE.items() for other in others})
#: scripts whose marks only help reading: accents, vowel signs
_BARE = regex.compile(r"(?<=[\p{Latin}\p{Greek}\p{Arabic}\p{Hebrew}]\p{M}*)\p{M}")


@lru_cache(maxsize=200_000)
def fold(text: str) -> str:
    """Compatible forms, one case, plain quotes and dashes, no accents of Latin and Greek, no vowel signs of Arabic and Hebrew.

    Marks that make up words elsewhere (Devanagari, Thai, Cyrillic) stay. A raised number becomes ``^n``, a fraction a decimal.
    """
    text = _DROP.sub("", text)
    text = _FRACTION.sub(lambda m: f"{float(m[1] or 0) + unicodedata.numeric(m[2]):g}", text)
    text = _SUPER.sub(lambda m: "^" + unicodedata.normalize("NFKC", m[0]), text)
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES).casefold()
    return unicodedata.normalize("NFC", _BARE.sub("", unicodedata.normalize("NFD", text)))


def whole(text: str) -> str:
    """The text with every half of a character (a lone surrogate, as an emoji cut in two leaves) as the replacement character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def any_quotes(text: str) -> str:
    """A pattern for ``text`` as it stands, with quotes and dashes of any shape."""
    classes = {plain: f"[{regex.escape(plain)}{others}]" for plain, others in _ALIKE.items()}
    return "".join(classes.get(c) or regex.escape(c) for c in text.translate(_QUOTES))
