"""The one client of OpenAI-compatible servers: retries with backoff, timeouts, and one line for every failure."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ragtune.errors import ModelError
from ragtune.records import Tokens

Message = dict[str, str]


@dataclass(frozen=True)
class Completion:
    """One reply: its text (stripped), why it ended, tokens as the server counts them, and the seconds it took."""

    text: str
    finish: str
    tokens: Tokens
    seconds: float


class Server:
    """Chat completions of one model. ``speaks`` and ``setting`` name the caller and its setting in errors."""

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
        from openai import OpenAI

        self.endpoint, self.model = endpoint, model
        self._key_env, self._timeout, self._retries = api_key_env, timeout, retries
        self._speaks, self._setting = speaks, setting
        self._schemas = True
        # the library retries what may pass (408, 409, 429, 5xx, broken connections), with backoff and jitter
        self._client: Any = OpenAI(
            base_url=endpoint, api_key=os.environ.get(api_key_env) or "none", timeout=timeout, max_retries=retries
        )

    def complete(
        self, messages: Sequence[Message], *, schema: dict[str, Any] | None = None, **options: Any
    ) -> Completion:
        """The reply to ``messages``; held to a JSON ``schema`` where the server takes one. ``options`` go as they are.

        Raises:
            ModelError: refused, unreachable or failing after every retry, or something that is no completion.
        """
        import openai

        start = time.perf_counter()
        if schema is not None and self._schemas:
            form = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
            try:
                return self._read(self._send(messages, {**options, "response_format": form}), start)
            except openai.BadRequestError:
                self._schemas = False  # the server does not take schemas: ask in words alone
        try:
            return self._read(self._send(messages, options), start)
        except openai.BadRequestError as error:
            raise self._failure(f"refused the request ({error.status_code})") from error

    def _send(self, messages: Sequence[Message], options: dict[str, Any]) -> Any:
        import openai

        kept = "finished replies are kept."
        try:
            return self._client.chat.completions.create(model=self.model, messages=list(messages), **options)
        except openai.APITimeoutError as error:
            said = f"gave no answer within {self._timeout:g} s after {self._retries} retries"
            raise self._failure(said, f"Raise {self._setting}.timeout; {kept}") from error
        except openai.APIConnectionError as error:
            raise self._failure("cannot be reached", f"Start it or mend {self._setting}.endpoint; {kept}") from error
        except openai.AuthenticationError as error:
            raise self._failure("refused the key (401)", f"Put a valid key into ${self._key_env}.") from error
        except openai.BadRequestError:
            raise  # may be about the schema: for the caller to tell
        except openai.APIStatusError as error:
            raise self._failure(f"answered {error.status_code}", f"See its log; {kept}") from error
        except ValueError as error:
            raise self._failure(
                "sent no completion: its answer is not JSON", "Check that it speaks the OpenAI API."
            ) from error

    def _read(self, done: Any, start: float) -> Completion:
        try:
            choice, usage = done.choices[0], done.usage
            text = choice.message.content or ""
        except (AttributeError, IndexError, TypeError):
            raise self._failure("sent no completion", "Check that it speaks the OpenAI API.") from None
        tokens = Tokens(_count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))
        finish = choice.finish_reason or "stop"
        if not str(text).strip() and finish == "stop":
            finish = _why_empty(choice.message)
        return Completion(str(text).strip(), finish, tokens, time.perf_counter() - start)

    def _failure(self, what: str, fix: str = "See its log; finished replies are kept.") -> ModelError:
        return ModelError(f"{self._speaks} {what}.", where=self.endpoint, fix=fix)


def _why_empty(message: Any) -> str:
    """Why a finished reply holds no text."""
    for name in ("refusal", "tool_calls", "reasoning_content"):
        if getattr(message, name, None):
            return name
    return "empty"


def _count(usage: Any, name: str) -> int:
    """A count of the usage; 0 where the server says none, or something that is no count."""
    found = getattr(usage, name, None)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else 0
