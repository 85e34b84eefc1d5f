"""Any OpenAI-compatible server: concurrent with a limit, retries with backoff, timeouts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ragtune.errors import ModelError
from ragtune.generation.generator import Reply, Request
from ragtune.generation.prompts import Prompt, fit
from ragtune.generation.settings import GeneratorSettings
from ragtune.records import Hit, Tokens

#: characters per token where the server's tokenizer is unknown; on the safe side for English
CHARACTERS_PER_TOKEN = 3.0


class EndpointGenerator:
    """Chat completions through the openai client, which does the retries and their backoff."""

    def __init__(self, prompt: Prompt, settings: GeneratorSettings) -> None:
        from openai import OpenAI

        self.prompt = prompt
        self.settings = settings
        self._client: Any = OpenAI(
            base_url=settings.endpoint,
            api_key=os.environ.get(settings.api_key_env) or "none",
            timeout=settings.timeout,
            max_retries=settings.retries,
        )

    def batches(self, requests: Sequence[Request], seed: int) -> list[list[Request]]:
        size = self.settings.concurrency
        return [list(requests[i : i + size]) for i in range(0, len(requests), size)]

    def _shown(self, request: Request) -> list[Hit]:
        if not self.settings.window:
            return list(request.hits)

        def count(hits: Sequence[Hit]) -> int:
            return round(
                sum(len(m["content"]) for m in self.prompt.messages(request.question, hits)) / CHARACTERS_PER_TOKEN
            )

        return fit(request.hits, count, self.settings.window - self.settings.max_new_tokens)[0]

    def _ask(self, request: Request, seed: int) -> Reply:
        import openai

        hits = self._shown(request)
        start = time.perf_counter()
        where = self.settings.endpoint
        try:
            done = self._client.chat.completions.create(
                model=self.settings.model,
                messages=self.prompt.messages(request.question, hits),
                max_tokens=self.settings.max_new_tokens,
                temperature=self.settings.temperature,
                top_p=self.settings.top_p,
                seed=seed,
            )
        except openai.APITimeoutError as error:
            raise ModelError(
                f"no answer within {self.settings.timeout:g} s after {self.settings.retries} retries.",
                where=where,
                fix="Raise generator.timeout; finished answers are kept.",
            ) from error
        except openai.APIConnectionError as error:
            raise ModelError(
                "the server cannot be reached.",
                where=where,
                fix="Start it or mend generator.endpoint; finished answers are kept.",
            ) from error
        except openai.AuthenticationError as error:
            raise ModelError(
                "the server refused the key (401).",
                where=where,
                fix=f"Put a valid key into ${self.settings.api_key_env}.",
            ) from error
        except openai.APIStatusError as error:
            raise ModelError(
                f"the server answered {error.status_code}.", where=where, fix="See its log; finished answers are kept."
            ) from error
        except ValueError as error:
            raise ModelError(
                "the server's answer is not JSON.", where=where, fix="Check that it speaks the OpenAI API."
            ) from error
        try:
            choice, usage = done.choices[0], done.usage
            raw = choice.message.content or ""
        except (AttributeError, IndexError, TypeError):
            raise ModelError(
                "the server's answer holds no completion.", where=where, fix="Check that it speaks the OpenAI API."
            ) from None
        tokens = Tokens(usage.prompt_tokens, usage.completion_tokens) if usage else Tokens()
        return Reply(
            request.key, raw.strip(), len(hits), tokens, choice.finish_reason or "stop", time.perf_counter() - start
        )

    def answer(self, batch: Sequence[Request], adapter: Path | None, seed: int) -> Iterator[Reply]:
        if adapter is not None:
            raise ModelError(
                "an endpoint cannot use a local adapter.",
                where=self.settings.endpoint,
                fix="Use a local model for tuned setups.",
            )
        with ThreadPoolExecutor(self.settings.concurrency) as pool:
            yield from pool.map(lambda r: self._ask(r, seed), batch)
