"""The one client of OpenAI-compatible servers: retries with backoff, timeouts, and one line for every failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragtune.errors import ModelError, without_login
from ragtune.models.address import address
from ragtune.models.refusals import STATUSES, Said, said, ways
from ragtune.models.streamed import ASKED, gathered, text_of
from ragtune.records import Tokens
from ragtune.text.fold import whole

Message = dict[str, str]
Hear = Callable[[str], None]
_KEPT = "finished replies are kept."
_SPEAK = "Check that it speaks the OpenAI API."
#: the fields in which servers keep what a model thought
_THOUGHTS = ("reasoning_content", "reasoning")
#: what shows whether a server refuses a question or the settings it is asked with
_PROBE: list[Message] = [{"role": "user", "content": "Hello"}]


@dataclass(frozen=True)
class Completion:
    """One reply: its text (stripped), why it ended, tokens as the server counts them, and the seconds it took.

    ``refused`` is what the server says where it takes the settings but not this request; ``finish`` is then its code.
    ``thought`` is what it keeps apart as the model's reasoning.
    """

    text: str
    finish: str
    tokens: Tokens
    seconds: float
    refused: str = ""
    thought: str = ""


class _Refused(Exception):
    """A request that the server does not take as it is."""

    def __init__(self, told: Said) -> None:
        super().__init__(told.sentence)
        self.told = told


class Server:
    """Chat completions of one model. ``speaks`` and ``setting`` name the caller and its setting in errors.

    Raises:
        ModelError: the address, the key or the proxy cannot be used.
    """

    def __init__(
        self,
        endpoint: str,
        model: str,
        *,
        api_key_env: str = "OPENAI_API_KEY",
        timeout: float = 60.0,
        retries: int = 4,
        speaks: str = "the server",
        setting: str = "generator",
    ) -> None:
        import httpx
        from openai import OpenAI

        #: as it is written, without user name and password
        self.endpoint, self.model = without_login(endpoint), model
        self._key_env, self._timeout, self._retries = api_key_env, timeout, retries
        self._speaks, self._setting = speaks, setting
        self._address = address(endpoint, api_key_env)
        self._ways = ways(self._address.url, model)
        try:
            # the library retries what may pass (408, 409, 429, 5xx, broken connections), with backoff and jitter
            self._client: Any = OpenAI(
                base_url=self._address.url,
                api_key=self._address.key,
                timeout=timeout,
                max_retries=retries,
                default_headers=dict(self._address.headers),
            )
        except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:  # proxies and certificates of the system
            said_so = self._address.cleaned(str(error))
            raise self._failure(f"cannot be asked ({said_so})", "Mend the proxy or certificates.") from None

    @property
    def url(self) -> str:
        """Where it is asked: variables filled in, without user name and password."""
        return self._address.url

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: dict[str, Any] | None = None,
        hear: Hear | None = None,
        **options: Any,
    ) -> Completion:
        """The reply to ``messages``; held to a JSON ``schema`` where the server takes one. ``options`` go as the server takes
        them: where it refuses a setting, by the name that it asks for, or not at all. ``hear`` is told the text so far, from a
        server that sends it piece by piece.

        Raises:
            ModelError: refused whatever is asked, unreachable or failing after every retry, or something that is no completion.
        """
        start = time.perf_counter()
        asked = [{key: whole(text) for key, text in m.items()} for m in messages]
        form = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
        wished = {**({} if schema is None else {"response_format": form}), **(ASKED if hear else {})}
        more = self._ways.suited(wished)
        found = self._attempt(asked, {**options, **more}, start, hear)
        if isinstance(found, Said) and more and not found.about_the_question:
            found = self._attempt(asked, options, start)
            if isinstance(found, Completion):
                # it takes no schemas, or sends no pieces: ask in words alone, and wait
                self._ways.instead.update(dict.fromkeys(more))
        if isinstance(found, Completion):
            return found
        if not found.about_the_question and isinstance(self._attempt(_PROBE, options, start), Said):
            raise self._failure(f"refused the request ({found.status}){self._sentence(found)}")
        seconds = time.perf_counter() - start
        return Completion("", found.finish, Tokens(0, 0), seconds, self._address.cleaned(found.sentence) or "refused")

    def _attempt(
        self, messages: list[Message], options: Mapping[str, Any], start: float, hear: Hear | None = None
    ) -> Completion | Said:
        """The reply, or what the server has against the request, put in the way that it takes."""
        told = Said(400, "", "", "")
        for _ in range(2 * len(options) + 1):  # each setting may be refused under two names
            sent = self._ways.suited(options)
            if "stream" not in sent:
                sent.pop("stream_options", None)
            try:
                done = self._send(messages, sent)
                if hear and "stream" in sent and (done := gathered(self._chunks(done), hear)) is None:
                    self._ways.instead["stream"] = None
                    continue
                return self._read(done, start)
            except _Refused as refused:
                told = refused.told
                if not self._ways.learn(told, sent):
                    break
        return told

    def _send(self, messages: list[Message], options: dict[str, Any]) -> Any:
        import openai

        try:
            return self._client.chat.completions.create(model=self.model, messages=messages, **options)
        except openai.APITimeoutError as error:
            tried = f"gave no answer within {self._timeout:g} s after {self._retries} retries"
            raise self._failure(tried, f"Raise {self._setting}.timeout; {_KEPT}") from error
        except openai.APIConnectionError as error:
            raise self._failure("cannot be reached", f"Start it or mend {self._setting}.endpoint; {_KEPT}") from error
        except openai.AuthenticationError as error:
            fix = f"Put a valid key into ${self._key_env}, or name and password as ${{VARIABLES}} into the endpoint."
            raise self._failure("refused the key (401)", fix) from error
        except openai.APIStatusError as error:
            told = said(error.status_code, error.body)
            if error.status_code in STATUSES:
                raise _Refused(told) from None
            fix = f"See its log; {_KEPT}"
            if error.status_code == 404:
                fix = f"Mend {self._setting}.endpoint or {self._setting}.model."
            raise self._failure(f"answered {error.status_code}{self._sentence(told)}", fix) from error
        except (ValueError, RecursionError) as error:
            raise self._failure("sent no completion: its answer is not JSON", _SPEAK) from error

    def _chunks(self, stream: Any) -> Iterator[Any]:
        import httpx
        import openai

        try:
            yield from stream
        except (openai.APIError, httpx.HTTPError) as error:
            said_so = self._address.cleaned(str(error)).rstrip(".")
            raise self._failure(f"broke off its answer ({said_so})", "Ask again; see its log.") from error
        except (ValueError, RecursionError) as error:
            raise self._failure("sent no completion: its answer is not JSON", _SPEAK) from error

    def _sentence(self, told: Said) -> str:
        return f": {self._address.cleaned(told.sentence).rstrip('.')}" if told.sentence else ""

    def _read(self, done: Any, start: float) -> Completion:
        try:
            choice, usage = done.choices[0], done.usage
            text = whole(text_of(choice.message.content)).strip()
        except (AttributeError, IndexError, KeyError, TypeError):
            raise self._failure("sent no completion", _SPEAK) from None
        details = getattr(usage, "completion_tokens_details", None)
        counts = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens"), _count(details, "reasoning_tokens")
        finish = whole(str(choice.finish_reason or "stop"))
        if not text and finish == "stop":
            finish = _why_empty(choice.message)
        seconds = time.perf_counter() - start
        cached = _count(getattr(usage, "prompt_tokens_details", None), "cached_tokens")
        return Completion(text, finish, Tokens(*counts, cached=cached), seconds, thought=_thought(choice.message))

    def _failure(self, what: str, fix: str = f"See its log; {_KEPT}") -> ModelError:
        return ModelError(f"{self._speaks} {what}.", where=self.endpoint, fix=fix)


def _thought(message: Any) -> str:
    """What the model thought, where the server keeps it apart from the reply: in a field or in a part of its own."""
    found = [text_of(getattr(message, name, None)) for name in _THOUGHTS]
    parts = message.content if isinstance(message.content, list) else []
    inside = (text_of(p.get("thinking")) for p in parts if isinstance(p, dict))
    return whole(next(filter(None, (*found, "".join(inside))), "")).strip()


def _why_empty(message: Any) -> str:
    """Why a finished reply holds no text."""
    for name in ("refusal", "tool_calls", *_THOUGHTS):
        if getattr(message, name, None):
            return name
    return "empty"


def _count(usage: Any, name: str) -> int:
    """A count of the usage; 0 where the server says none, or something that is no count."""
    found = getattr(usage, name, None)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else 0
