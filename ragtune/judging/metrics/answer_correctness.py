"""Answer correctness: does the answer agree with the reference in words and meaning."""

from __future__ import annotations

from ragtune.judging.judge import Item
from ragtune.judging.metrics.base import NO_REFERENCE, WITHHELD, Evidence, Metric
from ragtune.records import Score
from ragtune.text.words import words

METRIC = Metric(
    "answer_correctness",
    "Answer correctness",
    "correct",
    "agreement with the reference in words and meaning",
    "0.75 F1 over facts + 0.25 cosine with the reference; facts are statements (LLM judge) or content words (local judge); the best reference counts",
    "RAGAS documentation, answer correctness",
    "no reference",
    frozenset({"reference"}),
)


def score(judge: Evidence, item: Item) -> Score:
    """0.75 F1 over content stems + 0.25 cosine; 0 for abstaining from an answerable question."""
    if not item.question.answerable:
        return Score(METRIC.name, None, NO_REFERENCE)
    if item.abstained or not item.answer:
        return Score(METRIC.name, 0.0, WITHHELD)
    best, why = -1.0, ""
    for reference in item.question.answers:
        a, r = set(words(item.answer)), set(words(reference))
        shared = len(a & r)
        overlap = (
            2 * shared / (len(a) + len(r))
            if a and r
            else float(item.answer.strip().lower() == reference.strip().lower())
        )
        cosine = judge.similarity(item.answer, reference)
        value = 0.75 * overlap + 0.25 * cosine
        if value > best:
            best, why = value, f"facts F1 {overlap:.2f}, cosine {cosine:.2f} with “{reference[:80]}”"
    return Score(METRIC.name, round(min(1.0, best), 6), why)
