"""Answer relevance: is the answer about the question."""

from __future__ import annotations

from ragtune.judging.witness import WITHHELD, Witness
from ragtune.records import Metric, Row, Score

NAME = "answer_relevance"


def score(witness: Witness, row: Row) -> Score:
    """What the witness says of question and answer; 0 for abstaining from an answerable question."""
    if row.answer.withheld:
        if row.question.answerable:
            return Score(NAME, 0.0, WITHHELD)
        right = ", rightly" if row.answer.abstained and row.question.unanswerable else ""
        return Score(NAME, None, f"withheld{right}: no answer to compare")
    if not row.answer.text.strip():
        return Score(NAME, 0.0, "the answer is empty")
    found = witness.about(row.question, row.answer.text)
    return Score(NAME, found.value, found.reason, found.failed)


METRIC = Metric(
    NAME,
    "Answer relevance",
    "relevant",
    "how much the answer is about the question",
    "LLM judge: mean semantic similarity of the question with questions made from the answer, 0 if those are noncommittal; "
    "local judge: unscored",
    "RAGAS (Es et al. 2024)",
    "a right abstention; a judge without a language model, which cannot tell an answer to this question from one to another",
    score,
    frozenset({"llm"}),
    compared=True,
    gated=True,
)
