"""What is wanted of a set of questions made from documents."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Split = Literal["train", "dev", "test"]
Style = Literal["sentence", "keyword", "typos"]
Kind = Literal["single fact", "paraphrase", "yes/no", "unanswerable", "two documents", "comparison"]


class SynthesisSettings(BaseModel):
    """How many questions, of which kinds and styles, made by what, and how they are checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    number: int = Field(100, ge=1, description="questions wanted in all")
    kinds: dict[Kind, float] = Field(
        {"single fact": 0.75, "yes/no": 0.1, "unanswerable": 0.15},
        description="share of each kind; a kind that the method cannot make is left out, and named",
    )
    styles: dict[Style, float] = Field(
        {"sentence": 1.0}, description="share of each style: a full sentence, keywords alone, with typing errors"
    )
    per_document: int | None = Field(
        None,
        ge=1,
        description="questions of one document, at most; default: 6, or twice its share where documents are few",
    )
    split: Split | None = Field(
        None, description="the split of all of them; default: half test, two fifths train, the rest dev"
    )
    seed: int = Field(0, ge=0)
    model: str | None = Field(
        None, description="the model that writes them (id, folder, or served name); default: rules alone"
    )
    endpoint: str | None = Field(None, description="OpenAI-compatible server of the model")
    budget: int | None = Field(None, ge=1, description="requests to the model, at most")
    check: bool = Field(True, description="whether a reader must find and answer each question (the slow part)")
    embedder: str | None = Field(None, description="what the check finds evidence by; default: the default embedder")
    reader: str | None = Field(
        None,
        description="the model that answers in the check; default: the bundled reader, where it reads the language",
    )

    @model_validator(mode="after")
    def _sane(self) -> SynthesisSettings:
        for name, shares in (("kinds", self.kinds), ("styles", self.styles)):
            if not shares or any(s < 0 for s in shares.values()) or not sum(shares.values()):
                raise ValueError(f"{name} needs shares that are not negative, and one above 0")
        if self.endpoint and not self.model:
            raise ValueError("an endpoint needs the model name that the server knows")
        if self.budget and not self.model:
            raise ValueError("a budget limits requests to a model: name one")
        return self
