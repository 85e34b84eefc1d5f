"""Faithfulness: does the answer say only what the contexts say."""

from __future__ import annotations

from typing import Any

from ragtune.judging.judge import Item
from ragtune.judging.metrics.base import NO_CONTEXTS, NO_STATEMENT, NOTHING_CLAIMED, Evidence, Metric
from ragtune.records import Score
from ragtune.text.words import statements

METRIC = Metric(
    "faithfulness",
    "Faithfulness",
    "faithful",
    "share of the answer's statements that the contexts support",
    "supported statements / all statements of the answer",
    "RAGAS (Es et al. 2024, arXiv:2309.15217)",
    "abstained; no contexts; no statement",
    frozenset({"contexts"}),
)


def score(judge: Evidence, item: Item, windows: Any) -> Score:
    """Supported statements / all statements of the answer. The reason names the weakest statement's best sentence."""
    if item.abstained:
        return Score(METRIC.name, None, NOTHING_CLAIMED)
    if not item.contexts:
        return Score(METRIC.name, None, NO_CONTEXTS)
    found = statements(item.answer)
    if not found:
        return Score(METRIC.name, None, NO_STATEMENT)
    verdicts = [judge.support(s, windows) for s in found]
    ok = sum(judge.supported(v) for v in verdicts)
    weakest = min(verdicts, key=lambda v: v.support)
    says = f"{ok} of {len(found)} supported; weakest {weakest.support:.2f}"
    return Score(
        METRIC.name,
        ok / len(found),
        f"{says}: [{weakest.context + 1}] {weakest.sentence[:160]}" if weakest.sentence else says,
    )
