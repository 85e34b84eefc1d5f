"""Asking a language model for JSON: parse, repair, ask again with the error shown, keep every raw reply."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import astuple
from functools import lru_cache
from importlib import resources
from typing import Annotated, Any, Literal, Protocol, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from ragtune.errors import ExperimentError
from ragtune.judging.witness import Unscorable
from ragtune.models.causal import LanguageModel
from ragtune.models.chat import VERSION as CHAT_VERSION
from ragtune.models.server import Server
from ragtune.records import Json
from ragtune.store import Log, digest
from ragtune.text.thoughts import apart

T = TypeVar("T", bound=BaseModel)


class Chat(Protocol):
    """A language model that answers one message. ``schema`` is a JSON schema, for servers that hold replies to one.

    Raises:
        ModelError: the model cannot be reached or refuses for good.
        Unscorable: it refuses this message.
    """

    @property
    def fingerprint(self) -> str: ...

    @property
    def concurrency(self) -> int: ...

    def ask(self, message: str, schema: Json) -> str: ...


class ServedChat:
    """A model behind an OpenAI-compatible server."""

    def __init__(self, server: Server, concurrency: int, max_tokens: int = 1024) -> None:
        self._server, self._max_tokens = server, max_tokens
        self.concurrency = concurrency
        self.fingerprint = digest("endpoint", server.url, server.model, max_tokens)

    def ask(self, message: str, schema: Json) -> str:
        said = [{"role": "user", "content": message}]
        done = self._server.complete(said, schema=schema, temperature=0.0, max_tokens=self._max_tokens)
        if done.refused:
            raise Unscorable(f"the judge's server refused the request ({done.finish}): {done.refused[:120]}")
        return done.text


class LocalChat:
    """A local model, greedy, one message at a time."""

    concurrency = 1

    def __init__(self, model: LanguageModel, max_tokens: int = 512) -> None:
        self._model, self._max_tokens = model, max_tokens
        told = [*astuple(model.placement), max_tokens, CHAT_VERSION]
        self.fingerprint = digest("local", model.ref.fingerprint, *told)

    def ask(self, message: str, schema: Json) -> str:
        return self._model.reply([{"role": "user", "content": message}], self._max_tokens)


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Statements(_Reply):
    statements: list[str]


def _number(value: Any) -> Any:
    """A truth value or a digit in a text as its number; anything else as it is."""
    if isinstance(value, bool):
        return int(value)
    return int(value) if isinstance(value, str) and value.strip() in ("0", "1") else value


#: 0 or 1; any other verdict is unreadable
Binary = Annotated[Literal[0, 1], BeforeValidator(_number)]


class Judged(_Reply):
    verdict: Binary
    reason: str = ""


class Verdicts(_Reply):
    verdicts: list[Judged]


class Relevance(_Reply):
    question: str
    noncommittal: Binary


class Attributed(_Reply):
    statement: str = ""
    reason: str = ""
    attributed: Binary


class Recall(_Reply):
    classifications: list[Attributed]


class Named(_Reply):
    statement: str
    reason: str = ""


class Correctness(_Reply):
    TP: list[Named] = []
    FP: list[Named] = []
    FN: list[Named] = []


@lru_cache(maxsize=1)
def prompts() -> Json:
    """The judge's prompts with their ``version``."""
    found: Json = yaml.safe_load(resources.files("ragtune.judging").joinpath("prompts/judge.yaml").read_text("utf-8"))
    return found


@lru_cache(maxsize=16)
def _template(name: str) -> Any:
    from jinja2 import Environment, StrictUndefined

    return Environment(undefined=StrictUndefined, trim_blocks=True).from_string(prompts()[name])


def render(name: str, **values: Any) -> str:
    return str(_template(name).render(**values))


def extract_json(text: str) -> Any:
    """The JSON value in a reply: bare, fenced, or among other words; of several the longest. Trailing commas are mended.

    Raises:
        ValueError: there is none, or the reply was cut before its end.
    """
    told = apart(text)
    if told.cut:
        raise ValueError("it ends while still thinking")
    body = told.text
    if found := _values(body):
        return max(found, key=lambda f: (isinstance(f[1], dict), f[0]))[1]
    raise ValueError("it is not JSON" if re.search(r"[{\[]", body) else "there is no JSON in it")


