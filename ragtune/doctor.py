"""``ragtune doctor``: versions, devices, bundled models verified, what extras add."""

from __future__ import annotations

import importlib.util
import platform
from importlib import metadata
from pathlib import Path

from ragtune.errors import RagtuneError
from ragtune.models.bundled import BUNDLED
from ragtune.models.names import resolve
from ragtune.models.packages import PACKAGED, source_of

EXTRAS = {
    "cpu": (("faiss",), "FAISS on the CPU"),
    "gpu": (("faiss",), "FAISS on NVIDIA GPUs (instead of cpu)"),
    "ragas": (("ragas",), "the ragas library's own metrics"),
    "speed": (("numba",), "faster BM25 on large corpora"),
    "dev": (("pytest", "mypy", "ruff", "hypothesis"), "tests, types, lint"),
}
PACKAGES = (
    "torch",
    "transformers",
    "sentence-transformers",
    "peft",
    "trl",
    "faiss-cpu",
    "faiss-gpu",
    "bm25s",
    "pandas",
    "numpy",
)


def _faiss_kind() -> str:
    for name in ("faiss-gpu", "faiss-cpu"):
        try:
            return f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
    return "no FAISS: install the extra cpu or gpu"


def report() -> tuple[list[str], bool]:
    """(lines to print, whether everything needed is there)."""
    ok = True
    lines = [
        f"ragtune {metadata.version('ragtune')}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        "",
        "Packages",
    ]
    for name in PACKAGES:
        try:
            lines.append(f"  {name:<24}{metadata.version(name)}")
        except metadata.PackageNotFoundError:
            if not name.startswith("faiss"):
                ok = False
                lines.append(f"  {name:<24}missing: run `make quickstart`")
    lines += ["", "Devices"]
    try:
        import torch

        gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        lines.append(f"  {'CPU threads':<24}{torch.get_num_threads()}")
        lines.append(f"  {'GPU':<24}{', '.join(gpus) if gpus else 'none'}")
    except ImportError:
        lines.append("  torch does not import")
        ok = False
    lines.append(f"  {'FAISS':<24}{_faiss_kind()}")
    lines += ["", "Bundled models"]
    for name in BUNDLED:
        try:
            ref = resolve(name)
            size = sum(p.stat().st_size for p in Path(ref.location).rglob("*.safetensors")) / 1e6
            lines.append(f"  {name:<24}verified ({size:.0f} MB, {ref.fingerprint})")
        except RagtuneError as error:
            ok = False
            lines.append(f"  {name:<24}{error}")
    for name in PACKAGED:
        try:
            size = source_of(name).stat().st_size / 1e6
            lines.append(f"  {name:<24}verified ({size:.0f} MB; unpacked when it is first used)")
        except RagtuneError as error:
            ok = False
            lines.append(f"  {name:<24}{error}")
    lines.append(f"  {'bundled:late-interaction':<24} uses the embedder's own tokens; nothing to verify")
    lines += ["", "Extras"]
    for name, (modules, what) in EXTRAS.items():
        there = all(importlib.util.find_spec(m) for m in modules)
        if name in ("cpu", "gpu"):
            there = _faiss_kind().startswith(f"faiss-{name}")
        lines.append(f"  {name:<24}{'installed' if there else 'not installed':<16}{what}")
    lines += ["", "All that is needed is there." if ok else "Something is missing: see the lines above."]
    return lines, ok
