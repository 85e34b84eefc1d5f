"""The section ``prompt``: which prompt, and what is asked with it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator


class PromptSettings(BaseModel):
    """The prompt of a setup. ``prompt: cited`` is short for ``prompt: {style: cited}``.

    ``shots`` puts solved examples of the train split before the question (Brown et al. 2020, arXiv:2005.14165): the same ones for
    every question (``fixed``), those whose questions are most like it (``nearest``: Liu et al. 2022, KATE, arXiv:2101.06804), or
    ones that are unlike each other (``diverse``: after Zhang et al. 2022, Auto-CoT, arXiv:2210.03493). Each stands with the chunk
    that holds its answer where the setup retrieves. None is the question itself or a near copy of it.

    ``reasoning`` has the model think step by step before it answers (Wei et al. 2022, arXiv:2201.11903; Kojima et al. 2022,
    arXiv:2205.11916); the thought is kept apart from the answer, counted in tokens and seconds, and not judged.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    style: str | None = Field(
        None, description="cited, closed, brief or a .yaml file; default: cited with retrieval, closed without"
    )
    system: str | None = Field(
        None,
        min_length=1,
        description="instructions in place of the style's own; {{ abstain }} stands for the agreed sentence",
    )
    shots: int = Field(0, ge=0, le=100, description="solved examples of the train split before the question")
    choose: Literal["fixed", "nearest", "diverse"] = Field(
        "fixed",
        description="shots: the same for all questions, those most like the question, or ones unlike each other",
    )
    reasoning: bool = Field(False, description="think step by step first; the thought is no part of the answer")
    reasoning_tokens: int = Field(
        200, ge=1, description="reasoning: tokens that the thought may take, beside generator.max_new_tokens"
    )

    @field_validator("system")
    @classmethod
    def _is_template(cls, text: str | None) -> str | None:
        wrong = wrong_template(text or "", {"abstain"})
        if wrong:
            raise ValueError(f"{wrong}; only {{{{ abstain }}}} is filled in")
        return text

    def unread(self) -> dict[str, str]:
        """The settings that have no effect here, each with the reason."""
        found = {}
        if not self.shots:
            found["choose"] = "it needs prompt.shots"
        if not self.reasoning:
            found["reasoning_tokens"] = "it needs prompt.reasoning"
        return found


def wrong_template(source: str, names: set[str] | None = None) -> str:
    """What is wrong with a template: it cannot be read, or it asks for something else than ``names``; "" where nothing is."""
    from jinja2 import Environment, TemplateSyntaxError, meta

    try:
        asked = meta.find_undeclared_variables(Environment(autoescape=True).parse(source))
    except TemplateSyntaxError as error:
        return f"this is no template ({str(error.message).rstrip('.')})"
    unknown = sorted(asked - names) if names is not None else []
    return f"nothing is called {unknown[0]}" if unknown else ""


def long_form(value: Any) -> Any:
    """``cited`` as ``{style: cited}``; none as no settings."""
    return {} if value is None else {"style": value} if isinstance(value, str) else value


Prompting = Annotated[PromptSettings, BeforeValidator(long_form)]
