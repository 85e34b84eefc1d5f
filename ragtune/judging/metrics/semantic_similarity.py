"""Semantic similarity: does the answer mean what the reference means."""

from __future__ import annotations

from ragtune.judging.judge import Item
from ragtune.judging.metrics.base import NO_REFERENCE, WITHHELD, Evidence, Metric
from ragtune.records import Score

METRIC = Metric(
    "semantic_similarity",
    "Semantic similarity",
    "similar",
    "closeness of meaning to the reference",
    "cosine of the embeddings of answer and reference, below 0 counted as 0; the best reference counts",
    "RAGAS documentation, semantic similarity",
    "no reference",
    frozenset({"reference"}),
    core=False,
)


def score(judge: Evidence, item: Item) -> Score:
    """Cosine of answer and reference; 0 for abstaining from an answerable question."""
    if not item.question.answerable:
        return Score(METRIC.name, None, NO_REFERENCE)
    if item.abstained or not item.answer:
        return Score(METRIC.name, 0.0, WITHHELD)
    return Score(METRIC.name, round(max(judge.similarity(item.answer, r) for r in item.question.answers), 6))
