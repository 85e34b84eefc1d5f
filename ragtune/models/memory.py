"""The most memory that one piece of work held, whatever this process held before it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
#: seconds between two looks where the system keeps no peak that can be set back
_EVERY = 0.05


@dataclass
class Peak:
    """The peak in MB, known when the block ends: of the GPU's memory, else resident (what was held already counts with it)."""

    mb: float = 0.0


@contextmanager
def own_peak(device: str) -> Iterator[Peak]:
    """Watch the memory of the block. Peaks of the process (of the GPU) are set back for that, so blocks must not overlap."""
    peak = Peak()
    with _gpu(peak, device) if device.startswith("cuda") else _resident(peak) if _set_back() else _sampled(peak):
        yield peak


@contextmanager
def _gpu(peak: Peak, device: str) -> Iterator[None]:
    import torch

    torch.cuda.reset_peak_memory_stats(device)
    yield
    peak.mb = torch.cuda.max_memory_allocated(device) / 1e6


def _set_back() -> bool:
    """Linux: let the peak begin anew at what is held now; False where that cannot be done."""
    try:
        _RESET.write_text("5")
    except OSError:
        return False
    return _high_water() > 0


def _high_water() -> float:
    """Linux: the peak of resident memory in MB, 0 where the system does not tell."""
    lines = _STATUS.read_text("utf-8").splitlines() if _STATUS.exists() else []
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")), 0.0)


@contextmanager
def _resident(peak: Peak) -> Iterator[None]:
    yield
    peak.mb = _high_water()


@contextmanager
def _sampled(peak: Peak) -> Iterator[None]:
    """Look every now and then: a peak shorter than that may be missed."""
    import psutil  # comes with accelerate

    process, ended = psutil.Process(), threading.Event()

    def look() -> None:
        peak.mb = max(peak.mb, process.memory_info().rss / 1e6)

    def watch() -> None:
        while not ended.wait(_EVERY):
            look()

    look()
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        look()
