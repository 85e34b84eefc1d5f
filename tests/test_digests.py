"""Remembered digests are those of the files as they are."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from ragtune.digests import Digests, user_cache
from ragtune.models.names import _LARGE, folder_fingerprint
from ragtune.store import file_digest


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that has lain there for a while, as far as its cache can tell."""
    path = tmp_path / "a.txt"
    path.write_text("one")
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 10**11)
    return path


def test_a_file_is_read_once(old: Path, tmp_path: Path) -> None:
    first = Digests(tmp_path / "c" / "d.json")
    assert first.of(old) == first.of(old) == file_digest(old)
    first.save()
    again = Digests(tmp_path / "c" / "d.json")
    assert again.of(old, old.stat()) == file_digest(old)
    assert (first.hashed, again.hashed) == (1, 0)


@pytest.mark.parametrize("way", ["in place", "another file", "time set back", "longer"])
def test_a_changed_file_is_read_again(old: Path, tmp_path: Path, way: str) -> None:
    digests = Digests(tmp_path / "d.json")
    digests.of(old)
    before = old.stat()
    if way == "another file":
        (tmp_path / "b").write_text("two")
        (tmp_path / "b").replace(old)
    else:
        old.write_text("three" if way == "longer" else "two")
    if way != "in place":
        os.utime(old, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert digests.of(old) == file_digest(old)
    assert digests.hashed == 2


def test_what_has_just_changed_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one")
    digests = Digests(tmp_path / "d.json")
    digests.of(path)
    digests.of(path)
    assert digests.hashed == 2
    digests.save()
    assert not (tmp_path / "d.json").exists()


@pytest.mark.parametrize("damage", ["", "x", "00000000 {}", None])
def test_a_damaged_cache_is_none(old: Path, tmp_path: Path, damage: str | None) -> None:
    place = tmp_path / "d.json"
    first = Digests(place)
    first.of(old)
    first.save()
    text = place.read_text()
    place.write_text(text.replace(file_digest(old)[:8], "0" * 8) if damage is None else damage)
    again = Digests(place)
    assert again.of(old) == file_digest(old)
    assert again.hashed == 1


def test_a_cache_that_cannot_be_written_is_done_without(old: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    digests = Digests(tmp_path / "file" / "d.json")
    assert digests.of(old) == file_digest(old)
    digests.save()


def test_a_large_model_is_known_by_its_content(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragtune.models.names._LARGE", 10)
    monkeypatch.setenv("RAGTUNE_CACHE", str(tmp_path / "cache"))
    assert user_cache() == tmp_path / "cache"
    model = tmp_path / "m"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"weights " * 9)
    key = folder_fingerprint(model)
    calls = []
    monkeypatch.setattr("ragtune.digests.file_digest", lambda path: calls.append(path) or file_digest(path))
    assert folder_fingerprint(model) == key
    assert not calls  # the weights are not read again
    shutil.copytree(model, tmp_path / "copy", copy_function=shutil.copyfile)
    assert folder_fingerprint(tmp_path / "copy") == key  # other times, the same content
    (model / "model.safetensors").write_bytes(b"weightz " * 9)
    assert folder_fingerprint(model) != key
    assert _LARGE < 500e6
