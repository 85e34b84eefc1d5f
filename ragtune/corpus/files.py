"""The files of a corpus folder that are documents, with what the disk says of each, asked once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: ``x.pdf.meta.json`` is metadata of ``x.pdf``
SIDE = ".meta.json"


@dataclass(frozen=True, slots=True)
class Listed:
    """A document's file: ``name`` from the folder on, with slashes; ``side`` is the status of the metadata beside it, if any."""

    name: str
    path: Path
    status: os.stat_result
    side: os.stat_result | None


def listed(folder: Path) -> list[Listed]:
    """Files below ``folder`` that are documents, in the order of their names; hidden ones and what lies in hidden folders are none."""
    found = {name: (place, status) for name, place, status in _walk(str(folder), "")}
    names = sorted((n for n in found if not n.endswith(SIDE)), key=lambda n: n.split("/"))
    sides = {name: found[name + SIDE][1] for name in names if name + SIDE in found}
    return [Listed(n, Path(found[n][0]), found[n][1], sides.get(n)) for n in names]


def _walk(folder: str, name: str) -> Iterator[tuple[str, str, os.stat_result]]:
    """(name, place, status) of the files of a folder and of those below it, links to folders left out."""
    try:
        with os.scandir(folder) as entries:
            held = [e for e in entries if not e.name.startswith(".")]
    except PermissionError:
        return
    for entry in held:
        own = f"{name}{entry.name}"
        if entry.is_file():
            yield own, entry.path, entry.stat()
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, own + "/")
