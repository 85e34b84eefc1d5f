"""Text is normalised once, on reading; every offset in ragtune counts characters of the result."""

from __future__ import annotations

import re
import unicodedata

_DROP = dict.fromkeys(
    [*range(0x09), 0x0B, 0x0E, *range(0x0F, 0x20), 0x7F, 0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, 0xFFFE]
)
_BREAKS = re.compile(r"\r\n?|\x0c|\u2028|\u2029|\x85")
_SPACES = re.compile(r"[\t\u00a0\u1680\u2000-\u200a\u202f\u205f]")


def normalise(text: str) -> str:
    """NFC; ``\\n`` line ends; plain spaces; no control characters, line-end spaces or runs of blank lines.

    Normalising twice gives the same text as normalising once.
    """
    text = _BREAKS.sub("\n", text)
    text = _SPACES.sub(" ", text).translate(_DROP)
    text = unicodedata.normalize("NFC", text)
    text = "\n".join(line.rstrip(" ") for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()
