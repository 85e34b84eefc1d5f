"""Fusion of rankings into one."""

from __future__ import annotations

from collections.abc import Sequence

from ragtune.retrieval.parts import FusionSettings

#: (row, score), best first
Ranking = Sequence[tuple[int, float]]


def reciprocal_rank(rankings: Sequence[Ranking], k: int = 60) -> list[tuple[int, float]]:
    """Reciprocal rank fusion (Cormack, Clarke, Buettcher, SIGIR 2009): sum of 1 / (k + rank)."""
    total: dict[int, float] = {}
    for ranking in rankings:
        for rank, (row, _) in enumerate(ranking, 1):
            total[row] = total.get(row, 0.0) + 1.0 / (k + rank)
    return _sorted(total)


def weighted(rankings: Sequence[Ranking], weights: Sequence[float]) -> list[tuple[int, float]]:
    """Weighted sum of scores, each ranking first scaled to [0, 1] by its own minimum and maximum."""
    total: dict[int, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        scores = [s for _, s in ranking]
        low, high = min(scores, default=0.0), max(scores, default=0.0)
        for row, score in ranking:
            scaled = (score - low) / (high - low) if high > low else 1.0
            total[row] = total.get(row, 0.0) + weight * scaled
    return _sorted(total)


def _sorted(total: dict[int, float]) -> list[tuple[int, float]]:
    return sorted(total.items(), key=lambda item: (-item[1], item[0]))


def fuse(dense: Ranking, lexical: Ranking, settings: FusionSettings) -> list[tuple[int, float]]:
    if settings.by == "rrf":
        return reciprocal_rank([dense, lexical], settings.rrf_k)
    return weighted([dense, lexical], [settings.dense_weight, 1 - settings.dense_weight])
