"""Where models run, in what precision, and what memory that takes."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtune.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch


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


def best_device(wanted: str = "auto") -> str:
    """``cuda`` where a GPU answers, else ``mps``, else ``cpu``; any explicit wish is kept."""
    if wanted != "auto":
        return wanted
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


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


def best_dtype(device: str, wanted: str = "auto") -> torch.dtype:
    """bfloat16 on GPUs that compute it, float32 elsewhere (CPUs often only emulate bfloat16)."""
    import torch

    if wanted != "auto":
        found: torch.dtype = getattr(torch, wanted)
        return found
    return torch.bfloat16 if device.startswith("cuda") and torch.cuda.is_bf16_supported() else torch.float32


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


def peak_mb(device: torch.device) -> float:
    """The most memory this process has held, in MB: of the GPU where ``device`` is NVIDIA's, else resident."""
    if device.type == "cuda":
        import torch

        return float(torch.cuda.max_memory_allocated(device)) / 1e6
    status = Path("/proc/self/status")
    if status.exists():  # getrusage's figure begins at the parent's
        found = [line.split()[1] for line in status.read_text("utf-8").splitlines() if line.startswith("VmHWM:")]
        if found:
            return int(found[0]) / 1e3
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
