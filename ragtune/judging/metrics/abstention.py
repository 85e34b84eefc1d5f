"""Abstention: did the setup abstain exactly when the documents hold no answer."""

from __future__ import annotations

from ragtune.judging.judge import Item
from ragtune.judging.metrics.base import WITHHELD, Metric
from ragtune.records import Score

METRIC = Metric(
    "abstention",
    "Abstention",
    "abstain ok",
    "abstained exactly when the documents hold no answer",
    "1 for answering an answerable question or abstaining (rightly) from an unanswerable one; 0 for abstaining wrongly or a missed abstention",
    "unanswerable questions as in SQuAD 2.0 (Rajpurkar et al. 2018)",
    "never",
    frozenset({"reference"}),
)


def score(item: Item) -> Score:
    """1 if the answer abstains exactly when the question has no reference."""
    right = item.abstained != item.question.answerable
    if item.question.answerable:
        return Score(METRIC.name, float(right), "answered" if right else WITHHELD)
    return Score(
        METRIC.name, float(right), "rightly abstained" if right else "answered although the documents hold no answer"
    )
