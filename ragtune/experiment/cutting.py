"""Settings of chunking that may ask a generator: what is put before a chunk's text where it is searched."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ragtune.corpus.chunking import ChunkSettings
from ragtune.generation import generators
from ragtune.generation.settings import FOR_ANSWERS, GeneratorSettings
from ragtune.retrieval.parts import Switch


class ContextSettings(BaseModel):
    """What a chunk is searched by, beside its text: its document's title, the headings over it, and a sentence. What is shown stays
    the chunk (contextual retrieval, Anthropic 2024, https://www.anthropic.com/news/contextual-retrieval)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    generator: GeneratorSettings | None = Field(
        None, description="what writes the sentence; default: no model, it is the document's first sentence"
    )
    max_new_tokens: int = Field(64, ge=1, description="longest sentence, in tokens")

    def writer(self) -> GeneratorSettings:
        assert self.generator is not None
        return self.generator.writing(self.max_new_tokens)

    def unread(self) -> dict[str, str]:
        """The settings that have no effect here, each with the reason."""
        if self.generator is None:
            return {"max_new_tokens": "it needs context.generator"}
        own = generators.unread(self.generator)
        own |= dict.fromkeys(FOR_ANSWERS, "it is for answers")
        return {f"generator.{name}": why for name, why in own.items()}


class SummarySettings(ContextSettings):
    """What documents are found by with ``source: summary``, where a model writes it."""

    generator: GeneratorSettings = Field(description="what sums up the documents")  # type: ignore[assignment]
    max_new_tokens: int = Field(128, ge=1, description="longest summary, in tokens")


class CuttingSettings(ChunkSettings):
    """How documents are cut, and what chunks are searched by."""

    context: Annotated[ContextSettings | None, Switch] = Field(
        None, description="search chunks by title, headings and a sentence beside their text"
    )

    def unread(self) -> dict[str, str]:
        found = super().unread()
        if self.context:
            found |= {f"context.{name}": why for name, why in self.context.unread().items()}
        return found
