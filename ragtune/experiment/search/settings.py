"""The section ``search``: what is varied, and how much may be spent on it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Range(BaseModel):
    """Numbers between ``from`` and ``to``, both included; whole ones where both are."""

    model_config = ConfigDict(**_STRICT, serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    low: float | int = Field(alias="from", description="the smallest value")
    high: float | int = Field(alias="to", description="the largest value")
    step: float | int | None = Field(None, gt=0, description="distance between values")
    log: bool = Field(False, description="small values are tried as closely as large ones (learning rates)")

    @model_validator(mode="after")
    def _check(self) -> Range:
        if self.low >= self.high:
            raise ValueError("from must be smaller than to")
        if self.log and (self.step or self.low <= 0):
            raise ValueError("log: true takes no step, and numbers above 0")
        return self

    @property
    def whole(self) -> bool:
        return all(isinstance(n, int) for n in (self.low, self.high, self.step) if n is not None)


#: what a range is given as: a list of values, or bounds
Values = Annotated[
    Annotated[list[Any], Tag("[list]")] | Annotated[Range, Tag("[range]")],
    Discriminator(lambda given: "[range]" if isinstance(given, dict | Range) else "[list]"),
]


class SearchSettings(BaseModel):
    """``ragtune search``: Optuna (Akiba et al. 2019, arXiv:1907.10902) proposes settings of one setup by its tree-structured Parzen
    estimator (Bergstra et al. 2011); they race as in F-Race (Birattari et al. 2002): questions are answered in rounds, and a
    setup that is shown worse than the best so far stops early."""

    model_config = _STRICT

    setup: str | None = Field(None, description="the setup whose settings are varied; default: the first one")
    ranges: dict[str, Values] = Field(
        min_length=1,
        description="setting (as retrieval.top_k) -> a list of values, or {from, to, step, log}",
    )
    split: Literal["dev", "train"] = Field(
        "dev", description="the questions that choose; train where nothing is tuned and there are no dev questions"
    )
    trials: int = Field(32, ge=2, description="setups that are tried at most, the one as written included")
    answers: int | None = Field(
        None,
        ge=1,
        description="answers that are computed at most, so no setup is begun that might take more; what is shared counts once",
    )
    rounds: int = Field(
        5,
        ge=1,
        le=20,
        description="parts in which a setup's questions are asked, each twice as large as the one before",
    )
    alpha: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="chance that a setup which is no worse is stopped early, over all its rounds; somewhat more where the best one is the luckiest of many",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the proposals and of the questions' order")

    @model_validator(mode="after")
    def _check(self) -> SearchSettings:
        for name, values in self.ranges.items():
            if isinstance(values, list) and len(values) < 2:
                raise ValueError(f"ranges: {name} needs two values or more")
            if isinstance(values, list) and len({repr(v) for v in values}) < len(values):
                raise ValueError(f"ranges: {name} holds a value twice")
        return self
