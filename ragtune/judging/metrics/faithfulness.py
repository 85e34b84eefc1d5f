"""Faithfulness: does the answer say only what the contexts say."""

from __future__ import annotations

from ragtune.judging.witness import NO_CONTEXTS, NO_STATEMENT, NOTHING_CLAIMED, Witness
from ragtune.records import Metric, Row, Score

NAME = "faithfulness"


def score(witness: Witness, row: Row) -> Score:
    """Supported statements / all statements of the answer. The reason names what decided on the weakest one."""
    if row.answer.withheld:
        return Score(NAME, None, NOTHING_CLAIMED)
    if not row.answer.hits:
        return Score(NAME, None, NO_CONTEXTS)
    said = witness.statements(row.question, row.answer.text)
    if not said:
        return Score(NAME, None, NO_STATEMENT)
    verdicts = witness.supports(said, row.answer.contexts, row.question.text)
    ok = sum(v.supported for v in verdicts)
    weakest = min(verdicts, key=lambda v: v.value)
    says = f"{ok} of {len(said)} supported"
    if weakest.context >= 0:
        says += f"; weakest {weakest.value:.2f}: [{weakest.context + 1}] {weakest.sentence[:160]}"
    elif not weakest.supported and weakest.sentence:
        says += f"; not: {weakest.statement}: {weakest.sentence}"[:220]
    return Score(NAME, ok / len(said), says)


METRIC = Metric(
    NAME,
    "Faithfulness",
    "faithful",
    "share of the answer's statements that the contexts support",
    "supported statements / all statements of the answer",
    "RAGAS (Es et al. 2024, arXiv:2309.15217)",
    "abstained; no contexts; no statement",
    score,
    frozenset({"contexts"}),
    compared=True,
    sliced=True,
    gated=True,
)
