"""What the tunings that are left will take: seconds and memory, by a trial of each kind before it starts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ragtune.experiment.measure import untuned
from ragtune.experiment.progress import clock
from ragtune.experiment.spec import Setup
from ragtune.experiment.tune import is_ready, needed_hits, tune_job, tune_key
from ragtune.experiment.workbench import Workbench
from ragtune.text.counts import counted


@dataclass(frozen=True)
class Forecast:
    """Of the ``tunings`` that are left: seconds of all of them one after the other, and the most memory that one will hold."""

    tunings: int
    seconds: float
    memory_mb: float

    def __str__(self) -> str:
        return (
            f"{counted(self.tunings, 'tuning')} left: about {clock(self.seconds)} of training, up to {self.memory_mb / 1000:.1f} GB of memory "
            "(by a trial of a few batches on this machine)."
        )


def forecast(bench: Workbench, wanted: Iterable[tuple[str, int]]) -> Forecast | None:
    """What the adapters that the store lacks of ``wanted`` (setup, seed) will take; None where none is lacking.

    What hangs on answers that are not there yet (a teacher's, or those of a model that is still to be tuned) is left out. Trainings
    of one setup under several seeds are tried once. With ``processes`` above 1 they share cores: the seconds are those
    of one after the other.
    """
    from ragtune.tuning.trial import Expected, trial

    setups = bench.experiment.setups
    tried: dict[str, Expected] = {}
    seen: set[str] = set()
    seconds = memory = 0.0
    for name, seed in wanted:
        setup = setups[name]
        if waits(bench, setup, seed):
            continue
        key = tune_key(bench, setup, seed)
        if not is_ready(bench, setup, seed) or key in seen or bench.store.find("tune", key) is not None:
            continue
        seen.add(key)
        # what a training costs does not hang on its seed, nor on which of two equal setups asked first
        kind = tune_key(bench, setup, bench.experiment.seeds[0])
        if kind not in tried:
            with bench.timed("forecast"):
                job = tune_job(bench, setup, seed)
                tried[kind] = trial(
                    job, bench.language_model(setup.generator.model, setup.generator.device, setup.generator.dtype)
                )
        seconds += tried[kind].seconds
        memory = max(memory, tried[kind].memory_mb)
    return Forecast(len(seen), seconds, memory) if seen else None


def waits(bench: Workbench, setup: Setup, seed: int) -> bool:
    """The tuning is taught with hits that a retriever will find which is to be tuned first: nothing to try before that."""
    return bool(needed_hits(bench, setup, seed)) and bool(
        setup.retrieval and setup.retrieval.tunings and untuned(bench)
    )
