"""What a training did and what it took, as records."""

from __future__ import annotations

from collections.abc import Iterable
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
class Spent:
    """Seconds of work, and the tokens that went through a generator in them."""

    seconds: float = 0.0
    prompt: int = 0
    answer: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.seconds + other.seconds, self.prompt + other.prompt, self.answer + other.answer)


@dataclass(frozen=True, slots=True)
class TuneCost:
    """What a training took on its machine: of trainings side by side, each has its share of them.

    ``before`` is what had to be made first, whoever else uses it too: the trainings that it goes on from, answers of its teacher,
    samples to prefer among, readings of the generator that teaches a retriever; None: it was not measured, and counts as nothing.
    """

    seconds: float
    tokens_per_second: float
    peak_memory_mb: float
    before: Spent | None = None


@dataclass(frozen=True, slots=True)
class Tuning:
    """One tuned model of a Run: which setup and seed it serves, on how many questions it was trained, and how that went.

    ``kind`` is what was tuned: ``generator``, ``embedder`` or ``re-ranker``. Of the latter two, tokens are not counted and
    ``tokens_per_second`` is texts. ``size_mb`` is what is stored of it (0: it was not measured).
    """

    setup: str
    seed: int
    key: str
    train_on: str
    questions: int
    report: TuneReport
    cost: TuneCost
    kind: str = "generator"
    method: str = "lora"
    size_mb: float = 0.0


def spent_by_seed(tunings: Iterable[Tuning]) -> list[Spent]:
    """What tuning one setup takes under each seed: of all its parts together, with what had to be made before them."""
    found: dict[int, Spent] = {}
    for tuning in tunings:
        own = Spent(tuning.cost.seconds) + (tuning.cost.before or Spent())
        found[tuning.seed] = found.get(tuning.seed, Spent()) + own
    return list(found.values())
