"""PDF: the text layer, with lines joined that the page broke."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from ragtune.corpus.normalise import normalise
from ragtune.corpus.reading import Reading
from ragtune.errors import CorpusError
from ragtune.models.names import resolve
from ragtune.records import Document

_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_SOFT = re.compile("\u00ad[ \t]*\n?")
_HYPHEN = re.compile(r"(?<!\w)([^\W\d_]++)[-‐][ \t]*\n[ \t]*([^\W\d_]++)")
_WRAPPED = re.compile(r"(?<=[a-z,;])[ \t]*\n(?=[a-z(])")
#: titles that a program gave: the file's name, or none
_NO_TITLE = re.compile(
    r"(?:microsoft (?:word|powerpoint|excel) - .*|untitled.*|document ?\d*|\(?anonymous\)?|.*\.(?:docx?|dotx?|odt|rtf|pptx?|xlsx?|indd|tex|dvi|pdf|html?))",
    re.IGNORECASE,
)


def read_pdf(path: Path, doc_id: str) -> Reading:
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise CorpusError("this PDF needs a password.", where=path, fix="Save it without one.")
        pages = [page.extract_text() or "" for page in reader.pages]
        title = _title(reader.metadata)
    except CorpusError:
        raise
    except Exception as error:  # pypdf raises many kinds of error on broken files
        raise CorpusError(
            f"this PDF cannot be read ({error}).", where=path, fix="Export it again or remove it."
        ) from error
    metadata = {**({"title": title} if title else {}), "pages": len(pages)}
    empty = [str(n) for n, page in enumerate(pages, 1) if not page.strip()]
    more = f" and {len(empty) - 10} more" if len(empty) > 10 else ""
    note = f"page(s) {', '.join(empty[:10])}{more} of {len(pages)} hold no text (scanned pages need text recognition)"
    return Reading((Document(doc_id, normalise(unwrap("\n\n".join(pages))), metadata),), (note,) if empty else ())


def _title(info: Any) -> str:
    title = " ".join(str(info.title).split()) if info and info.title else ""
    return "" if _NO_TITLE.fullmatch(title) else title


def unwrap(text: str) -> str:
    """Join the lines that a page broke inside a sentence; ligatures become letters, soft hyphens go.

    A hyphen at a line's end goes where the word without it is known, or a part of it alone is no word.
    """
    text = _SOFT.sub("", text.translate(_LIGATURES))
    if _HYPHEN.search(text):
        known = {w.lower() for w in re.findall(r"[^\W\d_]+", _HYPHEN.sub(" ", text))}
        text = _HYPHEN.sub(lambda m: _rejoined(m[1], m[2], known), text)
    return _WRAPPED.sub(" ", text)


def _rejoined(left: str, right: str, known: set[str]) -> str:
    def is_word(text: str) -> bool:
        return text.lower() in known or text.lower() in _common_words()

    if right[0].isupper() or (not is_word(left + right) and is_word(left) and is_word(right)):
        return f"{left}-{right}"
    return left + right


@lru_cache(maxsize=1)
def _common_words() -> frozenset[str]:
    """Whole words of the bundled embedder's vocabulary."""
    from tokenizers import Tokenizer

    vocabulary = Tokenizer.from_file(str(Path(resolve("bundled:minilm").location) / "tokenizer.json")).get_vocab()
    return frozenset(word for word in vocabulary if len(word) > 2 and word.isalpha())
