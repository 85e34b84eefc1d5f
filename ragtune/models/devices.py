"""Where models run, and in what precision."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtune.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator


def quiet() -> None:
    """Keep model libraries from printing, phoning home and oversubscribing cores."""
    for name, value in {
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "TRL_EXPERIMENTAL_SILENCE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "WANDB_DISABLED": "true",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }.items():
        os.environ.setdefault(name, value)
    import logging
    import warnings

    warnings.filterwarnings("ignore", module=r"(transformers|trl|peft|torch|sentence_transformers|accelerate)\b.*")
    for name in ("transformers", "trl", "peft", "accelerate", "sentence_transformers", "datasets", "torch.distributed"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()


@dataclass(frozen=True)
class Placement:
    """Where a model runs and in what precision, resolved: never ``auto``."""

    device: str
    dtype: str


def placed(device: str = "auto", dtype: str = "auto") -> Placement:
    """What ``device`` and ``dtype`` come to on this machine."""
    found = best_device(device)
    return Placement(found, _precision(found) if dtype == "auto" else dtype)


#: what drivers of GPUs that torch computes on put into /dev on Linux (NVIDIA, its boards, AMD, Windows' subsystem)
_DRIVERS = ("nvidia*", "nvhost*", "nvmap", "kfd", "dxg")


def _bare() -> bool:
    """True where there is no driver that torch could use, which is known without the seconds of importing it."""
    return sys.platform == "linux" and not any(any(Path("/dev").glob(name)) for name in _DRIVERS)


def best_device(wanted: str = "auto") -> str:
    """``cuda`` where a GPU answers, else ``mps``, else ``cpu``; any explicit wish is kept."""
    if wanted != "auto":
        return wanted
    if _bare():
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _precision(device: str) -> str:
    """bfloat16 on GPUs that compute it, float32 elsewhere (CPUs often only emulate bfloat16)."""
    if not device.startswith("cuda"):
        return "float32"
    import torch

    return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"


def check_device(wanted: str) -> None:
    """Raises ModelError for a device that this machine does not have."""
    if wanted in ("auto", "cpu"):
        return
    import torch

    kind, _, number = wanted.partition(":")
    there = {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }
    if (number and not number.isdigit()) or int(number or 0) >= there.get(kind, 0):
        has = ", ".join(f"{k}:{n}" for k, count in there.items() for n in range(count))
        raise ModelError(f'there is no device "{wanted}" here.', fix=f"There is: {has}. Or leave it at auto.")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Python's, numpy's and torch's random numbers from ``seed``, for the length of the block."""
    import random

    import numpy as np
    import torch

    state: tuple[Any, ...] = (random.getstate(), np.random.get_state(), torch.get_rng_state())
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])
        torch.set_rng_state(state[2])
