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
    """Files below ``folder`` that are documents, in the order of their names; hidden ones and what lies in hidden folders are none.

    Links are followed to documents inside ``folder`` alone: a corpus that somebody sends reads no other file of this machine.
    """
    found = {e[0]: (e[1].path, e[1].stat()) for e in _walk(folder) if _is_file(e[1]) and not _leads_out(e[1], folder)}
    names = sorted((n for n in found if not n.endswith(SIDE)), key=lambda n: n.split("/"))
    sides = {n: found[n + SIDE][1] for n in names if n + SIDE in found and not os.path.islink(found[n + SIDE][0])}
    return [Listed(n, Path(found[n][0]), found[n][1], sides.get(n)) for n in names]


def links_out(folder: Path) -> list[str]:
    """Links below ``folder`` that lead out of it, from the folder on."""
    return sorted(name for name, entry in _walk(folder) if _leads_out(entry, folder))


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # links that go round in a circle
        return False


def _leads_out(entry: os.DirEntry[str], folder: Path) -> bool:
    return entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(folder.resolve())


def _walk(folder: Path, name: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Files and links in a folder and in those below it, each with its name from there on; links are not gone into."""
    try:
        with os.scandir(folder) as entries:
            held = [e for e in entries if not e.name.startswith(".")]
    except PermissionError:
        return
    for entry in held:
        own = f"{name}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), own + "/")
        else:
            yield own, entry
