"""Answer correctness: does the answer agree with the reference in words and meaning."""

from __future__ import annotations

from ragtune.judging.witness import WITHHELD, Witness, lacks_reference
from ragtune.records import Metric, Row, Score

NAME = "answer_correctness"


def score(witness: Witness, row: Row) -> Score:
    """What the witness says of the answer and the references; 0 for abstaining from an answerable question."""
    if reason := lacks_reference(row.question):
        return Score(NAME, None, reason)
    if row.answer.abstained or not row.answer.text.strip():
        return Score(NAME, 0.0, WITHHELD)
    found = witness.agrees(row.question, row.answer.text)
    return Score(NAME, found.value, found.reason, found.failed)


METRIC = Metric(
    NAME,
    "Answer correctness",
    "correct",
    "agreement with the reference in words and meaning",
    "0.75 F1 over facts + 0.25 cosine with the reference; facts are statements (LLM judge) or content words "
    "(local judge); the best reference counts",
    "RAGAS documentation, answer correctness",
    "no reference",
    score,
    frozenset({"reference"}),
    compared=True,
    sliced=True,
    gated=True,
)
