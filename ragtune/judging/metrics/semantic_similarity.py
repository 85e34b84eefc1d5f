"""Semantic similarity: does the answer mean what the reference means."""

from __future__ import annotations

from ragtune.judging.witness import WITHHELD, Witness, lacks_reference
from ragtune.records import Metric, Row, Score

NAME = "semantic_similarity"


def score(witness: Witness, row: Row) -> Score:
    """Similarity of answer and reference (`judging.similarity`); 0 for abstaining from an answerable question."""
    if reason := lacks_reference(row.question):
        return Score(NAME, None, reason)
    if row.answer.withheld or not row.answer.text:
        return Score(NAME, 0.0, WITHHELD)
    return Score(NAME, round(max(witness.similarity(row.answer.text, r) for r in row.question.references), 6))


METRIC = Metric(
    NAME,
    "Semantic similarity",
    "similar",
    "closeness of meaning to the reference",
    "cosine of the embeddings of answer and reference, from that of unrelated texts on where it is known of the embedder "
    "(bundled:e5-small: .81), below counted as 0; the best reference counts",
    "RAGAS documentation, semantic similarity",
    "no reference",
    score,
    frozenset({"reference"}),
    core=False,
)
