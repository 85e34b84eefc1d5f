"""``system``: what a team already has, a Python function or an HTTP address, asked as it is.

It gets the question alone. It gives the answer as text, or a mapping with ``answer`` and, if it can, ``contexts`` (texts, or
mappings with ``text`` and ``document``), ``citations`` (numbers of contexts, from 1) and ``usage`` (``prompt_tokens``,
``completion_tokens``). No answer (None, or an empty text) is abstaining.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ragtune.errors import ModelError
from ragtune.generation.asking import side_by_side
from ragtune.generation.generator import Reply, Request
from ragtune.generation.prompts import Prompt
from ragtune.generation.settings import GeneratorSettings, is_address
from ragtune.records import Chunk, Hit, Tokens
from ragtune.store import digest
from ragtune.text.fold import whole

_FORM = 'Give text, or {"answer": text, "contexts": [texts], "citations": [numbers from 1]}.'
#: other names for its parts, as frameworks call them
_NAMES = {
    "answer": ("answer", "response", "result", "output"),
    "contexts": ("contexts", "context", "retrieved_contexts", "source_documents", "sources"),
    "text": ("text", "page_content", "content"),
    "document": ("document", "document_id", "source", "title"),
}


class Host(Protocol):
    """Where a system runs."""

    where: str

    def ask(self, question: str) -> tuple[Any, float]:
        """What it gives, as plain JSON, and the seconds it took.

        Raises:
            ModelError: it fails, hangs, or gives something that is no JSON.
        """
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Given:
    """What a system gave."""

    text: str
    hits: tuple[Hit, ...]
    tokens: Tokens


class SystemGenerator:
    """Asks a system, one question after the other (``concurrency`` at a time over HTTP)."""

    def __init__(self, prompt: Prompt, settings: GeneratorSettings) -> None:
        self._prompt, self._settings = prompt, settings
        self._host: Host | None = None
        self._tried = settings.varies
        self._known: dict[str, tuple[Given, float]] = {}

    @property
    def _open(self) -> Host:
        if self._host is None:
            self._host = host(self._settings)
            weakref.finalize(self, self._host.close)
        return self._host

    def batches(self, requests: Sequence[Request], seed: int) -> list[list[Request]]:
        return [[request] for request in requests]

    def answer(self, batch: Sequence[Request], adapter: Path | None, seed: int) -> Iterator[tuple[str, Reply]]:
        if adapter is not None:
            raise ModelError("a system cannot use a local adapter.", where=self._settings.system)
        self._try(batch)
        width = self._settings.concurrency if is_address(str(self._settings.system)) else 1
        yield from side_by_side(self._ask, batch, width)

    def _try(self, batch: Sequence[Request]) -> None:
        """Ask the first question twice, once: what answers differently each time cannot be measured by one answer."""
        if self._tried or not batch:
            return
        self._tried = True
        first, second = (self._given(batch[0].question.text) for _ in range(2))
        self._known[batch[0].key] = first
        if first[0].text != second[0].text:
            raise ModelError(
                f'it answered "{first[0].text[:200]}" and then "{second[0].text[:200]}" to the same question.',
                where=self._open.where,
                fix="Make it repeatable (temperature 0, a fixed seed), or say varies: true.",
            )

    def _ask(self, request: Request) -> tuple[str, Reply]:
        known = request.key in self._known
        given, seconds = self._known.pop(request.key) if known else self._given(request.question.text)
        return request.key, Reply(given.text, len(given.hits), given.tokens, "stop", seconds, brought=given.hits)

    def _given(self, question: str) -> tuple[Given, float]:
        value, seconds = self._open.ask(question)
        return read(value, self._prompt.abstain, self._open.where), seconds


def host(settings: GeneratorSettings) -> Host:
    """Where ``settings.system`` runs."""
    from ragtune.generation.hosts import Address, Process

    return Address(settings) if is_address(str(settings.system)) else Process(settings)


def _part(held: dict[str, Any], name: str) -> Any:
    return next((held[n] for n in _NAMES[name] if held.get(n) is not None), None)


def read(value: Any, abstain: str, where: str) -> Given:
    """A system's reply; ``abstain`` is what stands for none.

    Raises:
        ModelError: it is of another form.
    """
    if value is None or isinstance(value, str):
        value = {"answer": value}
    if not isinstance(value, dict):
        raise _odd(f"a {type(value).__name__}", where)
    text = _part(value, "answer")
    if text is not None and not isinstance(text, str):
        raise _odd(f"an answer that is a {type(text).__name__}", where)
    if text is None and not any(name in value for name in _NAMES["answer"]):
        raise _odd(f"no answer (its keys: {', '.join(list(value)[:6]) or 'none'})", where)
    hits = _hits(_part(value, "contexts"), where)
    marks = _marks(value.get("citations"), len(hits), where)
    said = whole(text or "").strip() or abstain
    missing = "".join(mark for mark in marks if mark not in said)
    return Given(f"{said} {missing}".strip(), hits, _tokens(value.get("usage")))


def _odd(what: str, where: str) -> ModelError:
    return ModelError(f"the system gave {what}.", where=where, fix=_FORM)


def _hits(contexts: Any, where: str) -> tuple[Hit, ...]:
    if isinstance(contexts, str):
        contexts = [contexts]
    if contexts is None:
        return ()
    if not isinstance(contexts, list):
        raise _odd(f"contexts that are a {type(contexts).__name__}", where)
    found = []
    for n, context in enumerate(contexts, 1):
        held = context if isinstance(context, dict) else {"text": context}
        text, document = _part(held, "text"), _part(held, "document")
        if not isinstance(text, str):
            raise _odd(f"a context without text ({n})", where)
        text, named = whole(text), whole(str(document)) if document else f"context {n}"
        found.append(Hit(Chunk(digest(named, n, text), named, 0, len(text), text), 1.0 / n, n))
    return tuple(found)


def _marks(citations: Any, contexts: int, where: str) -> list[str]:
    if citations is None:
        return []
    if not isinstance(citations, list) or not all(type(n) is int and 1 <= n <= contexts for n in citations):
        raise _odd(f"citations that are no numbers from 1 to {contexts}", where)
    return [f"[{n}]" for n in dict.fromkeys(citations)]


def _tokens(usage: Any) -> Tokens:
    counts = [usage.get(n) if isinstance(usage, dict) else 0 for n in ("prompt_tokens", "completion_tokens")]
    return Tokens(*(n if type(n) is int and n >= 0 else 0 for n in counts))
