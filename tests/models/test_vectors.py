from __future__ import annotations

import sqlite3
import zlib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.flips import flips
from ragtune.errors import StoreError
from ragtune.models import vectors
from ragtune.models.vectors import VectorFile

V = {"a": np.ones(3, np.float32), "b": np.zeros(3, np.float32)}


def test_byte_flips_are_found_or_change_nothing() -> None:
    found, harmless, wrong = flips(150)
    assert (found + harmless, wrong) == (150, 0)
    assert found > 50


def test_a_lock_is_waited_for_and_then_one_line_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "LOCK_SECONDS", 0.1)
    file = VectorFile(tmp_path / "v.sqlite")
    file.keep(V)
    other = sqlite3.connect(file.path)
    other.execute("BEGIN EXCLUSIVE")
    for work in (lambda: file.known(["a"]), lambda: file.keep(V)):
        vectors._CHECKED.clear()
        with pytest.raises(StoreError, match="another process") as caught:
            work()
        assert "\n" not in str(caught.value)
    other.rollback()
    other.close()
    assert set(file.known(["a", "b"])) == {"a", "b"}
    assert [p.name for p in tmp_path.iterdir()] == ["v.sqlite"]


def test_a_damaged_file_is_moved_not_deleted(tmp_path: Path) -> None:
    file = VectorFile(tmp_path / "v.sqlite")
    for n in (1, 2):
        file.path.write_bytes(b"no database " * n * 99)
        assert file.known(["a"]) == {}
        assert (tmp_path / f"v.sqlite.damaged~{n}").read_bytes() == b"no database " * n * 99
    file.keep(V)
    assert np.array_equal(file.known(["a"])["a"], V["a"])


def test_a_file_is_looked_over_once_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = VectorFile(tmp_path / "v.sqlite")
    file.keep(V)
    said: list[str] = []
    connect = sqlite3.connect

    def traced(*args: object, **kwargs: object) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*args, **kwargs)  # type: ignore[call-overload]
        db.set_trace_callback(said.append)
        return db

    monkeypatch.setattr(sqlite3, "connect", traced)
    vectors._CHECKED.clear()
    for _ in range(3):
        VectorFile(file.path).known(["a"])
    assert sum("quick_check" in s for s in said) == 1


def test_vectors_of_earlier_versions_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "v.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE vectors (key TEXT PRIMARY KEY, crc INTEGER, data BLOB)")
    data = V["a"].tobytes()
    db.executemany("INSERT INTO vectors VALUES (?, ?, ?)", [("a", zlib.crc32(data), data), ("b", 1, data)])
    db.commit()
    db.close()
    assert list(VectorFile(path).known(["a", "b"])) == ["a"]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "v.sqlite").mkdir()
    with pytest.raises(StoreError, match="cannot be read or written"):
        VectorFile(tmp_path / "v.sqlite").known(["a"])
