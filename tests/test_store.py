from __future__ import annotations

import errno
import json
import multiprocessing
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtune.errors import StoreError
from ragtune.store import Log, Store, digest, write_text, writing


def test_artifacts_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(RuntimeError), store.create("s", "k") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert store.find("s", "k") is None
    assert list((tmp_path / "s").iterdir()) == []
    store.put_json("s", "k", {"a": 1})
    assert store.has("s", "k")
    assert store.get_json("s", "k") == {"a": 1}


def test_a_cut_artifact_is_found_by_checksum_and_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put_json("s", "k", list(range(100)))
    file = tmp_path / "s" / "k" / "value.json"
    file.write_text(file.read_text()[:50])
    assert store.get_json("s", "k") is None
    assert not file.exists()
    store.put_json("s", "k", 1)
    (tmp_path / "s" / "k" / "manifest.json").write_text("{")
    assert store.find("s", "k") is None


@given(
    items=st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=30), min_size=1, max_size=8),
    cut=st.integers(0, 400),
)
@settings(max_examples=60, deadline=None)
def test_a_log_cut_anywhere_keeps_its_sound_lines(
    tmp_path_factory: pytest.TempPathFactory, items: dict[str, str], cut: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "a.jsonl"
    Log(path).add(items)
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    log = Log(path)
    assert log.items.items() <= items.items()
    assert len(log.items) >= whole[:cut].count(b"\n")
    log.add({k: items[k] for k in log.missing(items)})
    assert Log(path).items == items


def test_a_damaged_line_alone_is_lost_whatever_is_added_after(tmp_path: Path) -> None:
    log = Log(tmp_path / "a.jsonl")
    log.add({"a": 1, "b": 2, "c": 3})
    data = bytearray(log.path.read_bytes())
    data[12] ^= 1
    log.path.write_bytes(data + b"torn")
    again = Log(log.path)
    assert again.items == {"b": 2, "c": 3}
    again.add({"a": 1})
    assert Log(log.path).items == {"a": 1, "b": 2, "c": 3}


def test_a_text_with_half_a_character_is_kept(tmp_path: Path) -> None:
    log = Log(tmp_path / "a.jsonl")
    log.add({"a": "\ud83d", "b\ud83d": "\0"})
    assert Log(log.path).items == {"a": "\ud83d", "b\ud83d": "\0"}
    assert digest("\ud83d") != digest("?")


def test_an_empty_manifest_is_no_artifact(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put_json("s", "k", 1)
    (tmp_path / "s" / "k" / "manifest.json").write_text("{}")
    assert store.get_json("s", "k") is None


def _hold(path: Path, ready: object) -> None:
    with Store(path).locked():
        ready.set()  # type: ignore[attr-defined]
        time.sleep(30)


def test_two_runs_on_one_store_is_an_error(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_hold, args=(tmp_path, ready))
    process.start()
    try:
        assert ready.wait(20)
        with pytest.raises(StoreError, match=f"another run \\(process {process.pid}\\)"), Store(tmp_path).locked():
            pass
    finally:
        process.kill()
        process.join()
    with Store(tmp_path).locked():  # a killed holder leaves nothing behind
        assert (tmp_path / "lock.pid").exists()


@pytest.mark.parametrize(
    ("code", "says"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "cannot write"), (errno.EIO, "writing failed")]
)
def test_disk_errors_are_one_line(code: int, says: str) -> None:
    with pytest.raises(StoreError, match=says) as caught, writing("here"):
        raise OSError(code, "boom")
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_a_full_disk_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(tmp_path / "a.jsonl")
    log.add({"a": 1})

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="disk is full"):
        log.add({"b": 2})
    with pytest.raises(StoreError, match="disk is full"):
        write_text(tmp_path / "t", "x")
    monkeypatch.undo()
    assert Log(tmp_path / "a.jsonl").items["a"] == 1
    assert not (tmp_path / "t").exists()


def test_digest_is_stable_and_rejects_nan() -> None:
    assert digest({"b": 1, "a": 2}) == digest(json.loads('{"a": 2, "b": 1}'))
    with pytest.raises(ValueError):
        digest(float("nan"))
