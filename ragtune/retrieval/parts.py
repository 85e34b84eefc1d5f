"""The parts of retrieval, as they stand in an experiment file: search, fusion, re-ranking, and what sources alone heed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ragtune.models.packages import DEFAULT_EMBEDDER
from ragtune.retrieval.tuning.settings import DenseTuning, RerankTuning

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _switch(value: Any) -> Any:
    """``dense: true`` means the part with its defaults, ``false`` or ``none`` means without."""
    if value is True:
        return {}
    return None if value in (False, "none") else value


Switch = BeforeValidator(_switch)


class IndexSettings(BaseModel):
    """FAISS index. ``auto``: exact up to 50,000 chunks, HNSW to 500,000, then IVF (IVF-PQ from 5 million)."""

    model_config = _STRICT

    kind: Literal["auto", "exact", "hnsw", "ivf", "ivfpq"] = Field(
        "auto", description="the kind of FAISS index; auto goes by the number of chunks"
    )
    hnsw_links: int = Field(32, ge=4, description="HNSW: neighbours that each vector is linked to")
    ef_search: int = Field(
        128, ge=1, description="HNSW: candidates that are kept while searching; more find more, slower"
    )
    probes: int = Field(16, ge=1, description="IVF lists visited per query")


class DenseSettings(BaseModel):
    """Search by the vectors of a sentence-transformers model, with FAISS."""

    model_config = _STRICT

    embedder: str = Field(DEFAULT_EMBEDDER, description="the model that embeds: bundled:NAME, a hub id or a folder")
    index: IndexSettings = IndexSettings()
    tuning: Annotated[DenseTuning | None, Switch] = None


class LexicalSettings(BaseModel):
    """Search by words: BM25."""

    model_config = _STRICT

    engine: Literal["bm25s", "rank-bm25"] = Field("bm25s", description="the package that computes BM25")
    k1: float = Field(1.5, gt=0, description="BM25: how far repeating a word counts")
    b: float = Field(0.75, ge=0, le=1, description="BM25: how far long chunks are held back (0: not at all)")
    stem: bool = Field(
        True, description="English stems (Snowball); Chinese is cut into characters and pairs either way"
    )


class FusionSettings(BaseModel):
    """One ranking made of the dense and the lexical one."""

    model_config = _STRICT

    by: Literal["rrf", "weighted"] = Field("rrf", description="reciprocal ranks, or a weighted sum of the scores")
    rrf_k: int = Field(60, ge=1, description="rrf: the constant added to a rank (Cormack et al. 2009)")
    dense_weight: float = Field(0.5, ge=0, le=1, description="weight of the dense ranking; lexical gets the rest")


class RerankSettings(BaseModel):
    """``bundled:late-interaction`` (MaxSim over the embedder's tokens) or a CrossEncoder id or folder."""

    model_config = _STRICT

    model: str = Field("bundled:late-interaction", description="what scores the candidates: this, or a CrossEncoder")
    candidates: int = Field(20, ge=1, description="hits of the first stage that are scored again")
    tuning: Annotated[RerankTuning | None, Switch] = None

    @property
    def kind(self) -> Literal["late-interaction", "cross-encoder"]:
        """Its name in `rerank.RERANKERS`."""
        return "late-interaction" if self.model == "bundled:late-interaction" else "cross-encoder"


class OracleSettings(BaseModel):
    """``source: oracle``: the chunks that hold the evidence, among ``distractors`` that search finds.

    Hits that do not fit the model's window are dropped from the end, so give it room where the right ones stand last.
    """

    model_config = _STRICT

    distractors: int = Field(0, ge=0, description="best-ranked chunks without evidence shown beside the right ones")
    position: Literal["first", "middle", "last", "random"] = Field(
        "first", description="where the right chunks stand among the distractors; random follows the question's id"
    )


class AutoSettings(BaseModel):
    """``top_k: auto``: as many hits as stand before the largest drop of their scores (Adaptive-k, arXiv:2506.08479)."""

    model_config = _STRICT

    most: int = Field(10, ge=2, le=1000, description="hits among which the drop is looked for")
    budget: int | None = Field(
        None,
        ge=1,
        description="tokens that the hits may take together, in tokens of the embedder; the first is always shown",
    )


class SqlSettings(BaseModel):
    """``source: sql``: a generator writes one SELECT over the tables of the documents, which DuckDB runs (extra ``sql``)."""

    model_config = _STRICT

    rows: int = Field(50, ge=1, le=1000, description="rows of a result that are shown")
    seconds: float = Field(5.0, gt=0, description="what a query may take")
