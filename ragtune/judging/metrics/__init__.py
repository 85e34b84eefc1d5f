"""The metrics, a small file each: formula, source, range, what it needs, and when it is unscored.

A judge supplies the evidence (`base.Evidence`); what is counted is the same whoever judges.
"""

from __future__ import annotations

from ragtune.judging.metrics import (
    abstention,
    answer_correctness,
    answer_relevance,
    citations,
    context_precision,
    context_recall,
    faithfulness,
    lexical,
    noise_sensitivity,
    semantic_similarity,
)
from ragtune.judging.metrics.base import Metric

#: by name, in the order of reports
METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        faithfulness.METRIC,
        answer_relevance.METRIC,
        context_precision.METRIC,
        context_recall.METRIC,
        answer_correctness.METRIC,
        lexical.EXACT,
        lexical.F1,
        abstention.METRIC,
        context_precision.WITHOUT,
        noise_sensitivity.METRIC,
        citations.RECALL,
        citations.PRECISION,
        lexical.ROUGE_L,
        semantic_similarity.METRIC,
    )
}
CORE = tuple(name for name, m in METRICS.items() if m.core)

__all__ = ["CORE", "METRICS", "Metric"]
