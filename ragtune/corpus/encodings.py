"""Bytes to text: what is marked or declared is believed, UTF-8 comes first, and few bytes are never guessed at."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from ragtune.errors import CorpusError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
#: what every text holds, read the right way round
_COMMON = re.compile(r"[ -~\n\u3000-\u3002\uff0c]")
#: categories of Unicode that no text holds: controls, surrogates, private, unassigned
_NO_TEXT = ("Cc", "Cs", "Co", "Cn")
#: words wholly of bytes beyond ASCII: no Western language writes them, every other one does
_FOREIGN = re.compile(rb"[\x80-\xff](?:[\x40-\x7e]?[\x80-\xff]){3,}")
_FEW = 12
_OTHERS = "gb18030 cp932 euc_kr euc_jp big5 cp1251 koi8_r cp1253 cp1255 cp1256".split()
#: share of disorder (charset-normalizer's ``chaos``) up to which its finding is believed
_CHAOS = 0.1
_CHARSET = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)


@dataclass(frozen=True)
class Text:
    """A text and the encoding that its bytes were read in; ``unreadable`` counts bytes that are none of it."""

    text: str
    encoding: str
    unreadable: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What to say of it: nothing for whole UTF-8."""
        said = "windows-1252" if self.encoding == "cp1252" else self.encoding
        more = f", {self.unreadable} byte(s) of it unreadable" if self.unreadable else ""
        return () if said == "utf-8" and not more else (f"read as {said}{more}",)


def read_text(data: bytes, where: Path | str, markup: bool = False) -> Text:
    """UTF-8 with or without mark, UTF-16 and 32 by mark or zero bytes, what ``markup`` declares, else windows-1252.

    Another encoding is taken only where many words are wholly of bytes beyond ASCII and a detector is sure.

    Raises:
        CorpusError: the bytes are no text.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(name, "replace")
            return Text(text, name.removesuffix("-le").removesuffix("-be"), text.count("\ufffd"))
    if b"\x00" in data:
        return _with_zeros(data, where)
    try:
        return Text(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return (markup and _declared(data)) or _mostly_utf8(data) or _detected(data) or _western(data)


def decode(data: bytes, where: Path | str) -> str:
    """The text of `read_text`."""
    return read_text(data, where).text


def _with_zeros(data: bytes, where: Path | str) -> Text:
    found = []
    for name in _WIDE:
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        head = text[:4096]
        if all(c in "\t\n\r\f\v\x85" or unicodedata.category(c) not in _NO_TEXT for c in head):
            found.append((len(_COMMON.findall(head)), Text(text, name)))
    best = max(found, key=lambda f: f[0], default=None)
    if best and best[0]:
        return best[1]
    try:
        return Text(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        raise CorpusError("this is not text.", where=where, fix="Remove the file or give it its true suffix.") from None


def _declared(data: bytes) -> Text | None:
    match = _CHARSET.search(data[:2048])
    try:
        name = codecs.lookup(match[1].decode()).name if match else "utf-8"
        if name == "utf-8":
            return None
        if name in ("iso8859-1", "ascii"):
            return _western(data)  # as browsers do
        text = data.decode(name, "replace")
    except (LookupError, UnicodeError):
        return None
    return Text(text, name, text.count("\ufffd"))


def _mostly_utf8(data: bytes) -> Text | None:
    """UTF-8 with a few bytes broken: where far more characters are whole."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = sum(c > "\x7f" for c in text) - broken
    return Text(text, "utf-8", broken) if whole >= 10 * broken else None


def _detected(data: bytes) -> Text | None:
    foreign = sum(len(word) for word in _FOREIGN.findall(data))
    beyond = sum(b > 0x7F for b in data)
    if foreign < max(_FEW, beyond / 2):
        return None
    from charset_normalizer import from_bytes

    best = from_bytes(data, cp_isolation=_OTHERS).best()
    return Text(str(best), best.encoding) if best is not None and best.chaos <= _CHAOS else None


def _western(data: bytes) -> Text:
    try:
        return Text(data.decode("cp1252"), "cp1252")
    except UnicodeDecodeError:  # five of its bytes are nothing
        text = data.decode("cp1252", "replace")
        return Text(text, "cp1252", text.count("\ufffd"))
