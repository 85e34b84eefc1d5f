"""Context recall: do the contexts hold the reference."""

from __future__ import annotations

from typing import Any

from ragtune.judging.judge import Item
from ragtune.judging.metrics.base import NO_CONTEXTS, NO_REFERENCE, Evidence, Metric
from ragtune.records import Score
from ragtune.text.words import statements

METRIC = Metric(
    "context_recall",
    "Context recall",
    "ctx recall",
    "share of the reference that the contexts hold",
    "statements of the reference that the contexts support / all of them; the best reference counts",
    "RAGAS documentation, context recall",
    "no contexts; no reference",
    frozenset({"contexts", "reference"}),
)


def score(judge: Evidence, item: Item, windows: Any) -> Score:
    """Statements of the reference that the contexts support / all of them. The best reference counts."""
    if not item.contexts:
        return Score(METRIC.name, None, NO_CONTEXTS)
    if not item.question.answerable:
        return Score(METRIC.name, None, NO_REFERENCE)
    best = 0.0
    for reference in item.question.answers:
        found = statements(reference) or [reference]
        best = max(best, sum(judge.supported(judge.support(s, windows)) for s in found) / len(found))
    return Score(
        METRIC.name,
        best,
        "reference found in the contexts" if best == 1 else "reference (partly) missing in the contexts",
    )
