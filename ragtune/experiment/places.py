"""Files that an experiment names, found again from another folder, or after a Run and its corpus have moved.

A path is looked for: as it stands, from the working folder; for an experiment file then from the file's own folder and the one
above. For a Run: from the Run folder (which finds what moved with it), where it was when the Run was made, then from the working
folder. Of several corpora that are there, the one with the Run's content is taken.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ragtune.generation.settings import is_address
from ragtune.models.names import PLUS
from ragtune.text.data import exists

#: the keys whose values are files or folders (or names of models)
_KEYS = ("path", "questions", "changes", "answers", "model", "embedder", "style", "prompt", "prompts", "corpus")
#: what holds keys of a user's own
_OTHERS = ("where", "columns")
#: a path as the experiment names it -> the same from the Run folder, and absolute
Places = Mapping[str, tuple[str, ...]]


def rewritten(data: Any, find: Callable[[str], str]) -> Any:
    """``data`` with every file or folder that it names replaced by what ``find`` makes of it."""
    if isinstance(data, list | tuple):
        return [rewritten(item, find) for item in data]
    if not isinstance(data, dict):
        return data
    served = bool(data.get("endpoint"))  # its model is a name that the server knows
    skipped = (*_OTHERS, "model") if served else _OTHERS
    return {key: value if key in skipped else _named(key, value, find) for key, value in data.items()}


def _named(key: str, value: Any, find: Callable[[str], str]) -> Any:
    if key == "system":
        return _system(value, find)
    if key == "from":  # a setup, unless it is a path
        return find(value) if isinstance(value, str) and "/" in value else value
    return _each(value, find) if key in _KEYS else rewritten(value, find)


def _each(value: Any, find: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return PLUS.join(find(part.strip()) for part in value.split(PLUS))
    return [_each(item, find) for item in value] if isinstance(value, list | tuple) else rewritten(value, find)


def _system(value: Any, find: Callable[[str], str]) -> Any:
    """``FILE.py:FUNCTION`` with its file found; an address stays."""
    if not isinstance(value, str) or is_address(value) or ":" not in value:
        return value
    path, _, name = value.rpartition(":")
    return f"{find(path)}:{name}"


def beside(file: Path) -> Callable[[str], str]:
    """How the names in an experiment file are found."""

    def find(name: str) -> str:
        if not name or _there(name):
            return name
        near = (folder / name for folder in (file.parent, file.parent / ".."))
        return next((os.path.normpath(path) for path in near if _there(str(path))), name)

    return find


def _there(name: str) -> bool:
    try:
        return exists(Path(name).expanduser())
    except RuntimeError:  # a home folder of nobody
        return False


def places_of(data: Any, run: Path) -> dict[str, tuple[str, ...]]:
    """Where the files that ``data`` names lie, for the Run folder ``run`` to keep."""
    found: dict[str, tuple[str, ...]] = {}

    def note(name: str) -> str:
        if name and _there(name):
            path = Path(name).expanduser().absolute()
            found[name] = (os.path.relpath(path, run), str(path))
        return name

    rewritten(data, note)
    return found


def candidates(name: str, places: Places, run: Path) -> Iterator[Path]:
    """Where a name of the Run may lie, in the order in which it is looked for."""
    for n, place in enumerate(places.get(name, ())):
        yield Path(os.path.normpath(run / place)) if n == 0 else Path(place)
    yield Path(name).expanduser()


def in_run(places: Places, run: Path) -> Callable[[str], str]:
    """How the names in a Run's experiment are found; those that were no files stay."""

    def find(name: str) -> str:
        if name not in places:
            return name
        return next((str(path) for path in candidates(name, places, run) if exists(path)), name)

    return find
