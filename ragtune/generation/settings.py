"""Generator settings, as they stand in an experiment file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from ragtune.errors import without_login
from ragtune.models.address import Endpoint, well_formed
from ragtune.models.packages import DEFAULT_READER

#: the variable that endpoints take their key from unless another is named
OPENAI_KEY = "OPENAI_API_KEY"
_FUNCTION = re.compile(r".+\.py:[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_address(system: str) -> bool:
    """Whether a system is asked over HTTP."""
    return system.startswith(("http://", "https://", "${"))


def file_of(system: str) -> tuple[Path, str]:
    """(file, function) of ``path/to/file.py:function``."""
    path, _, name = system.rpartition(":")
    return Path(path).expanduser(), name


def _system(named: str) -> str:
    if is_address(named):
        return well_formed(named)
    if not _FUNCTION.fullmatch(named):
        raise ValueError("a system is FILE.py:FUNCTION, a URL, or a file of answers (.jsonl, .csv)")
    return named


#: a function or an address, as it stands in an experiment file
System = Annotated[str, AfterValidator(_system), PlainSerializer(without_login, when_used="json")]


#: settings that are for answers, and not for queries or sentences that a generator writes
FOR_ANSWERS = ("max_new_tokens", "abstain_above", "abstain_below", "stop", "quote", "context_weight")


class GeneratorSettings(BaseModel):
    """What answers: a local model, an OpenAI-compatible endpoint, a system that exists, ``extractive`` or ``given`` (no model)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: str = Field(
        DEFAULT_READER,
        description="bundled:NAME, a hub id, a folder or a GGUF file, MODEL + FOLDER with an adapter; extractive; given; with endpoint the name that the server knows",
    )
    endpoint: Endpoint | None = Field(
        None,
        description="base URL of an OpenAI-compatible server, ${VARIABLE} in it is filled in; then model is its model name",
    )
    system: System | None = Field(
        None, description="a system that exists: FILE.py:FUNCTION, or the URL that takes {question} and gives {answer}"
    )
    version: str = Field(
        "",
        description="system: what its answers are kept by, beside the file's content; name a new one when it has changed",
    )
    varies: bool = Field(False, description="system: it may answer the same question differently each time")
    python: str | None = Field(None, description="system: the Python that runs its file (default: this one)")
    api_key_env: str = Field(
        OPENAI_KEY,
        description="environment variable that holds the endpoint's key; a system is sent one that is named here",
    )
    answers: str | None = Field(None, description="given: the file of answers (JSONL or CSV)")
    columns: dict[str, str] = Field(default_factory=dict, description="given: our column -> the file's")
    max_new_tokens: int = Field(48, ge=1, description="longest answer, in tokens")
    window: int | None = Field(
        None, ge=64, description="largest prompt plus answer, in tokens; default: the model's own"
    )
    temperature: float = Field(0.0, ge=0, description="0 is greedy")
    top_p: float = Field(
        1.0, gt=0, le=1, description="sample among the likeliest tokens that reach this probability together"
    )
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="strings at which the answer ends; they are cut away (base models go on without end)"
    )
    context_weight: float = Field(
        0.0,
        ge=0,
        le=5,
        description="local models: how far what the contexts change about the next token counts for more (0: not); the model works twice",
    )
    quote: bool = Field(
        False,
        description="local models: an answer is a span of a context, word for word, with its citation, or abstains",
    )
    stop_repeating: bool = Field(
        False, description="local models: the answer ends where it goes round in circles; it stays as far as that"
    )
    thinking: bool = Field(
        False, description="local models: let a model think before it answers, where its chat template can switch that"
    )
    abstain_above: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="local models: abstain where the model gives that at least this probability, else answer; default: the model's own (bundled:reader: 0.8), else as it decodes",
    )
    abstain_below: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="local models: abstain where the geometric mean of the answer's token probabilities is lower (0: never)",
    )
    batch_tokens: int = Field(8192, ge=64, description="padded prompt tokens per batch")
    device: str = Field(
        "auto", description="local models: where they run, such as cpu or cuda:0; auto: a GPU if there is one"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="local models: the precision that they run in; auto goes by the device"
    )
    concurrency: int = Field(8, ge=1, description="endpoint requests at a time")
    timeout: float = Field(60.0, gt=0, description="seconds an endpoint request may take")
    retries: int = Field(5, ge=0, description="how often a failed endpoint request is sent again")

    @model_validator(mode="after")
    def _sane(self) -> GeneratorSettings:
        if self.endpoint and self.model in ("extractive", "given", DEFAULT_READER):
            raise ValueError("an endpoint needs the model name that the server knows")
        if self.quote and self.thinking:
            raise ValueError(
                "quote answers with words of the contexts alone, and thinking: true with thoughts: take one of them"
            )
        if (self.model == "given") != (self.answers is not None):
            raise ValueError("model: given and answers: FILE go together")
        if self.system and (self.endpoint or self.answers or self.model != DEFAULT_READER):
            raise ValueError("a system answers by itself: name no model, endpoint or answers beside it")
        return self

    def writing(self, max_new_tokens: int) -> GeneratorSettings:
        """The settings as something else than an answer is written with them: without what `FOR_ANSWERS` names."""
        free = {name: type(self).model_fields[name].default for name in FOR_ANSWERS}
        return self.model_copy(update={**free, "max_new_tokens": max_new_tokens})

    @property
    def kind(self) -> Literal["extractive", "given", "endpoint", "system", "local"]:
        """Its name in `generators.GENERATORS`."""
        if self.system:
            return "system"
        if self.model == "extractive":
            return "extractive"
        return "given" if self.model == "given" else "endpoint" if self.endpoint else "local"

    @property
    def sampled(self) -> bool:
        return self.temperature > 0
