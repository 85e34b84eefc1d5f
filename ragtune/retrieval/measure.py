"""Retrieval quality against evidence spans, measured by ir-measures (the pytrec_eval/trec_eval family)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragtune.records import Chunk, Hit, Question

CUTS = (1, 3, 5, 10)


def relevant_chunks(question: Question, chunks_of: Mapping[str, Sequence[Chunk]]) -> set[str]:
    documents = {e.document_id for e in question.evidence}
    return {c.id for d in documents for c in chunks_of.get(d, ()) if question.concerns(c)}


def measure_retrieval(
    questions: Sequence[Question], hits: Sequence[Sequence[Hit]], chunks: Sequence[Chunk]
) -> dict[str, list[float]]:
    """Per question with evidence, in order: recall@k, success@k, RR and nDCG@10, each in [0, 1].

    ``recall@k`` is the share of the question's evidence *spans* that some hit in the top k overlaps (two
    chunks that overlap one span count once); ``RR`` and ``nDCG@10`` use chunks as trec_eval does.
    """
    import ir_measures
    from ir_measures import RR, Qrel, ScoredDoc, Success, nDCG

    chunks_of: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        chunks_of.setdefault(chunk.document_id, []).append(chunk)
    asked = [(q, h) for q, h in zip(questions, hits, strict=True) if q.evidence]
    qrels = [Qrel(q.id, c, 1) for q, _ in asked for c in sorted(relevant_chunks(q, chunks_of))]
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
            top = [h.chunk for h in found[:k]]
            spans = [any(e.overlaps(c) for c in top) for e in question.evidence]
            result[f"recall@{k}"].append(sum(spans) / len(spans))
    return result
