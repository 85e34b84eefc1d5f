"""Judge settings, as they stand in an experiment file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ragtune.models.address import Endpoint
from ragtune.models.packages import DEFAULT_EMBEDDER


class JudgeSettings(BaseModel):
    """Which judge scores the answers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field("local", description="local, nli, llm or ragas")
    embedder: str = Field(DEFAULT_EMBEDDER, description="the model that tells how alike texts are")
    model: str | None = Field(
        None,
        description="nli: a CrossEncoder (hub id or folder); llm and ragas: the served model's name, or a local model",
    )
    endpoint: Endpoint | None = Field(
        None,
        description="llm and ragas: an OpenAI-compatible server, such as http://localhost:8000/v1; "
        "without it the model is local",
    )
    api_key_env: str = Field("OPENAI_API_KEY", description="environment variable that holds the endpoint's key")
    concurrency: int = Field(8, ge=1, description="llm: requests at a time")
    timeout: float = Field(60.0, gt=0, description="llm: seconds per request")
    retries: int = Field(4, ge=0, description="llm: retries after errors and busy servers")
    budget: int | None = Field(None, ge=0, description="llm: most calls per run; what is judged by then is kept")
    max_unscored: float = Field(
        0.05, ge=0, le=1, description="share of a metric that the judge may fail to score before the run exits 3"
    )
    extra_metrics: tuple[str, ...] | None = Field(
        None,
        description="metrics beside the core ones that the judge is asked for "
        "(default: every one, or for llm those that need no further calls)",
    )
    support: Annotated[float, Field(gt=0, lt=1)] | str = Field(
        0.5,
        description="support from which a statement counts as backed by the contexts, or the name of a calibrated threshold",
    )

    @property
    def threshold(self) -> float:
        """``support`` as a number. A name must have been settled before (`experiment.calibration.settle`)."""
        assert not isinstance(self.support, str), "a named threshold was not settled"
        return self.support

    def identity(self) -> dict[str, object]:
        """The settings that change scores, for stage keys."""
        return self.model_dump(
            exclude={"endpoint", "api_key_env", "concurrency", "timeout", "retries", "budget", "max_unscored"}
        )
