"""SHA-256 of files, remembered, so that an unchanged file is not read again to know what it holds.

A remembered digest is taken where the file's size, times of change (of content and of inode) and inode are those it was read
with. Who writes to a file can set back the first of these times, never the second. A file that changed in the last seconds is
not remembered: within a tick of the disk's clock it may change again and look the same.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import zlib
from pathlib import Path

from ragtune.errors import StoreError
from ragtune.store import file_digest, write_text

#: nanoseconds that a file must have been left alone: the coarsest clock of a disk ticks every two seconds (FAT)
_SETTLED = 3 * 10**9

Known = tuple[int, int, int, int, str]


def user_cache() -> Path:
    """Where what is remembered of files outside of stores lies: ``$RAGTUNE_CACHE``, else ragtune's part of the user's cache."""
    if own := os.environ.get("RAGTUNE_CACHE"):
        return Path(own)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ragtune"
    except RuntimeError:  # a user without a home, as in some containers
        return Path(tempfile.gettempdir()) / "ragtune-cache"


class Digests:
    """The digests in one file of a cache. A cache that cannot be read or written is none: then every file is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _read(path)
        self._fresh = False
        self.hashed = 0

    def of(self, file: str | Path, found: os.stat_result | None = None) -> str:
        """The SHA-256 of the file, in hex; ``found`` is its status where that is known already.

        Raises:
            OSError: it cannot be read.
        """
        found = found or os.stat(file)
        place = os.path.abspath(file)
        mark = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
        known = self._known.get(place)
        if known and known[:4] == mark:
            return known[4]
        now = time.time_ns()
        sha = file_digest(Path(file))
        self.hashed += 1
        if now - max(found.st_mtime_ns, found.st_ctime_ns) > _SETTLED:
            self._known[place] = (*mark, sha)
            self._fresh = True
        return sha

    def save(self) -> None:
        """Keep what was learned since the file was read."""
        if self._fresh:
            body = json.dumps(self._known, separators=(",", ":"))
            try:
                write_text(self._path, f"{zlib.crc32(body.encode()):08x} {body}")
            except (StoreError, OSError):
                return
            self._fresh = False


def _read(path: Path) -> dict[str, Known]:
    """What the file holds; nothing where it is damaged or not there."""
    try:
        head, _, body = path.read_text("utf-8").partition(" ")
        if int(head, 16) != zlib.crc32(body.encode()):
            return {}
        return {place: (k[0], k[1], k[2], k[3], k[4]) for place, k in json.loads(body).items()}
    except (OSError, ValueError, AttributeError, TypeError, IndexError, KeyError, RecursionError):
        return {}
