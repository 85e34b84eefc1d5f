"""Context precision: are the useful contexts ranked first; by the reference, or by the answer where there is none."""

from __future__ import annotations

from ragtune.judging.witness import NO_CONTEXTS, NOTHING_CLAIMED, Witness, average_precision, lacks_reference
from ragtune.records import Metric, Row, Score

NAME, WITHOUT_NAME = "context_precision", "context_precision_without_reference"


def score(witness: Witness, row: Row) -> Score:
    """A context is useful when it helps to arrive at a reference answer."""
    if not row.answer.hits:
        return Score(NAME, None, NO_CONTEXTS)
    if reason := lacks_reference(row.question):
        return Score(NAME, None, reason)
    useful = witness.useful(row.question, None, row.answer.contexts)
    return average_precision(NAME, useful, "no context supports the reference")


def without_reference(witness: Witness, row: Row) -> Score:
    """A context is useful when it helps to arrive at the answer."""
    if not row.answer.hits:
        return Score(WITHOUT_NAME, None, NO_CONTEXTS)
    text = row.answer.text
    if row.answer.withheld or not any(c.isalnum() for c in text):
        return Score(WITHOUT_NAME, None, NOTHING_CLAIMED)
    useful = witness.useful(row.question, text, row.answer.contexts)
    return average_precision(WITHOUT_NAME, useful, "no context supports the answer")


METRIC = Metric(
    NAME,
    "Context precision",
    "ctx prec",
    "are the useful contexts ranked first",
    "mean of precision@k over the ranks k of contexts that support the reference",
    "RAGAS documentation, context precision with reference",
    "no contexts; no reference",
    score,
    frozenset({"contexts", "reference"}),
    compared=True,
    gated=True,
)
WITHOUT = Metric(
    WITHOUT_NAME,
    "Context precision, no reference",
    "ctx prec*",
    "are the contexts that the answer drew on ranked first",
    "mean of precision@k over the ranks k of contexts that support a statement of the answer",
    "RAGAS documentation, context precision without reference",
    "no contexts; abstained",
    without_reference,
    frozenset({"contexts"}),
    core=False,
    asks=True,
)
