"""Exact match, token F1 and ROUGE-L: the answer's words against the reference's. The witness is not asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragtune.judging.witness import Witness, lacks_reference
from ragtune.records import Metric, Row, Score
from ragtune.text.overlap import exact_match, rouge_l, token_f1

_REFERENCE = frozenset({"reference"})


def _against(name: str, measure: Callable[[str, Sequence[str]], float]) -> Callable[[Witness, Row], Score]:
    def score(witness: Witness, row: Row) -> Score:
        if reason := lacks_reference(row.question):
            return Score(name, None, reason)
        value = 0.0 if row.answer.withheld else measure(row.answer.text, row.question.references)
        return Score(name, round(value, 6))

    return score


EXACT = Metric(
    "exact_match",
    "Exact match",
    "exact",
    "the answer is a reference, letter for letter after normalising",
    "1 if the normalised answer equals a normalised reference, else 0",
    "SQuAD's script (Rajpurkar et al. 2016)",
    "no reference",
    _against("exact_match", exact_match),
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
    _against("token_f1", token_f1),
    _REFERENCE,
    compared=True,
    sliced=True,
)
ROUGE_L = Metric(
    "rouge_l",
    "ROUGE-L",
    "ROUGE-L",
    "words shared with the reference in the same order",
    "F1 of the longest common subsequence of tokens; the best reference counts",
    "Lin 2004, ROUGE",
    "no reference",
    _against("rouge_l", rouge_l),
    _REFERENCE,
    core=False,
)
