"""Context recall: do the contexts hold the reference."""

from __future__ import annotations

from ragtune.judging.witness import NO_CONTEXTS, Witness, lacks_reference
from ragtune.records import Metric, Row, Score

NAME = "context_recall"


def score(witness: Witness, row: Row) -> Score:
    """Statements of the reference that the contexts support / all of them. The best reference counts."""
    if not row.answer.hits:
        return Score(NAME, None, NO_CONTEXTS)
    if reason := lacks_reference(row.question):
        return Score(NAME, None, reason)
    best = 0.0
    for reference in row.question.references:
        found = witness.statements(row.question, reference) or [reference]
        best = max(
            best, sum(s.supported for s in witness.supports(found, row.answer.contexts, row.question.text)) / len(found)
        )
    return Score(
        NAME, best, "reference found in the contexts" if best == 1 else "reference (partly) missing in the contexts"
    )


METRIC = Metric(
    NAME,
    "Context recall",
    "ctx recall",
    "share of the reference that the contexts hold",
    "statements of the reference that the contexts support / all of them; the best reference counts",
    "RAGAS documentation, context recall",
    "no contexts; no reference",
    score,
    frozenset({"contexts", "reference"}),
)
