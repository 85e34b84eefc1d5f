"""A piece of work is charged the memory that it held itself."""

from __future__ import annotations

import pytest

from ragtune.models import memory
from ragtune.models.memory import own_peak


def held(mb: int) -> int:
    """Take so much memory, touch it, and give it back."""
    import mmap
    import time

    with mmap.mmap(-1, mb * 10**6) as block:
        for at in range(0, len(block), 4096):
            block[at] = 1
        time.sleep(0.15)  # what is sampled must be seen
        return len(block)


@pytest.mark.parametrize("way", ["the system's", "sampled"])
def test_each_block_has_a_peak_of_its_own(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "sampled":
        monkeypatch.setattr(memory, "_set_back", lambda: False)
    elif not memory._set_back():
        pytest.skip("this system keeps no peak that can be set back")
    with own_peak("cpu") as before:
        held(1)
    with own_peak("cpu") as large:
        held(300)
    with own_peak("cpu") as small:
        held(20)
    assert large.mb - before.mb > 250
    assert large.mb - small.mb > 230
    assert small.mb > 10


def test_a_failure_ends_the_watching(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr(memory, "_set_back", lambda: False)
    before = threading.active_count()
    with pytest.raises(RuntimeError), own_peak("cpu"):
        raise RuntimeError
    assert threading.active_count() == before


def test_of_a_gpu_its_own_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    said: list[str] = []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: said.append(f"{device} set back"))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 5_000_000 if device == "cuda:1" else 0)
    with own_peak("cuda:1") as peak:
        assert said == ["cuda:1 set back"]
    assert peak.mb == 5.0
