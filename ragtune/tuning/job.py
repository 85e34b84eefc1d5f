"""One training as data, so that it can run here or in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ragtune.models.names import ModelRef
from ragtune.tuning.batches import DEV_ROWS, Encoded, batches_of, evaluated_every, steps_of
from ragtune.tuning.preference import lengths_of
from ragtune.tuning.settings import TuningSettings
from ragtune.tuning.trainer import train_adapter
from ragtune.tunings import Spent, TuneCost

if TYPE_CHECKING:
    from ragtune.models.causal import LanguageModel


#: what stores a job's adapter: it is given a function of (folder, scratch) that trains and returns the cost
Storing = Callable[[Callable[[Path, Path], TuneCost]], None]


@dataclass(frozen=True)
class TuneJob:
    """What makes an adapter: the base and where it runs, resolved; settings, seed, tokens of the train and dev splits, and its card."""

    model: ModelRef
    device: str
    dtype: str
    settings: TuningSettings
    seed: int
    train: tuple[Encoded, ...]
    dev: tuple[Encoded, ...]
    card: Mapping[str, str]
    start: Path | None = None  # the adapter that it goes on from
    before: Spent | None = None  # what had to be made first, where that is known

    @property
    def steps(self) -> int:
        """Optimiser steps."""
        return steps_of(self._lengths, self.settings, self.seed)

    @property
    def ticks(self) -> int:
        """What progress is told of: optimiser steps, and batches of the evaluations on the dev split, of about the same work."""
        batches = len(batches_of(self._lengths, self.settings, self.seed)) if self._lengths else 1
        every = evaluated_every(-(-batches // self.settings.accumulate), self.settings)
        return self.steps + -(-len(self.dev) // DEV_ROWS) * (1 + (self.steps // every if every else 0))

    @property
    def _lengths(self) -> list[int]:
        return lengths_of(self.train) if self.settings.preference else [len(e) for e in self.train]

    @property
    def tokens(self) -> float:
        return sum(map(len, self.train)) * self.settings.epochs

    def run(
        self, model: LanguageModel, out: Path, scratch: Path, progress: Callable[[int], None] | None = None
    ) -> TuneCost:
        """Train on ``model`` (the base that is ``self.model``); the adapter is in ``out`` when this returns."""
        _, cost = train_adapter(
            *(model, self.train, self.dev, self.settings, self.seed, out, scratch, dict(self.card)),
            progress=progress,
            start=self.start,
        )
        return replace(cost, before=self.before)


#: gives the base that a job trains on
Load = Callable[[TuneJob], "LanguageModel"]
