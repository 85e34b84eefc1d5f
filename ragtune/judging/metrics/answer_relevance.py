"""Answer relevance: is the answer about the question."""

from __future__ import annotations

from ragtune.judging.judge import Item
from ragtune.judging.metrics.base import WITHHELD, Evidence, Metric, asserted
from ragtune.records import Score

METRIC = Metric(
    "answer_relevance",
    "Answer relevance",
    "relevant",
    "how much the answer is about the question",
    "LLM judge: mean cosine of the question with questions made from the answer, 0 if those are noncommittal; "
    "local judge: mean of cos(question, answer) and cos(question, question with answer)",
    "RAGAS (Es et al. 2024); without an LLM the answer itself is compared",
    "a right abstention",
)


def score(judge: Evidence, item: Item) -> Score:
    """Cosine of the question and the answer read with it, 0 for abstaining from an answerable question."""
    if item.abstained:
        if item.question.answerable:
            return Score(METRIC.name, 0.0, WITHHELD)
        return Score(METRIC.name, None, "abstained, rightly: no answer to compare")
    value = 0.5 * judge.similarity(item.question.text, item.answer) + 0.5 * judge.similarity(
        item.question.text, asserted(item.question.text, item.answer)
    )
    return Score(METRIC.name, round(value, 6), "cosine of question and answer")
