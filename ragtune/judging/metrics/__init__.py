"""The metrics, a small file each: formula, source, range, what it needs, where it shows, and when it is unscored.

A witness supplies the facts (`judging.witness.Witness`); what is counted is the same whoever judges. `METRICS` is the one
list: adding a metric is a file and a line here, and its flags decide where it is shown, compared and gated.
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
    value_match,
)
from ragtune.records import Metric

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
        value_match.METRIC,
    )
}

__all__ = ["METRICS"]
