"""Flip bytes of a store and read it: ``python -m benchmarks.flips [FLIPS]``.

Every flip must be found, so that the item is made anew, or change nothing that is read. The store holds logs, artifacts and
vectors. Half of the flips come after the vector file has been looked over, as damage in the midst of a run would.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from ragtune.errors import RagtuneError
from ragtune.models import vectors
from ragtune.models.vectors import VectorFile
from ragtune.store import Log, Store

KEYS = [f"{n:020x}" for n in range(0, 6000, 20)]


def make(folder: Path) -> None:
    """A store of two logs, two artifacts and 300 vectors."""
    store = Store(folder)
    for name in ("a", "b"):
        log = store.log("answer", name)
        for n in range(0, 60, 5):
            log.add({f"k{m}": {"text": f"answer {m} — ünïcode", "n": m / 7} for m in range(n, n + 5)})
        store.put_json("chunk", name, [{"id": n, "text": "x" * n} for n in range(40)])
    VectorFile(folder / "vectors" / "v.sqlite").keep({k: _vector(k) for k in KEYS})


def _vector(key: str) -> np.ndarray:
    return np.random.default_rng(int(key, 16)).standard_normal(24).astype(np.float32)


def read(folder: Path) -> dict[str, object]:
    """All that a run would reuse of the store, by place."""
    store, found = Store(folder), {}
    for name in ("a", "b"):
        for key, value in Log(folder / "answer" / f"{name}.jsonl").items.items():
            found[f"{name} {key}"] = value
        value = store.get_json("chunk", name)
        if value is not None:
            found[f"chunk {name}"] = value
    held = VectorFile(folder / "vectors" / "v.sqlite").known(KEYS)
    return {**found, **{f"vector {k}": v.tobytes() for k, v in held.items()}}


def flips(number: int, seed: int = 0) -> tuple[int, int, int]:
    """(flips found, flips that changed nothing, flips that changed what is read) of ``number``.

    Raises:
        AssertionError: a flip ended in anything but an item left out.
    """
    rng = random.Random(seed)
    found = harmless = wrong = 0
    with tempfile.TemporaryDirectory() as made:
        whole, hurt = Path(made) / "whole", Path(made) / "hurt"
        make(whole)
        wanted = read(whole)
        for n in range(number):
            shutil.rmtree(hurt, ignore_errors=True)
            shutil.copytree(whole, hurt)
            if n % 2:
                vectors._CHECKED.clear()
            files = sorted(p for p in hurt.rglob("*") if p.is_file())
            # half by size, half by file, so that small files are hit too
            sizes = [p.stat().st_size if n % 4 < 2 else bool(p.stat().st_size) for p in files]
            [file] = rng.choices(files, sizes)
            data = bytearray(file.read_bytes())
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            file.write_bytes(data)
            if n % 2 == 0:
                vectors._CHECKED.add(
                    (str(hurt / "vectors" / "v.sqlite"), (hurt / "vectors" / "v.sqlite").stat().st_ino)
                )
            try:
                now = read(hurt)
            except RagtuneError:
                found += 1
                continue
            if any(wanted.get(place) != value for place, value in now.items()):
                wrong += 1
                print(f"wrong: {file.relative_to(hurt)}")
            elif len(now) < len(wanted):
                found += 1
            else:
                harmless += 1
    return found, harmless, wrong


if __name__ == "__main__":
    counts = flips(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
    print("{} found, {} changed nothing, {} changed what is read".format(*counts))
    raise SystemExit(counts[2] > 0)
