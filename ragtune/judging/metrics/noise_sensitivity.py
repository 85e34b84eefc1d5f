"""Noise sensitivity: how often the contexts lead the answer astray. Lower is better."""

from __future__ import annotations

from typing import Any

from ragtune.judging.judge import Item
from ragtune.judging.metrics.base import (
    NO_CONTEXTS,
    NO_REFERENCE,
    NO_STATEMENT,
    NOTHING_CLAIMED,
    Evidence,
    Metric,
    asserted,
    holds,
)
from ragtune.records import Score
from ragtune.text.words import statements

METRIC = Metric(
    "noise_sensitivity",
    "Noise sensitivity",
    "noise",
    "share of the answer's statements that the contexts support but the reference does not (lower is better)",
    "statements that the contexts support and the reference does not / all statements",
    "RAGAS documentation, noise sensitivity: its two modes (relevant and irrelevant contexts) together",
    "abstained; no contexts; no reference",
    frozenset({"contexts", "reference"}),
    core=False,
    higher_is_better=False,
    asks=True,
)


def missing(item: Item) -> Score | None:
    """The reason why there is nothing to score, else None."""
    reason = (
        NO_CONTEXTS
        if not item.contexts
        else NO_REFERENCE
        if not item.question.answerable
        else NOTHING_CLAIMED
        if item.abstained
        else ""
    )
    return Score(METRIC.name, None, reason) if reason else None


def score(judge: Evidence, item: Item, windows: Any) -> Score:
    """Statements that the contexts support and no reference supports / all statements.

    A statement that itself holds a reference is right too, however much else it says.
    """
    if unscored := missing(item):
        return unscored
    found = statements(item.answer)
    if not found:
        return Score(METRIC.name, None, NO_STATEMENT)
    right = judge.windows([asserted(item.question.text, r) for r in item.question.answers])
    unlike = [
        s
        for s in found
        if not judge.supported(judge.support(s, right)) and not holds(judge, item.question.answers, [s])
    ]
    wrong = [s for s in unlike if judge.supported(judge.support(s, windows))]
    return Score(
        METRIC.name, len(wrong) / len(found), f"in the contexts, but not the answer: {wrong[0][:160]}" if wrong else ""
    )
