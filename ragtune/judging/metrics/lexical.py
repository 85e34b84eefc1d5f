"""Exact match, token F1 and ROUGE-L: the answer's words against the reference's. No judge is asked."""

from __future__ import annotations

from ragtune.judging.judge import Item
from ragtune.judging.metrics.base import NO_REFERENCE, Metric
from ragtune.records import Score
from ragtune.text.overlap import exact_match, rouge_l, token_f1

_REFERENCE = frozenset({"reference"})
EXACT = Metric(
    "exact_match",
    "Exact match",
    "exact",
    "the answer is a reference, letter for letter after normalising",
    "1 if the normalised answer equals a normalised reference, else 0",
    "SQuAD's script (Rajpurkar et al. 2016)",
    "no reference",
    _REFERENCE,
)
F1 = Metric(
    "token_f1",
    "Token F1",
    "F1",
    "words shared with the reference",
    "harmonic mean of token precision and recall; the best reference counts",
    "SQuAD's script (Rajpurkar et al. 2016)",
    "no reference",
    _REFERENCE,
)
ROUGE_L = Metric(
    "rouge_l",
    "ROUGE-L",
    "ROUGE-L",
    "words shared with the reference in the same order",
    "F1 of the longest common subsequence of tokens; the best reference counts",
    "Lin 2004, ROUGE",
    "no reference",
    _REFERENCE,
    core=False,
)


def exact(item: Item) -> Score:
    return _score(EXACT, item, exact_match(item.answer, item.question.answers))


def f1(item: Item) -> Score:
    return _score(F1, item, token_f1(item.answer, item.question.answers))


def rouge(item: Item) -> Score:
    return _score(ROUGE_L, item, rouge_l(item.answer, item.question.answers))


def _score(metric: Metric, item: Item, value: float) -> Score:
    if not item.question.answerable:
        return Score(metric.name, None, NO_REFERENCE)
    return Score(metric.name, 0.0 if item.abstained else round(value, 6))
