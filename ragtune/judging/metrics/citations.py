"""Citation recall and precision: do the cited contexts carry the answer, and is each one needed.

An Answer's citations stand for the whole of it: short answers cite once, at their end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragtune.judging.judge import Item
from ragtune.judging.metrics.base import NO_STATEMENT, NOTHING_CLAIMED, Evidence, Metric
from ragtune.records import Score
from ragtune.text.words import statements

_SOURCE = "ALCE (Gao et al. 2023, arXiv:2305.14627)"
_NEEDS = frozenset({"contexts", "citations"})
RECALL = Metric(
    "citation_recall",
    "Citation recall",
    "cite rec",
    "share of the answer's statements that the cited contexts support",
    "statements that the cited contexts together support / all statements; 0 where contexts were shown and none is cited",
    _SOURCE,
    "abstained; no contexts; no statement",
    _NEEDS,
    core=False,
    asks=True,
)
PRECISION = Metric(
    "citation_precision",
    "Citation precision",
    "cite prec",
    "share of the citations that carry the answer",
    "citations that support a statement alone, or without which one loses its support / all citations",
    _SOURCE,
    "abstained; nothing cited",
    _NEEDS,
    core=False,
    asks=True,
)
Supports = Callable[[Sequence[str], Sequence[str]], list[bool]]


def cited(item: Item) -> list[str]:
    """The contexts that the answer cites, in the order of citing."""
    return [item.contexts[n - 1] for n in dict.fromkeys(item.citations) if 1 <= n <= len(item.contexts)]


def by_evidence(judge: Evidence) -> Supports:
    """Which statements the contexts support, by the judge's evidence."""

    def supports(found: Sequence[str], contexts: Sequence[str]) -> list[bool]:
        windows = judge.windows(contexts)
        return [judge.supported(judge.support(s, windows)) for s in found]

    return supports


def recall(item: Item, supports: Supports, found: Sequence[str] | None = None) -> Score:
    """``found``: the statements of the answer, where a judge splits them itself."""
    if item.abstained:
        return Score(RECALL.name, None, NOTHING_CLAIMED)
    if not item.contexts:
        return Score(RECALL.name, None, "no contexts were given")
    found = statements(item.answer) if found is None else found
    if not found:
        return Score(RECALL.name, None, NO_STATEMENT)
    shown = cited(item)
    if not shown:
        return Score(RECALL.name, 0.0, "nothing is cited")
    ok = sum(supports(found, shown))
    return Score(RECALL.name, ok / len(found), f"{ok} of {len(found)} statements carried by what is cited")


def precision(item: Item, supports: Supports, found: Sequence[str] | None = None) -> Score:
    """A citation is needed when it supports a statement alone, or when a statement loses its support without it."""
    if item.abstained:
        return Score(PRECISION.name, None, NOTHING_CLAIMED)
    shown = cited(item)
    if not shown:
        return Score(PRECISION.name, None, "nothing is cited" if item.contexts else "no contexts were given")
    found = statements(item.answer) if found is None else found
    if not found:
        return Score(PRECISION.name, None, NO_STATEMENT)
    together = supports(found, shown)
    useful = 0
    for n, context in enumerate(shown):
        rest = shown[:n] + shown[n + 1 :]
        alone = supports(found, [context])
        without = supports(found, rest) if rest else [False] * len(found)
        useful += any(t and (a or not w) for t, a, w in zip(together, alone, without, strict=True))
    return Score(PRECISION.name, useful / len(shown), f"{useful} of {len(shown)} citations carry the answer")
