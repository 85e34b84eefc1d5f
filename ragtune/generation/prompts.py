"""Prompt files: how contexts and questions become messages, and what fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from ragtune.errors import ExperimentError
from ragtune.generation.prompting import PromptSettings, wrong_template
from ragtune.models.server import Message
from ragtune.records import Hit
from ragtune.store import digest
from ragtune.text.data import Unreadable, exists, read_yaml

#: how a model is asked to think first; `text.thoughts.reasoned` reads what comes back
_THINK = (
    "Think it through step by step first, in a few short sentences. "
    'Then write "Answer:" on a new line, and after it the answer alone.'
)


@dataclass(frozen=True)
class Shot:
    """A solved example: its question, the hits that stand with it, and what the assistant says."""

    question: str
    hits: tuple[Hit, ...]
    answer: str


@dataclass(frozen=True)
class Prompt:
    """One prompt file. ``key`` identifies its content in stage keys. ``reasoning``: it asks for a thought before the answer."""

    name: str
    system: str
    context: str
    user: str
    abstain: str
    key: str
    reasoning: bool = False

    def asked(self, settings: PromptSettings) -> Prompt:
        """The prompt with the instructions and the reasoning that ``settings`` ask for."""
        made = self
        if settings.system is not None:
            made = replace(made, system=settings.system, key=digest(made.key, "system", settings.system))
        if settings.reasoning:
            made = replace(made, reasoning=True, key=digest(made.key, "reasoning", _THINK))
        return made

    def messages(self, question: str, hits: Sequence[Hit], shots: Sequence[Shot] = ()) -> list[Message]:
        """Chat messages: instructions, the ``shots`` as turns that went before, and the question with its contexts, numbered from
        1 in the order of ``hits``."""
        told: list[Message] = []
        for shot in shots:
            told += [*self._turn(shot.question, shot.hits), {"role": "assistant", "content": shot.answer}]
        system = _template(self.system).render(abstain=self.abstain).strip()
        return [*([{"role": "system", "content": system}] if system else []), *told, *self._turn(question, hits)]

    def _turn(self, question: str, hits: Sequence[Hit]) -> list[Message]:
        contexts = [
            _template(self.context).render(number=n, title=h.chunk.title, text=h.chunk.text)
            for n, h in enumerate(hits, 1)
        ]
        user = _template(self.user).render(contexts=contexts, question=question, abstain=self.abstain)
        return [{"role": "user", "content": f"{user}\n\n{_THINK}" if self.reasoning else user}]


@lru_cache(maxsize=64)
def _template(source: str) -> Any:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # prompts are plain text for a model, not HTML, so nothing is escaped here
    return ImmutableSandboxedEnvironment(autoescape=False, keep_trailing_newline=False).from_string(source)


def load_prompt(name: str, base: Path | None = None) -> Prompt:
    """A shipped prompt by name (``cited``, ``closed``, ``brief``) or a YAML file by path.

    Raises:
        ExperimentError: no such prompt; a key is missing or not text.
    """
    path = (base or Path()) / name
    if path.suffix in {".yaml", ".yml"}:
        if not exists(path):
            raise ExperimentError("there is no such prompt file.", where=path)
        try:
            source = path.read_text("utf-8")
        except UnicodeDecodeError:
            raise ExperimentError("this prompt file is not UTF-8 text.", where=path) from None
    else:
        file = resources.files("ragtune.generation").joinpath("prompts", f"{name}.yaml")
        if not file.is_file():
            raise ExperimentError(
                f'unknown prompt "{name}".', fix=f"Shipped are: {', '.join(shipped_prompts())}; or name a .yaml file."
            )
        source = file.read_text("utf-8")
    try:
        data, _ = read_yaml(source)
    except Unreadable as error:
        place = f"{path}:{error.line}" if error.line else path
        raise ExperimentError(f"this prompt file is not YAML ({error.what}).", where=place) from None
    missing = [
        k
        for k in ("system", "context", "user", "abstain")
        if not isinstance(data, dict) or not isinstance(data.get(k), str)
    ]
    if missing:
        raise ExperimentError(f'the prompt needs "{missing[0]}" as text.', where=path)
    parts = {k: data[k] for k in ("system", "context", "user", "abstain")}
    for key, text in parts.items():
        if wrong := wrong_template(text):
            raise ExperimentError(f'"{key}": {wrong}.', where=path)
    return Prompt(name, key=digest(parts), **parts)


def shipped_prompts() -> list[str]:
    return sorted(
        p.name[:-5]
        for p in resources.files("ragtune.generation").joinpath("prompts").iterdir()
        if p.name.endswith(".yaml")
    )


def fit(hits: Sequence[Hit], count: Callable[[Sequence[Hit]], int], room: int) -> tuple[list[Hit], int]:
    """The best-ranked hits whose prompt takes at most ``room`` tokens, and how many were dropped.

    Hits are dropped from the lowest rank and never cut. ``count`` gives a prompt's tokens for some hits.

    Raises:
        ExperimentError: the prompt is too long even without hits.
    """
    kept = list(hits)
    while count(kept) > room:
        if not kept:
            raise ExperimentError(
                f"the question alone does not fit the model's window ({room} tokens left).",
                fix="Use a model with a larger window or fewer answer tokens.",
            )
        kept.pop()
    return kept, len(hits) - len(kept)


def fit_shots(
    shots: Sequence[Shot], hits: Sequence[Hit], count: Callable[[Sequence[Shot], Sequence[Hit]], int], room: int
) -> tuple[tuple[Shot, ...], list[Hit]]:
    """The shots and hits whose prompt takes at most ``room`` tokens: shots are dropped before hits, from the last.

    Raises:
        ExperimentError: as `fit`.
    """
    kept = list(shots)
    while kept and count(kept, hits) > room:
        kept.pop()
    return tuple(kept), fit(hits, lambda some: count(kept, some), room)[0]
