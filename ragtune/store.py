"""The artifact store: every stage's result under the hash of what made it.

Two shapes, both safe against ``kill -9`` and both checked when read:

* an **artifact** is a folder of files, written aside and renamed into place, with a SHA-256 per file;
* a **log** is a file of one JSON line per item, each with its own checksum, appended batch by batch. A torn
  last line is cut away and a damaged one skipped; items found are never computed again.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ragtune.errors import StoreError

T = TypeVar("T")
DIGEST = 20  # hex digits of a key: 80 bits


def dumps(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(*values: Any) -> str:
    """The hash of JSON-able values."""
    return hashlib.sha256(dumps(values).encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST]


def file_digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@functools.lru_cache(maxsize=64)
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def encode(record: Any) -> Any:
    """A record (a dataclass of records, texts, numbers, tuples and mappings) as plain JSON types."""
    kind: Any = type(record)
    return _adapter(kind).dump_python(record, mode="json")


def decode(kind: type[T], data: Any, strict: bool = False) -> T:
    """The record of type ``kind`` that `encode` made into ``data``; ``strict`` takes no text or truth value for a number.

    Raises:
        ValueError: ``data`` is no such record.
    """
    wanted: Any = kind
    adapter = _adapter(wanted)
    found: T = adapter.validate_json(json.dumps(data), strict=True) if strict else adapter.validate_python(data)
    return found


@contextmanager
def writing(what: object) -> Iterator[None]:
    """Turn operating-system errors of a write into one line for the user."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(
                "the disk is full.", where=what, fix="Free some space and run again; finished work is kept."
            ) from error
        if isinstance(error, FileExistsError | NotADirectoryError):
            raise StoreError(
                "a file stands where a folder is needed.", where=what, fix="Choose another place with --store or --out."
            ) from error
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            raise StoreError(
                f"cannot write ({error.strerror}).", where=what, fix="Choose another folder with --store or --out."
            ) from error
        raise StoreError(
            f"writing failed ({error.strerror or error}).", where=what, fix="Run again; finished work is kept."
        ) from error


