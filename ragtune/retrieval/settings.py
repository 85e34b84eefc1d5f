"""Retrieval settings, as they stand in an experiment file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ragtune.retrieval.parts import (
    AutoSettings,
    DenseSettings,
    FusionSettings,
    LexicalSettings,
    OracleSettings,
    RerankSettings,
    SqlSettings,
    Switch,
)
from ragtune.retrieval.tuning.settings import DenseTuning, RerankTuning

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


#: the most documents that are shown as a whole corpus
MOST_DOCUMENTS = 1000


def _count(value: Any) -> Any:
    if isinstance(value, str) and value != "auto":
        raise ValueError("this takes a whole number, or auto")
    return value


class RetrievalSettings(BaseModel):
    """How hits are found. At least one of ``dense`` and ``lexical``.

    ``source: oracle`` takes the hits from the questions' evidence instead: a control that shows what the reader could do
    with perfect retrieval.
    """

    model_config = _STRICT

    source: Literal["chunks", "oracle", "training", "corpus", "whole", "summary", "graph", "sql"] = Field(
        "chunks",
        description="what is searched: the chunks; the train questions with their answers; as many chunks of another corpus (a control); whole documents are shown; documents are found by summaries, then their chunks; names in chunks are walked as a graph, beside the search; tables are asked by a query that a generator writes (sql); or the chunks that hold the evidence are taken (oracle, a control)",
    )
    oracle: OracleSettings = OracleSettings()
    corpus: str | None = Field(None, description="source: corpus: the folder of the other corpus")
    sql: SqlSettings = SqlSettings()
    whole: Literal["documents", "corpus"] = Field(
        "documents", description="source: whole: the documents of the hits, or all documents in their order"
    )

    dense: Annotated[DenseSettings | None, Switch] = DenseSettings()
    lexical: Annotated[LexicalSettings | None, Switch] = None
    fusion: FusionSettings = FusionSettings()
    rerank: Annotated[RerankSettings | None, Switch] = None
    mmr: float | None = Field(
        None,
        ge=0,
        le=1,
        description="maximal marginal relevance: weight of relevance against being unlike the hits before, 1 is relevance alone",
    )
    top_k: Annotated[Annotated[int, Field(ge=1, le=1000)] | Literal["auto"], BeforeValidator(_count)] = Field(
        4,
        description="chunks that are shown to the generator; auto: up to the largest drop of the scores",
    )
    auto: AutoSettings = AutoSettings()
    expand: Literal["none", "neighbours", "section", "document"] = Field(
        "none",
        description="what is shown around a hit: the chunks before and after it, its section between headings, its document",
    )
    depth: int = Field(100, ge=1, description="hits each ranking gives to fusion")
    where: dict[str, Any] = Field(default_factory=dict, description="metadata filter: key -> value or list of values")

    @property
    def everything(self) -> bool:
        """The whole corpus is shown to every question: nothing is searched for."""
        return self.source == "whole" and self.whole == "corpus"

    @property
    def wide(self) -> str:
        """What is shown around a hit."""
        return "document" if self.source == "whole" else self.expand

    @property
    def measurable(self) -> bool:
        """Its hits are chosen from the chunks that evidence stands in."""
        return self.source not in ("training", "corpus", "sql") and not self.everything

    @property
    def shown(self) -> int:
        """The most hits that are shown."""
        if self.everything:
            return MOST_DOCUMENTS
        return self.auto.most if self.top_k == "auto" else self.top_k

    def view(self) -> list[Any]:
        """What is made of the hits before they are shown, for the keys of what sees them; nothing where they are shown as found."""
        cut = [self.auto.model_dump()] if self.top_k == "auto" and not self.everything else []
        return [*cut, *([self.wide] if self.wide != "none" else [])]

    def identity(self) -> dict[str, Any]:
        """The settings that change which hits are found, for stage keys: those that have an effect beside the others. Models
        stand in the key by their fingerprints, tuned ones too; an equal name may mean another, and a folder may move."""
        left_out = {"auto", "expand", *(["mmr"] if self.mmr is None else [])}
        left_out |= (
            type(self).model_fields.keys() - RetrievalSettings.model_fields.keys()
        )  # what asks a generator is keyed there
        left_out |= set() if self.source == "sql" else {"sql"}
        left_out |= {"corpus"} | (set() if self.everything else {"whole"})  # a corpus is keyed by its documents
        if self.source != "oracle":
            left_out.add("top_k")  # the oracle shares its places between right and wrong
        found: dict[str, Any] = self.model_dump(mode="json", exclude=left_out)
        for name in (*self.unread(), "dense.embedder", "dense.tuning", "rerank.model", "rerank.tuning"):
            part, _, own = name.partition(".")
            if not own:
                found.pop(part, None)
            elif found.get(part):
                found[part].pop(own, None)
        return {**found, "rerank_kind": self.rerank.kind if self.rerank and "rerank" in found else ""}

    @property
    def tunings(self) -> dict[str, DenseTuning | RerankTuning]:
        """What is tuned of it: ``dense``, ``rerank``."""
        parts = {"dense": self.dense, "rerank": self.rerank}
        return {name: part.tuning for name, part in parts.items() if part and part.tuning}

    @property
    def depends_on_seed(self) -> bool:
        """Something of it is tuned anew for each seed of the experiment."""
        return any(tuning.drawn and tuning.seed is None for tuning in self.tunings.values())

    def seeded(self, seed: int) -> RetrievalSettings:
        """The same as it is under one seed of the experiment."""
        found: dict[str, Any] = {}
        for name, tuning in self.tunings.items():
            if tuning.drawn and tuning.seed is None:
                own = tuning.model_copy(update={"seed": seed})
                found[name] = getattr(self, name).model_copy(update={"tuning": own})
        return self.model_copy(update=found) if found else self

    def unread(self) -> dict[str, str]:
        """The settings that have no effect here (``part.name`` for a part's own), each with the reason."""
        found: dict[str, str] = {}
        if self.source == "oracle" and not self.oracle.distractors:
            why = "source: oracle without oracle.distractors searches for nothing"
            found |= dict.fromkeys(("lexical", "fusion", "rerank", "depth", "dense.index"), why)
            found["oracle.position"] = "it needs oracle.distractors"
        if self.source != "oracle":
            found["oracle"] = "it needs source: oracle"
        if self.source != "corpus":
            found["corpus"] = "it needs source: corpus"
        if self.source != "whole":
            found["whole"] = "it needs source: whole"
        elif self.everything:
            names = ("dense", "lexical", "fusion", "rerank", "depth", "mmr", "top_k", "auto", "expand")
            found |= dict.fromkeys(names, "whole: corpus shows all documents")
        else:
            found["expand"] = "source: whole shows whole documents"
        if self.source != "sql":
            found["sql"] = "it needs source: sql"
        else:
            shown = ("dense", "lexical", "fusion", "rerank", "depth", "mmr", "top_k", "auto", "expand", "where")
            found |= dict.fromkeys(shown, "source: sql shows what its query gives")
        if self.top_k != "auto":
            found["auto"] = "it needs top_k: auto"
        if self.dense is None or self.lexical is None:
            found["fusion"] = "it needs dense and lexical, both"
        elif self.fusion.by == "rrf":
            found["fusion.dense_weight"] = "it needs fusion.by: weighted"
        else:
            found["fusion.rrf_k"] = "it needs fusion.by: rrf"
        kind = self.dense.index.kind if self.dense else "auto"
        if kind not in ("auto", "hnsw"):
            found |= dict.fromkeys(
                ("dense.index.hnsw_links", "dense.index.ef_search"), "it needs dense.index.kind: hnsw"
            )
        if kind not in ("auto", "ivf", "ivfpq"):
            found["dense.index.probes"] = "it needs dense.index.kind: ivf or ivfpq"
        for part, tuning in self.tunings.items():
            found |= {f"{part}.tuning.{name}": why for name, why in tuning.unread().items()}
        return found

    @model_validator(mode="after")
    def _some(self) -> RetrievalSettings:
        if self.dense is None and self.lexical is None:
            raise ValueError("needs dense, lexical, or both")
        if self.rerank and self.rerank.tuning and self.rerank.kind == "late-interaction":
            raise ValueError("rerank.tuning needs rerank.model: a CrossEncoder, or an encoder such as bundled:minilm")
        if self.source == "corpus" and not self.corpus:
            raise ValueError("source: corpus needs retrieval.corpus, the folder of the other corpus")
        if self.source == "training" and (self.expand != "none" or self.where):
            raise ValueError("source: training has no documents: take expand and where away")
        if self.mmr is not None and self.dense is None:
            raise ValueError("mmr compares the chunks' vectors: it needs dense")
        by_rank = self.source in ("oracle", "summary")
        if self.top_k == "auto" and (by_rank or self.mmr is not None):
            what = f"source: {self.source}" if by_rank else "mmr"
            raise ValueError(f"top_k: auto goes by the drop of the scores, which {what} does not rank by")
        if self.source == "oracle":
            if self.tunings:
                raise ValueError(
                    "source: oracle takes its hits from the evidence; take tuning of dense and rerank away"
                )
            if self.where:
                raise ValueError("source: oracle takes no filter (where)")
            if self.oracle.distractors >= self.shown:
                raise ValueError(
                    f"top_k ({self.top_k}) must be larger than oracle.distractors ({self.oracle.distractors})"
                )
        elif self.oracle != OracleSettings():
            raise ValueError("the oracle settings need source: oracle")
        return self
