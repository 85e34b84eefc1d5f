"""Trainings side by side: each in a process of its own, with its share of the cores.

A small model cannot keep several cores busy with one training (its matrices are too small to share out), so on a
CPU two trainings next to each other end sooner than one after the other. Each process loads the base once.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

from ragtune.errors import ExperimentError, RagtuneError
from ragtune.store import decode, encode
from ragtune.tuning.job import Load, Storing, TuneJob
from ragtune.tunings import TuneCost


class _Worker:
    """A process that trains what it is told; it ends when this process does, however that ends."""

    def __init__(self, share: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ragtune.tuning.worker", str(share)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def train(self, job: TuneJob, out: Path, scratch: Path, tick: Callable[[int], None]) -> TuneCost:
        """Raises what the worker met, as the same one line; ExperimentError where it was killed."""
        assert self._process.stdin
        assert self._process.stdout
        told = scratch / "job.json"
        told.write_text(json.dumps(encode(job)), "utf-8")
        try:
            self._process.stdin.write(json.dumps([str(told), str(out), str(scratch)]) + "\n")
            self._process.stdin.flush()
            for line in self._process.stdout:
                said = json.loads(line)
                if "cost" in said:
                    return decode(TuneCost, said["cost"])
                if "error" in said:
                    raise (OSError(*said["os"]) if "os" in said else RagtuneError(said["error"]))
                tick(said["steps"])
        except BrokenPipeError:
            pass
        raise ExperimentError(
            "a process that trained an adapter was ended from outside.",
            fix="Free memory or set processes: 1, and run again to go on.",
        )

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(OSError):  # what the ended process had not yet read
                    pipe.close()


def run_beside(jobs: Sequence[tuple[TuneJob, Storing]], processes: int, load: Load, tick: Callable[[int], None]) -> int:
    """Train ``jobs``, ``processes`` of them at a time, in order. Returns how often a base was loaded.

    Raises:
        RagtuneError: the first failure; trainings under way are broken off, their checkpoints stay.
    """
    todo: queue.SimpleQueue[tuple[TuneJob, Storing]] = queue.SimpleQueue()
    for job in jobs:
        todo.put(job)
    one_at_a_time = threading.Lock()
    failed = threading.Event()
    loaded: set[tuple[int, str, str, str]] = set()

    def say(steps: int) -> None:
        with one_at_a_time:
            tick(steps)

    def work(number: int) -> None:
        try:
            while not failed.is_set():
                job, store = todo.get_nowait()
                loaded.add((number, job.model.fingerprint, job.device, job.dtype))
                store(lambda out, scratch, job=job: workers[number].train(job, out, scratch, say))  # type: ignore[misc]
        except queue.Empty:
            return
        except BaseException:
            failed.set()
            raise

    workers = [_Worker(processes) for _ in range(processes)]
    try:
        with ThreadPoolExecutor(processes) as pool:
            try:
                running = [pool.submit(work, n) for n in range(processes)]
                for future in wait(running, return_when=FIRST_EXCEPTION).done:
                    future.result()
            except BaseException:  # an error, or the user's Ctrl-C: do not wait for the others
                failed.set()
                for worker in workers:
                    worker.end()
                raise
    finally:
        for worker in workers:
            worker.end()
    return len(loaded)
