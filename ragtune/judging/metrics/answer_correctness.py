"""Answer correctness: does the answer give what a reference gives."""

from __future__ import annotations

from ragtune.judging.witness import WITHHELD, Witness, lacks_reference
from ragtune.records import Metric, Row, Score

NAME = "answer_correctness"


def score(witness: Witness, row: Row) -> Score:
    """What the witness says of the answer and the references; 0 for abstaining from an answerable question."""
    if reason := lacks_reference(row.question):
        return Score(NAME, None, reason)
    if row.answer.withheld or not row.answer.text.strip():
        return Score(NAME, 0.0, WITHHELD)
    found = witness.agrees(row.question, row.answer.text)
    return Score(NAME, found.value, found.reason, found.failed)


METRIC = Metric(
    NAME,
    "Answer correctness",
    "correct",
    "does the answer give what a reference gives, however long it is",
    "local judge: probability that a person calls the answer right, a logistic model over what of the reference is held, "
    "missing and contradicted (words, names, values, lists, yes or no), fitted on human verdicts; LLM judge: 0.75 F1 over "
    "statements + 0.25 semantic similarity with the reference; the best reference counts",
    "ragtune/text/agree.py and its card agree.json; RAGAS documentation, answer correctness",
    "no reference",
    score,
    frozenset({"reference"}),
    compared=True,
    sliced=True,
    gated=True,
)
