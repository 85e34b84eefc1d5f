"""The Judge contract: what a judge is asked and what it says. Local, LLM and NLI judges share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from ragtune.records import Question, Score


@dataclass(frozen=True)
class Item:
    """One Answer to be judged. ``contexts`` are the texts the generator was shown, best first."""

    key: str
    question: Question
    answer: str
    abstained: bool
    contexts: tuple[str, ...]


class JudgeSettings(BaseModel):
    """Which judge scores the answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "local"
    embedder: str = "bundled:minilm"
    support: float = Field(0.62, gt=0, lt=1, description="support from which a statement counts as backed by the contexts")


class Judge(Protocol):
    """Scores items metric by metric. A score is in [0, 1], or unscored with the reason why; never NaN."""

    @property
    def key(self) -> str:
        """Identifies judge, version and settings in stage keys."""
        ...

    def prepare(self, items: Sequence[Item], progress: Callable[[int], None] | None = None) -> None:
        """Do the shared work (such as embedding) for many items at once."""
        ...

    def judge(self, item: Item) -> Mapping[str, Score]: ...


MakeJudge = Callable[[JudgeSettings, Any], Judge]
