"""Prompt files: how contexts and questions become messages, and what fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from ragtune.errors import ExperimentError
from ragtune.models.server import Message
from ragtune.records import Hit
from ragtune.store import digest
from ragtune.text.data import Unreadable, exists, read_yaml


@dataclass(frozen=True)
class Prompt:
    """One prompt file. ``key`` identifies its content in stage keys."""

    name: str
    system: str
    context: str
    user: str
    abstain: str
    key: str

    def messages(self, question: str, hits: Sequence[Hit]) -> list[Message]:
        """Chat messages with contexts numbered from 1 in the order of ``hits``."""
        contexts = [
            _template(self.context).render(number=n, title=h.chunk.title, text=h.chunk.text)
            for n, h in enumerate(hits, 1)
        ]
        user = _template(self.user).render(contexts=contexts, question=question, abstain=self.abstain)
        system = _template(self.system).render(abstain=self.abstain).strip()
        return [*([{"role": "system", "content": system}] if system else []), {"role": "user", "content": user}]


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
