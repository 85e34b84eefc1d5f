"""Abstention: did the setup abstain exactly when the documents hold no answer."""

from __future__ import annotations

from ragtune.judging.witness import UNKNOWN_REFERENCE, WITHHELD, Witness
from ragtune.records import Metric, Row, Score

NAME = "abstention"


def score(witness: Witness, row: Row) -> Score:
    """1 if the answer abstains exactly when the documents hold no answer."""
    question = row.question
    if question.answers is None:
        return Score(NAME, None, UNKNOWN_REFERENCE)
    if row.answer.outcome == "none":
        return Score(NAME, 0.0, "no answer came")
    right = row.answer.abstained == question.unanswerable
    if question.answerable:
        return Score(NAME, float(right), "answered" if right else WITHHELD)
    return Score(NAME, float(right), "rightly abstained" if right else "answered although the documents hold no answer")


METRIC = Metric(
    NAME,
    "Abstention",
    "abstain ok",
    "abstained exactly when the documents hold no answer",
    "1 for answering an answerable question or abstaining (rightly) from an unanswerable one; "
    "0 for abstaining wrongly or a missed abstention",
    "unanswerable questions as in SQuAD 2.0 (Rajpurkar et al. 2018)",
    "nobody said whether the documents hold an answer",
    score,
    frozenset({"reference"}),
    compared=True,
    sliced=True,
    gated=True,
)
