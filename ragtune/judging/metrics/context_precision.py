"""Context precision: are the useful contexts ranked first; by the reference, or by the answer where there is none."""

from __future__ import annotations

from ragtune.judging.judge import Item
from ragtune.judging.metrics.base import (
    NO_CONTEXTS,
    NO_REFERENCE,
    NOTHING_CLAIMED,
    Evidence,
    Metric,
    average_precision,
    holds,
)
from ragtune.records import Score
from ragtune.text.words import statements

METRIC = Metric(
    "context_precision",
    "Context precision",
    "ctx prec",
    "are the useful contexts ranked first",
    "mean of precision@k over the ranks k of contexts that support the reference",
    "RAGAS documentation, context precision with reference",
    "no contexts; no reference",
    frozenset({"contexts", "reference"}),
)
WITHOUT = Metric(
    "context_precision_without_reference",
    "Context precision, no reference",
    "ctx prec*",
    "are the contexts that the answer drew on ranked first",
    "mean of precision@k over the ranks k of contexts that support a statement of the answer",
    "RAGAS documentation, context precision without reference",
    "no contexts; abstained",
    frozenset({"contexts"}),
    core=False,
    asks=True,
)


def score(judge: Evidence, item: Item) -> Score:
    """A context is useful when it supports a reference answer."""
    if not item.contexts:
        return Score(METRIC.name, None, NO_CONTEXTS)
    if not item.question.answerable:
        return Score(METRIC.name, None, NO_REFERENCE)
    useful = [holds(judge, item.question.answers, [c]) for c in item.contexts]
    return average_precision(METRIC.name, useful, "no context supports the reference")


def without_reference(judge: Evidence, item: Item) -> Score:
    """A context is useful when it supports a statement of the answer."""
    if not item.contexts:
        return Score(WITHOUT.name, None, NO_CONTEXTS)
    found = [] if item.abstained else statements(item.answer)
    if not found:
        return Score(WITHOUT.name, None, NOTHING_CLAIMED)
    return average_precision(
        WITHOUT.name, [holds(judge, found, [c]) for c in item.contexts], "no context supports the answer"
    )
