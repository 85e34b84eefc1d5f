"""A piece of work is charged the memory that it held itself."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ragtune.models import memory
from ragtune.models.memory import own_peak

#: what a process of its own measures: three blocks that take 1, 300 and 20 MB, touch them, and give them back
BLOCKS = """
import json, mmap, sys, time
from ragtune.models import memory

if sys.argv[1] == "sampled":
    memory._set_back = lambda: False
elif not memory._set_back():
    raise SystemExit("no peak that can be set back")
found = []
for mb in (1, 300, 20):
    with memory.own_peak("cpu") as peak, mmap.mmap(-1, mb * 10**6) as block:
        for at in range(0, len(block), 4096):
            block[at] = 1
        time.sleep(0.15)  # what is sampled must be seen
    found.append(peak.mb)
print(json.dumps(found))
"""


@pytest.mark.parametrize("way", ["the system's", "sampled"])
def test_each_block_has_a_peak_of_its_own(way: str) -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKS, way], capture_output=True, text=True, check=False)
    if "no peak that can be set back" in done.stderr:
        pytest.skip("this system keeps no peak that can be set back")
    assert done.returncode == 0, done.stderr
    before, large, small = json.loads(done.stdout)
    assert large - before > 250
    assert large - small > 230
    assert small > 10


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