def _values(text: str) -> list[tuple[int, Any]]:
    """(length, value) of the JSON objects and lists that stand in ``text``, those inside others left out.

    Raises:
        ValueError: an object begins and never ends.
    """
    decoder = json.JSONDecoder()
    found, at = [], 0
    while match := re.compile(r"[{\[]").search(text, at):
        start = match.start()
        end = start + _length(text[start:])
        at = start + 1
        if end == start and re.match(r'\{\s*"', text[start:]):
            raise ValueError("its JSON was cut before its end")
        for attempt in (text[start:end], re.sub(r",\s*([}\]])", r"\1", text[start:end])):
            try:
                found.append((end - start, decoder.decode(attempt)))
                at = end
                break
            except ValueError:
                continue
    return found


def _length(text: str) -> int:
    """Characters up to where the bracket that ``text`` begins with is closed; 0 where it never is."""
    depth, quoted, escaped = 0, False, False
    for n, char in enumerate(text, 1):
        if escaped or (char == "\\" and quoted):
            escaped = not escaped
        elif char == '"':
            quoted = not quoted
        elif not quoted and char in "{[}]":
            depth += 1 if char in "{[" else -1
            if depth == 0:
                return n
    return 0


class Asker:
    """Asks, reads and remembers. Replies are kept in ``log`` by their content; ``calls`` counts those made now."""

    def __init__(self, chat: Chat, log: Log, tries: int = 3, budget: int | None = None) -> None:
        self._chat = chat
        self._log = log
        self._tries = tries
        self._budget = budget
        self._lock = threading.Condition()
        self._asking: set[str] = set()
        self.calls = 0

    def _reply(self, message: str, schema: Json, repeat: int) -> str:
        """The kept reply, or a new one; what another thread is just asking is waited for, not asked twice."""
        key = digest(self._chat.fingerprint, message, schema, *([repeat] if repeat else []))
        with self._lock:
            while key in self._asking:
                self._lock.wait()
            if key in self._log.items:
                return str(self._log.items[key])
            if self._budget is not None and self.calls >= self._budget:
                raise ExperimentError(
                    f"the judge's budget of {self._budget} calls is reached; replies so far are kept.",
                    where="judge.budget",
                    fix="Raise it and run again.",
                )
            self.calls += 1
            self._asking.add(key)
        try:
            reply = self._chat.ask(message, schema)
            with self._lock:
                self._log.add({key: reply})
        finally:
            with self._lock:
                self._asking.discard(key)
                self._lock.notify_all()
        return reply

    def ask(self, name: str, shape: type[T], accept: Callable[[T], str] = lambda _: "", **values: Any) -> T:
        """The reply to prompt ``name`` as ``shape``. ``accept`` returns what is wrong with a well-formed one, or "".

        Raises:
            Unscorable: no reply could be read.
        """
        return self.read(render(name, **values), shape, accept)

    def read(self, first: str, shape: type[T], accept: Callable[[T], str] = lambda _: "", repeat: int = 0) -> T:
        """The reply to the message ``first`` as ``shape``. Messages asked again on purpose differ in ``repeat``.

        Raises:
            Unscorable: no reply could be read.
        """
        message, problem = first, ""
        for _ in range(self._tries):
            reply = self._reply(message, shape.model_json_schema(), repeat)
            try:
                found = shape.model_validate(extract_json(reply))
                problem = accept(found)
                if not problem:
                    return found
            except ValidationError as error:
                detail = error.errors()[0]
                problem = f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
            except ValueError as error:
                problem = str(error)
            message = f"{first}\n\nYour last reply could not be used: {problem}. It was:\n{reply[:2000]}\nReply again, with the JSON only."
        raise Unscorable(f"the judge's reply could not be read after {self._tries} tries ({problem[:120]})")