@contextmanager
def reading(what: object) -> Iterator[None]:
    """Turn operating-system errors of a read into one line for the user."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot be read ({error.strerror or error}).", where=what, fix="Mend that and run again."
        ) from error


def refuse_place(path: Path | None) -> None:
    """Raises StoreError where no file can be written at ``path``: a folder stands there, or a file on the way to it."""
    if path is None:
        return
    if path.is_dir():
        raise StoreError("this is a folder; a file is to be written.", where=path, fix="Name a file in it.")
    above = next((folder for folder in path.parents if folder.exists()), Path())
    if not above.is_dir():
        raise StoreError(f"{above} is a file, not a folder.", where=path, fix="Choose another place.")


def write_text(path: Path, text: str) -> None:
    """Replace a file's content in one step: readers see the old text or the new, never half.

    Raises:
        StoreError: ``path`` is a folder, or the disk says no.
    """
    refuse_place(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with aside.open("w", encoding="utf-8", newline="\n") as handle:
                handle.write(text)
                handle.flush()
                os.fsync(handle.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


class Store:
    """A folder of artifacts and logs. One run at a time may write to it (``locked``); each log is read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._logs: dict[tuple[str, str], Log] = {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store for writing; a second run is told who holds it.

        Raises:
            StoreError: another process holds the lock.
        """
        from filelock import FileLock, Timeout

        with writing(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / "lock")
        owner = self.root / "lock.pid"
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            pid = owner.read_text() if owner.exists() else "?"
            raise StoreError(
                f"another run (process {pid}) is using this store.",
                where=self.root,
                fix="Wait for it to end, or give --store another folder.",
            ) from error
        self._logs.clear()  # another run may have written since they were read
        try:
            with writing(owner):
                owner.write_text(str(os.getpid()))
            yield
        finally:
            lock.release()

    # --- artifacts -------------------------------------------------------------------------------------

    def path(self, stage: str, key: str) -> Path:
        return self.root / stage / key

    def find(self, stage: str, key: str) -> Path | None:
        """The artifact's folder, or None if it is absent or fails its checksums (then it is removed)."""
        folder = self.path(stage, key)
        try:
            manifest: dict[str, str] = json.loads((folder / "manifest.json").read_text("utf-8"))
            if manifest and all(file_digest(folder / name) == sha for name, sha in manifest.items()):
                return folder
        except FileNotFoundError:
            if not folder.exists():
                return None
        except (OSError, ValueError, AttributeError, TypeError):
            pass
        shutil.rmtree(folder, ignore_errors=True)
        return None

    def has(self, stage: str, key: str) -> bool:
        return (self.path(stage, key) / "manifest.json").exists()

    @contextmanager
    def create(self, stage: str, key: str) -> Iterator[Path]:
        """A folder to write an artifact into; it appears under its key when the block ends without error."""
        folder = self.path(stage, key)
        aside = folder.with_name(f".{key}.tmp")
        with writing(folder):
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
            try:
                yield aside
                files = sorted(p for p in aside.rglob("*") if p.is_file())
                manifest = {p.relative_to(aside).as_posix(): file_digest(p) for p in files}
                (aside / "manifest.json").write_text(dumps(manifest), "utf-8")
                shutil.rmtree(folder, ignore_errors=True)
                aside.replace(folder)
            except BaseException:
                shutil.rmtree(aside, ignore_errors=True)
                raise

    def put_json(self, stage: str, key: str, value: Any) -> None:
        with self.create(stage, key) as folder:
            (folder / "value.json").write_text(json.dumps(value, ensure_ascii=False, sort_keys=True), "utf-8")

    def get_json(self, stage: str, key: str) -> Any | None:
        folder = self.find(stage, key)
        return None if folder is None else json.loads((folder / "value.json").read_text("utf-8"))

    def scratch(self, stage: str, key: str) -> Path:
        """A folder that survives a kill, for a stage's own checkpoints; remove it when the stage is stored."""
        folder = self.root / stage / f"{key}.partial"
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def log(self, stage: str, key: str) -> Log:
        """The log of a stage; the same object whenever it is asked for again."""
        log = self._logs.get((stage, key))
        if log is None or log.outdated:
            log = self._logs[stage, key] = Log(self.root / stage / f"{key}.jsonl")
        return log


class Log:
    """Append-only items by key. Lines are ``crc32 hex, space, JSON [key, value]``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.items: dict[str, Any] = {}
        self._sound = self._size = 0
        if path.exists():
            self._read()

    def _read(self) -> None:
        with reading(self.path):
            raw = self.path.read_bytes()
        *lines, tail = raw.split(b"\n")
        for line in lines:
            head, _, body = line.partition(b" ")
            try:
                if int(head, 16) == zlib.crc32(body):  # a damaged line alone is lost, and computed again
                    key, value = json.loads(body)
                    self.items[key] = value
            except (ValueError, TypeError):
                continue
        self._sound = len(raw) - len(tail)
        self._torn = bool(tail)
        self._size = len(raw)

    _torn = False

    @property
    def outdated(self) -> bool:
        """Another process has written to the file since it was read."""
        size = self.path.stat().st_size if self.path.exists() else 0
        return size != self._size

    def missing(self, keys: Iterable[str]) -> list[str]:
        return [key for key in dict.fromkeys(keys) if key not in self.items]

    def add(self, items: Mapping[str, Any]) -> None:
        """Append items in one write and make them durable."""
        lines = []
        for key, value in items.items():
            body = dumps([key, value]).encode("utf-8", "surrogatepass")
            lines.append(b"%08x %s\n" % (zlib.crc32(body), body))
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self._torn:
                os.truncate(self.path, self._sound)
                self._torn = False
            with self.path.open("ab") as handle:
                handle.write(b"".join(lines))
                handle.flush()
                os.fsync(handle.fileno())
        self._sound += sum(map(len, lines))
        self._size = self._sound
        self.items.update({key: json.loads(dumps(value)) for key, value in items.items()})
