"""One training as data, so that it can run here or in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtune.tuning.lora import Encoded, FixedBatches, TuneCost, train_adapter
from ragtune.tuning.settings import TuningSettings

if TYPE_CHECKING:
    from ragtune.models.causal import LanguageModel


@dataclass(frozen=True)
class TuneJob:
    """What makes an adapter: the base by name, settings, seed, tokens of the train and dev splits, and its card."""

    model: str
    device: str
    dtype: str
    settings: TuningSettings
    seed: int
    train: tuple[Encoded, ...]
    dev: tuple[Encoded, ...]
    card: Mapping[str, str]

    @property
    def steps(self) -> int:
        """Optimiser steps."""
        batches = (
            len(FixedBatches([len(e) for e in self.train], self.settings.batch_tokens, self.seed)) if self.train else 0
        )
        return max(1, round(-(-batches // self.settings.accumulate) * self.settings.epochs))

    @property
    def tokens(self) -> float:
        return sum(map(len, self.train)) * self.settings.epochs

    def run(
        self, model: LanguageModel, out: Path, scratch: Path, progress: Callable[[int], None] | None = None
    ) -> TuneCost:
        """Train on ``model`` (the base that ``self.model`` names); the adapter is in ``out`` when this returns."""
        _, cost = train_adapter(
            model, self.train, self.dev, self.settings, self.seed, out, scratch, dict(self.card), progress
        )
        return cost

    def to_json(self) -> dict[str, Any]:
        rows = {
            split: [[e.prompt, e.target] for e in items] for split, items in (("train", self.train), ("dev", self.dev))
        }
        plain = {
            "model": self.model,
            "device": self.device,
            "dtype": self.dtype,
            "seed": self.seed,
            "card": dict(self.card),
        }
        return {**plain, "settings": self.settings.model_dump(mode="json"), **rows}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TuneJob:
        rows = {split: tuple(Encoded(tuple(p), tuple(t)) for p, t in data[split]) for split in ("train", "dev")}
        settings = TuningSettings.model_validate(data["settings"])
        return cls(
            data["model"],
            data["device"],
            data["dtype"],
            settings,
            data["seed"],
            rows["train"],
            rows["dev"],
            data["card"],
        )
