"""Retrieval quality against evidence, measured by ir-measures (the pytrec_eval/trec_eval family)."""

from __future__ import annotations

from collections.abc import Sequence

from ragtune.corpus.evidence import relevant_chunks, share_fulfilled
from ragtune.records import Chunk, Hit, Question

CUTS = (1, 3, 5, 10)


def measure_retrieval(
    questions: Sequence[Question], hits: Sequence[Sequence[Hit]], chunks: Sequence[Chunk]
) -> dict[str, list[float]]:
    """Per question with evidence, in order: recall@k, success@k, RR and nDCG@10, each in [0, 1].

    ``recall@k`` is the share of the question's evidence *items* that some hit in the top k fulfils (two chunks that fulfil
    one item count once, see `corpus.evidence`); the others use chunks as trec_eval does: relevant is what fulfils an item.
    """
    import ir_measures
    from ir_measures import RR, Qrel, ScoredDoc, Success, nDCG

    asked = [(q, h) for q, h in zip(questions, hits, strict=True) if q.evidence]
    relevant = relevant_chunks([q for q, _ in asked], chunks)
    qrels = [Qrel(q, c, 1) for q, own in relevant.items() for c in sorted(own)]
    runs = [ScoredDoc(q.id, h.chunk.id, float(-h.rank)) for q, found in asked for h in found]
    measures = [RR @ 10, nDCG @ 10, *[Success @ k for k in CUTS]]
    table: dict[str, dict[str, float]] = {q.id: {} for q, _ in asked}
    if runs and qrels:
        for row in ir_measures.iter_calc(measures, qrels, runs):
            table[row.query_id][str(row.measure)] = float(row.value)
    result: dict[str, list[float]] = {
        "RR@10": [],
        "nDCG@10": [],
        **{f"success@{k}": [] for k in CUTS},
        **{f"recall@{k}": [] for k in CUTS},
    }
    for question, found in asked:
        row_of = table[question.id]
        result["RR@10"].append(row_of.get("RR@10", 0.0))
        result["nDCG@10"].append(row_of.get("nDCG@10", 0.0))
        for k in CUTS:
            result[f"success@{k}"].append(row_of.get(f"Success@{k}", 0.0))
            result[f"recall@{k}"].append(share_fulfilled(question, [h.chunk for h in found[:k]]))
    return result
