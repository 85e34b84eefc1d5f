"""Citation recall and precision: do the cited contexts carry the answer, and is each one needed.

An Answer's citations stand for the whole of it: short answers cite once, at their end.
"""

from __future__ import annotations

from collections.abc import Sequence

from ragtune.judging.witness import NO_CONTEXTS, NO_STATEMENT, NOTHING_CLAIMED, Witness
from ragtune.records import Metric, Row, Score
from ragtune.text.statements import statements

RECALL_NAME, PRECISION_NAME = "citation_recall", "citation_precision"
_SOURCE = "ALCE (Gao et al. 2023, arXiv:2305.14627)"
_NEEDS = frozenset({"contexts", "citations"})


def cited(row: Row) -> list[str]:
    """The contexts that the answer cites, in the order of citing."""
    contexts = row.answer.contexts
    return [contexts[n - 1] for n in dict.fromkeys(row.answer.citations) if 1 <= n <= len(contexts)]


def _held(witness: Witness, row: Row, said: Sequence[str], contexts: Sequence[str]) -> list[bool]:
    return [s.supported for s in witness.supports(said, contexts, row.question.text, row.answer.contexts)]


def recall(witness: Witness, row: Row) -> Score:
    """Share of the answer's statements that the cited contexts together support."""
    if row.answer.withheld:
        return Score(RECALL_NAME, None, NOTHING_CLAIMED)
    if not row.answer.hits:
        return Score(RECALL_NAME, None, NO_CONTEXTS)
    if not statements(row.answer.text):
        return Score(RECALL_NAME, None, NO_STATEMENT)
    shown = cited(row)
    if not shown:
        return Score(RECALL_NAME, 0.0, "nothing is cited")
    said = witness.statements(row.question, row.answer.text)
    if not said:
        return Score(RECALL_NAME, None, NO_STATEMENT)
    ok = sum(_held(witness, row, said, shown))
    return Score(RECALL_NAME, ok / len(said), f"{ok} of {len(said)} statements carried by what is cited")


def precision(witness: Witness, row: Row) -> Score:
    """A citation is needed when it supports a statement alone, or when a statement loses its support without it."""
    if row.answer.withheld:
        return Score(PRECISION_NAME, None, NOTHING_CLAIMED)
    shown = cited(row)
    if not shown:
        return Score(PRECISION_NAME, None, "nothing is cited" if row.answer.hits else NO_CONTEXTS)
    said = witness.statements(row.question, row.answer.text)
    if not said:
        return Score(PRECISION_NAME, None, NO_STATEMENT)
    together = _held(witness, row, said, shown)
    useful = 0
    for n, context in enumerate(shown):
        rest = shown[:n] + shown[n + 1 :]
        alone = _held(witness, row, said, [context])
        without = _held(witness, row, said, rest) if rest else [False] * len(said)
        useful += any(t and (a or not w) for t, a, w in zip(together, alone, without, strict=True))
    return Score(PRECISION_NAME, useful / len(shown), f"{useful} of {len(shown)} citations carry the answer")


RECALL = Metric(
    RECALL_NAME,
    "Citation recall",
    "cite rec",
    "share of the answer's statements that the cited contexts support",
    "statements that the cited contexts together support / all statements; "
    "0 where contexts were shown and none is cited",
    _SOURCE,
    "abstained; no contexts; no statement",
    recall,
    _NEEDS,
    core=False,
    asks=True,
)
PRECISION = Metric(
    PRECISION_NAME,
    "Citation precision",
    "cite prec",
    "share of the citations that carry the answer",
    "citations that support a statement alone, or without which one loses its support / all citations",
    _SOURCE,
    "abstained; nothing cited",
    precision,
    _NEEDS,
    core=False,
    asks=True,
)
