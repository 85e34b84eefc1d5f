"""What a training did and what it took, as records."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TuneReport:
    """What a training did. ``curve`` and ``dev_curve`` are (step, mean loss over answer tokens)."""

    steps: int
    curve: tuple[tuple[int, float], ...]
    dev_curve: tuple[tuple[int, float], ...]
    trainable: int
    parameters: int
    tokens: int
    examples: int


@dataclass(frozen=True, slots=True)
class TuneCost:
    """What a training took on its machine: of trainings side by side, each has its share of them."""

    seconds: float
    tokens_per_second: float
    peak_memory_mb: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """One tuned model of a Run: which setup and seed it serves, on how many questions it was trained, and how that went.
    ``size_mb`` is what is stored of it (0: it was not measured)."""

    setup: str
    seed: int
    key: str
    train_on: str
    questions: int
    report: TuneReport
    cost: TuneCost
    method: str = "lora"
    size_mb: float = 0.0
