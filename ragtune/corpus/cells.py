"""Values of rows as texts: numbers and truth values are texts too, nothing is nothing, and names of files mean one file."""

from __future__ import annotations

import ast
import json
import math
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

T = TypeVar("T")


def is_nothing(value: Any) -> bool:
    """None, and the NaN that table programs write for an empty cell."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def as_text(value: Any) -> str | None:
    """A text, number, date or truth value as text (``0`` is "0", ``false`` "false"); None for nothing and for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, date | Decimal):
        return str(value)
    if is_nothing(value) or not isinstance(value, bool | int | float):
        return None
    return json.dumps(value)


def listed(value: Any) -> Any:
    """A list that was written as text, by JSON or by Python (``"['a', 'b']"``), as a list; anything else as it is."""
    if not isinstance(value, str) or not (value.strip()[:1] == "[" and value.strip()[-1:] == "]"):
        return value
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(found, list):
            return found
    return value


def file_name(name: str) -> str:
    """A document's id however its system writes it: accents as one sign (macOS parts them), slashes (Windows turns them)."""
    return unicodedata.normalize("NFC", name).replace("\\", "/").removeprefix("./")


def by_name(items: Mapping[str, T], name: Any) -> T | None:
    """The item of that name: as written, else as `file_name` reads it."""
    said = as_text(name) or ""
    if said in items:
        return items[said]
    wanted = file_name(said)
    return items.get(wanted) or next((item for key, item in items.items() if file_name(key) == wanted), None)
