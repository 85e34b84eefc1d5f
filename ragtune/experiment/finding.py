"""Settings of retrieval that ask a generator: queries that it writes, and rounds of retrieving and answering."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ragtune.experiment.cutting import SummarySettings
from ragtune.generation import generators
from ragtune.generation.settings import FOR_ANSWERS, GeneratorSettings
from ragtune.retrieval.parts import Switch
from ragtune.retrieval.settings import RetrievalSettings
from ragtune.retrieval.written import COUNTS, By


class QuerySettings(BaseModel):
    """What is searched for in place of the question: a generator writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    by: By = Field(
        description="rewrite: the question as a query; hyde: a passage that might answer it is embedded; multi-query: further queries, rankings fused; decompose: simpler questions, answered one after the other; sql: a query for source: sql"
    )
    n: int | None = Field(
        None, ge=1, le=10, description="passages (hyde), queries (multi-query), questions (decompose); default: 1, 3, 4"
    )
    generator: GeneratorSettings | None = Field(None, description="what writes them; default: the setup's own, untuned")
    max_new_tokens: int = Field(128, ge=1, description="longest reply, in tokens")

    @property
    def count(self) -> int:
        return self.n or COUNTS[self.by]

    def writer(self, own: GeneratorSettings) -> GeneratorSettings:
        """The settings of what writes: greedy where it is the setup's own, and without rules on answers."""
        base = self.generator or own.model_copy(update={"temperature": 0.0, "top_p": 1.0})
        return base.writing(self.max_new_tokens)

    def unread(self) -> dict[str, str]:
        """The settings that have no effect here, each with the reason."""
        found = {"n": "it needs by: hyde, multi-query or decompose"} if self.by in ("rewrite", "sql") else {}
        if self.generator:
            own = generators.unread(self.generator)
            own |= dict.fromkeys(FOR_ANSWERS, "it is for answers; query.max_new_tokens says how long a query may be")
            found |= {f"generator.{name}": why for name, why in own.items()}
        return found


def _query(value: Any) -> Any:
    return {"by": value} if isinstance(value, str) else value


class FindingSettings(RetrievalSettings):
    """How hits are found, asked for, and used. At least one of ``dense`` and ``lexical``.

    ``source: oracle`` takes the hits from the questions' evidence instead: a control that shows what the reader could do
    with perfect retrieval.
    """

    query: Annotated[QuerySettings | None, BeforeValidator(_query), Switch] = Field(
        None, description="queries that a generator writes: none, or what it writes (by)"
    )

    summary: SummarySettings | None = Field(
        None,
        description="source: summary: summaries that a model writes; without, they are made of the documents' own words",
    )
    when: Literal["once", "iterative", "after"] = Field(
        "once",
        description="when hits are found: before answering; again with the answer so far, in rounds; or after a first answer without contexts, which is then kept or made anew",
    )
    rounds: int = Field(2, ge=2, le=5, description="iterative: answers at most, the first one included")

    def way(self) -> list[Any]:
        """How hits and answers follow one another, for the keys of what measures both; nothing where that is once."""
        return [] if self.when == "once" else [self.when, *([self.rounds] if self.when == "iterative" else [])]

    def unread(self) -> dict[str, str]:
        found = super().unread()
        if self.source != "summary":
            found["summary"] = "it needs source: summary"
        elif self.summary:
            found |= {f"summary.{name}": why for name, why in self.summary.unread().items()}
        if self.when != "iterative":
            found["rounds"] = "it needs when: iterative"
        if self.everything:
            why = "whole: corpus shows all documents"
            found |= {"when": why, "rounds": why} if self.when == "iterative" else {}
            found |= {"query": why} if self.query and self.query.by != "decompose" else {}
        if self.query:
            found |= {f"query.{name}": why for name, why in self.query.unread().items()}
        return found

    @model_validator(mode="before")
    @classmethod
    def _writes_sql(cls, data: Any) -> Any:
        """``source: sql`` has its query written without saying so."""
        if isinstance(data, dict) and data.get("source") == "sql" and not data.get("query"):
            return {**data, "query": {"by": "sql"}}
        return data

    @model_validator(mode="after")
    def _asking(self) -> FindingSettings:
        if self.query and self.source == "oracle":
            raise ValueError("source: oracle takes hits from evidence: no query is searched for")
        if self.query and (self.query.by == "sql") != (self.source == "sql"):
            raise ValueError("query: sql and source: sql go together")
        if self.when != "once" and (self.query or self.source == "oracle"):
            what = "query" if self.query else "source: oracle"
            raise ValueError(f"when: {self.when} searches with answers, {what} does not: take one of them")
        if self.query and self.query.by == "hyde" and self.dense is None:
            raise ValueError("query: hyde embeds a passage: it needs dense")
        return self
