"""Where trainings run, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ragtune.tuning.beside import run_beside
from ragtune.tuning.job import Load, Storing, TuneJob


class Runner(Protocol):
    """Trains jobs and stores each; returns how often it loaded a base itself. Adding one is a file and a line."""

    def __call__(
        self, jobs: Sequence[tuple[TuneJob, Storing]], processes: int, load: Load, tick: Callable[[int], None]
    ) -> int: ...


def run_here(jobs: Sequence[tuple[TuneJob, Storing]], processes: int, load: Load, tick: Callable[[int], None]) -> int:
    """One after the other in this process, on the base that ``load`` gives."""
    for job, store in jobs:
        store(lambda out, scratch, job=job: job.run(load(job), out, scratch, tick))  # type: ignore[misc]
    return 0


RUNNERS: dict[str, Runner] = {"here": run_here, "beside": run_beside}
