"""Noise sensitivity: how often the contexts lead the answer astray. Lower is better."""

from __future__ import annotations

from ragtune.judging.witness import NO_CONTEXTS, NO_STATEMENT, NOTHING_CLAIMED, Witness, asserted, lacks_reference
from ragtune.records import Metric, Row, Score
from ragtune.text.claims import claims

NAME = "noise_sensitivity"


def missing(row: Row) -> Score | None:
    """The reason why there is nothing to score, else None."""
    reason = (
        NO_CONTEXTS
        if not row.answer.hits
        else lacks_reference(row.question) or (NOTHING_CLAIMED if row.answer.withheld else "")
    )
    return Score(NAME, None, reason) if reason else None


def score(witness: Witness, row: Row) -> Score:
    """Statements that the contexts support and no reference supports / all statements.

    A statement that itself holds a reference is right too, however much else it says.
    """
    if unscored := missing(row):
        return unscored
    said = witness.statements(row.question, row.answer.text)
    if not said:
        return Score(NAME, None, NO_STATEMENT)
    asked, references = row.question.text, row.question.references
    right = witness.supports(said, [text for r in references for text in (asserted(asked, r), *claims(asked, r))])
    wanted = [claim for r in references for claim in (claims(asked, r) or [r])]
    held = [any(s.supported for s in witness.supports(wanted, [one])) for one in said]
    led = witness.supports(said, row.answer.contexts, row.question.text)
    wrong = [s.statement for s, r, h in zip(led, right, held, strict=True) if s.supported and not (r.supported or h)]
    return verdict(wrong, len(said))


def verdict(wrong: list[str], said: int) -> Score:
    """The score where ``wrong`` of ``said`` statements come from the contexts and not from the reference."""
    return Score(NAME, len(wrong) / said, f"in the contexts, but not the answer: {wrong[0][:160]}" if wrong else "")


METRIC = Metric(
    NAME,
    "Noise sensitivity",
    "noise",
    "share of the answer's statements that the contexts support but the reference does not (lower is better)",
    "statements that the contexts support and the reference does not / all statements",
    "RAGAS documentation, noise sensitivity: its two modes (relevant and irrelevant contexts) together",
    "abstained; no contexts; no reference",
    score,
    frozenset({"contexts", "reference"}),
    core=False,
    higher_is_better=False,
    asks=True,
)
