"""Maximal marginal relevance: hits that are relevant and unlike those before them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ragtune.models.encoder import Array

#: best-ranked hits that are chosen from
CANDIDATES = 50


def diverse(scores: Sequence[float], vectors: Array, weight: float, count: int) -> list[int]:
    """The ``count`` candidates to show, in order (Carbonell and Goldstein, SIGIR 1998).

    Each is the one with the largest ``weight * relevance - (1 - weight) * likeness``; likeness is the largest cosine with one that
    was chosen before. Scores and cosines are scaled to [0, 1] among the candidates, since re-rankers and fusion score on scales
    of their own and cosines of some embedders begin at 0.8.

    Args:
        scores: of the candidates, best first; higher is better.
        vectors: theirs, unit length, shape (candidates, dim).
    """
    relevance, likeness = _scaled(np.asarray(scores, np.float64)), _scaled(vectors.astype(np.float64) @ vectors.T)
    chosen: list[int] = []
    nearest = np.zeros(len(scores))
    left = list(range(len(scores)))
    while left and len(chosen) < count:
        best = max(left, key=lambda n: (weight * relevance[n] - (1 - weight) * nearest[n], -n))
        chosen.append(best)
        left.remove(best)
        nearest = np.maximum(nearest, likeness[best])
    return chosen


def _scaled(values: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    if not values.size:
        return values
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.ones_like(values)
