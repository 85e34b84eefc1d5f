"""Value match: does the answer state the reference's numbers, dates and times, and no other in their place."""

from __future__ import annotations

from ragtune.judging.witness import WITHHELD, Witness, lacks_reference
from ragtune.records import Metric, Row, Score
from ragtune.text.signs import values_agree
from ragtune.text.values import values

NAME = "value_match"


def score(witness: Witness, row: Row) -> Score:
    """1 if the answer states every value of a reference with its unit and bound, else 0; the best reference counts."""
    if reason := lacks_reference(row.question):
        return Score(NAME, None, reason)
    wanted = [r for r in row.question.references if values(r)]
    if not wanted:
        return Score(NAME, None, "the reference names no number, date or time")
    if row.answer.withheld:
        return Score(NAME, 0.0, WITHHELD)
    return Score(NAME, float(any(values_agree(row.question.text, r, row.answer.text) for r in wanted)))


METRIC = Metric(
    NAME,
    "Value match",
    "values",
    "the answer states the reference's numbers, units and dates",
    "1 if every value of a reference stands in the answer, in any notation, and none of its kind in its place, else 0",
    "ragtune/text/values.py",
    "no reference; the reference names no number, date or time",
    score,
    frozenset({"reference"}),
    core=False,
)
