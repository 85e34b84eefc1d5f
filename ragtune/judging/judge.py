"""The Judge contract: what a judge is asked and what it says. Local, LLM and NLI judges share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from ragtune.records import Question, Score


@dataclass(frozen=True)
class Item:
    """One Answer to be judged. ``contexts`` are the texts the generator was shown, best first; ``citations`` count them from 1."""

    key: str
    question: Question
    answer: str
    abstained: bool
    contexts: tuple[str, ...]
    citations: tuple[int, ...] = ()


class JudgeSettings(BaseModel):
    """Which judge scores the answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "local"
    embedder: str = "bundled:minilm"
    model: str | None = Field(
        None,
        description="nli: a CrossEncoder (hub id or folder); llm and ragas: the served model's name, or a local model",
    )
    endpoint: str | None = Field(
        None,
        description="llm and ragas: an OpenAI-compatible server, such as http://localhost:8000/v1; without it the model is local",
    )
    api_key_env: str = "OPENAI_API_KEY"
    concurrency: int = Field(8, ge=1, description="llm: requests at a time")
    timeout: float = Field(60.0, gt=0, description="llm: seconds per request")
    retries: int = Field(4, ge=0, description="llm: retries after errors and busy servers")
    budget: int | None = Field(None, ge=0, description="llm: most calls per run; what is judged by then is kept")
    max_unscored: float = Field(
        0.05, ge=0, le=1, description="share of a metric that the judge may fail to score before the run exits 3"
    )
    extra_metrics: tuple[str, ...] | None = Field(
        None,
        description="metrics beside the core ones that the judge is asked for (default: every one, or for llm those that need no further calls)",
    )
    support: Annotated[float, Field(gt=0, lt=1)] | str = Field(
        0.5,
        description="support from which a statement counts as backed by the contexts, or the name of a calibrated threshold",
    )

    @property
    def threshold(self) -> float:
        """``support`` as a number. A name must have been settled before (`thresholds.settle`)."""
        assert not isinstance(self.support, str), "a named threshold was not settled"
        return self.support

    def identity(self) -> dict[str, object]:
        """The settings that change scores, for stage keys."""
        return self.model_dump(
            exclude={"endpoint", "api_key_env", "concurrency", "timeout", "retries", "budget", "max_unscored"}
        )


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
