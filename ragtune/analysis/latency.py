"""Latency: what one user waits for an answer, asked one question at a time of the setup as it would be served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field


class LatencySettings(BaseModel):
    """How latency is measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sample: int = Field(
        20, ge=0, description="questions of each setup asked one at a time; 0: not measured, so latency is unknown"
    )


@dataclass(frozen=True)
class Wait:
    """Seconds that one user waits for one answer: finding hits (the query embedded anew), re-ranking them, generating."""

    retrieval: float = 0.0
    reranking: float = 0.0
    generation: float = 0.0

    @property
    def total(self) -> float:
        return self.retrieval + self.reranking + self.generation


@dataclass(frozen=True)
class Latency:
    """Seconds that one user waits, over ``questions`` asked one at a time: median and 95th percentile of the whole wait, and
    the median of each part. ``switched`` is the same with the adapter switched on beside the weights instead of merged into
    them, where a setup is tuned. ``questions`` is 0 where a version of ragtune measured that did not ask one at a time."""

    p50: float
    p95: float
    questions: int = 0
    retrieval: float = 0.0
    reranking: float = 0.0
    generation: float = 0.0
    switched: Latency | None = None


def latency_of(waits: Sequence[Wait], switched: Sequence[Wait] = ()) -> Latency | None:
    """The latency that ``waits`` show (None without any); ``switched`` are those with the adapter switched on."""
    if not waits:
        return None
    total = [w.total for w in waits]
    parts = zip(*[(w.retrieval, w.reranking, w.generation) for w in waits], strict=True)
    retrieval, reranking, generation = (float(np.quantile(p, 0.5)) for p in parts)
    return Latency(
        float(np.quantile(total, 0.5)),
        float(np.quantile(total, 0.95)),
        len(total),
        retrieval,
        reranking,
        generation,
        latency_of(switched),
    )
