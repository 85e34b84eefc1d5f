"""The file that keeps vectors: SQLite, a row a text, each with a checksum of its key and its numbers.

What is damaged is found and made anew; only a file that SQLite itself calls damaged is set aside, and it is never deleted.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ragtune.errors import StoreError
from ragtune.store import writing

T = TypeVar("T")
Array = npt.NDArray[np.float32]
#: how long another process that writes to the file is waited for
LOCK_SECONDS = 60.0
#: the file's user_version: of 1 on, a checksum is of key and numbers
FORM = 1
#: files that this process has looked over, by path and inode
_CHECKED: set[tuple[str, int]] = set()


class _Damaged(sqlite3.DatabaseError):
    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


class VectorFile:
    """Vectors by key.

    Raises:
        StoreError: the file cannot be read or written, or another process holds it for longer than `LOCK_SECONDS`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def known(self, keys: Sequence[str]) -> dict[str, Array]:
        """The sound vectors of those keys that the file holds."""
        return self._do(lambda db: _sound(db, keys))

    def keep(self, vectors: Mapping[str, Array]) -> None:
        """Write vectors in one transaction."""
        rows = [(key, _crc(key, v.tobytes()), v.tobytes()) for key, v in vectors.items()]

        def write(db: sqlite3.Connection) -> None:
            with db:
                db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

        self._do(write)

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        for last in (False, True):
            try:
                with closing(self._open()) as db:
                    return work(db)
            except sqlite3.DatabaseError as error:
                if last or _code(error) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    raise self._failure(error) from error
                self._set_aside()
        raise AssertionError

    def _open(self) -> sqlite3.Connection:
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=LOCK_SECONDS)
        try:
            db.text_factory = lambda raw: raw.decode("utf-8", "replace")  # a damaged key is no key, and no error
            seen = str(self.path.absolute()), self.path.stat().st_ino
            if seen not in _CHECKED:
                if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                    raise _Damaged("quick_check failed")
                _upgrade(db)
                _CHECKED.add(seen)
            return db
        except BaseException:
            db.close()
            raise

    def _set_aside(self) -> None:
        """Move the file to the first free ``NAME.damaged~N``, with the journal that would be played into its successor."""
        aside = next(p for n in count(1) if not (p := self.path.with_name(f"{self.path.name}.damaged~{n}")).exists())
        with writing(self.path):
            self.path.replace(aside)
            for end in ("-journal", "-wal", "-shm"):
                beside = self.path.with_name(self.path.name + end)
                if beside.exists():
                    beside.replace(aside.with_name(aside.name + end))

    def _failure(self, error: sqlite3.DatabaseError) -> StoreError:
        code = _code(error)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            what = f"another process has been writing to these vectors for {LOCK_SECONDS:g} s."
            return StoreError(what, where=self.path, fix="Wait for it to end and run again.")
        if code == sqlite3.SQLITE_FULL:
            return StoreError(
                "the disk is full.", where=self.path, fix="Free some space and run again; finished work is kept."
            )
        return StoreError(
            f"these vectors cannot be read or written ({error}).",
            where=self.path,
            fix="Mend that, or choose another place with --store.",
        )


def _upgrade(db: sqlite3.Connection) -> None:
    """Make the table; checksums that an earlier version made of the numbers alone are made anew where they hold."""
    db.execute("CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, crc INTEGER, data BLOB)")
    if db.execute("PRAGMA user_version").fetchone()[0] >= FORM:
        return
    with db:
        rows = db.execute("SELECT rowid, key, crc, data FROM vectors").fetchall()
        sound = [(_crc(k, d), row) for row, k, crc, d in rows if isinstance(d, bytes) and zlib.crc32(d) == crc]
        db.executemany("UPDATE vectors SET crc = ? WHERE rowid = ?", sound)
        db.execute(f"PRAGMA user_version = {FORM}")


def _sound(db: sqlite3.Connection, keys: Sequence[str]) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for at in range(0, len(keys), 500):
        part = list(keys[at : at + 500])
        marks = ",".join("?" * len(part))
        for key, crc, data in db.execute(f"SELECT key, crc, data FROM vectors WHERE key IN ({marks})", part):
            # the key is in the checksum: a damaged index may lead to another text's row
            if isinstance(data, bytes) and isinstance(key, str) and _crc(key, data) == crc:
                found[key] = np.frombuffer(data, np.float32)
    return found


def _crc(key: str, data: bytes) -> int:
    return zlib.crc32(data, zlib.crc32(key.encode("utf-8", "replace")))


def _code(error: sqlite3.DatabaseError) -> int:
    """SQLite's own primary code; 0 where the error is Python's."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
