"""What reading a file gives, and the metadata that stands at its top."""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass
from typing import Any

from ragtune.records import Document
from ragtune.text.data import Unreadable, finite, read_yaml

#: a front matter's key is a name, no sentence that happens to hold a colon
_KEY_WORDS, _KEY_LETTERS = 3, 40
#: a line of metadata that cannot be prose: a key in small letters, or what hangs below one
_KEYED = re.compile(r"[a-z][\w-]*:(?:\s|$)|\s+\S|- ")


@dataclass(frozen=True)
class Reading:
    """The Documents of one file; ``notes`` say what was read in another way than written, or not at all."""

    documents: tuple[Document, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Front:
    """A text without the metadata at its top."""

    body: str
    metadata: dict[str, Any]
    notes: tuple[str, ...] = ()


def plain(value: Any) -> Any:
    """Metadata as JSON types: dates and other YAML objects become text."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not finite(value):
        return hex(value)  # a text, since Python writes no number of thousands of digits
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def front_matter(text: str) -> Front:
    """A text that may begin with YAML between ``---`` lines or TOML between ``+++`` lines.

    A rule, a blank line and prose up to the next rule are text, as whatever does not name a key in small letters on
    every line; so is a block that cannot be read, which the notes say.
    """
    lines = text.split("\n")
    mark = lines[0].rstrip()
    if mark not in ("---", "+++") or len(lines) < 2:
        return Front(text, {})
    ends = ("---", "...") if mark == "---" else ("+++",)
    last = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() in ends), 0)
    if not last:
        return Front(text, {})
    block, kind = "\n".join(lines[1:last]), "YAML" if mark == "---" else "TOML"
    if kind == "YAML" and not lines[1].strip() and not all(_KEYED.match(line) for line in block.strip().split("\n")):
        return Front(text, {})
    try:
        data = read_yaml(block)[0] if kind == "YAML" else tomllib.loads(block)
    except (ValueError, RecursionError) as error:
        at = error.line if isinstance(error, Unreadable) else 0
        where = f" (line {at + 1})" if at else ""
        return Front(text, {}, (f"the block at the top is no valid {kind}{where}: kept as text",))
    if data is None:
        return Front("\n".join(lines[last + 1 :]), {})
    if not isinstance(data, dict):
        return Front(text, {})
    if any(len(str(k)) > _KEY_LETTERS or len(str(k).split()) > _KEY_WORDS for k in data):
        return Front(text, {}, ("the block at the top reads as prose, not as metadata: kept as text",))
    return Front("\n".join(lines[last + 1 :]), plain(data))
