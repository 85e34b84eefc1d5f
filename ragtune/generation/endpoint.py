"""Any OpenAI-compatible server, asked concurrently up to a limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ragtune.errors import ModelError
from ragtune.generation.asking import side_by_side
from ragtune.generation.endings import before, so_far
from ragtune.generation.generator import Hear, Reply, Request
from ragtune.generation.prompts import Prompt, Shot, fit_shots
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.server import Server
from ragtune.records import Hit
from ragtune.text.thoughts import reasoned

#: characters per token where the server's tokenizer is unknown; on the safe side for English
CHARACTERS_PER_TOKEN = 3.0


class EndpointGenerator:
    """Chat completions of a served model."""

    def __init__(self, prompt: Prompt, settings: GeneratorSettings) -> None:
        self.prompt = prompt
        self.settings = settings
        self._server = Server(
            str(settings.endpoint),
            settings.model,
            api_key_env=settings.api_key_env,
            timeout=settings.timeout,
            retries=settings.retries,
        )

    def batches(self, requests: Sequence[Request], seed: int) -> list[list[Request]]:
        size = self.settings.concurrency
        return [list(requests[i : i + size]) for i in range(0, len(requests), size)]

    def _shown(self, request: Request) -> tuple[tuple[Shot, ...], list[Hit]]:
        if not self.settings.window:
            return request.shots, list(request.hits)

        def count(shots: Sequence[Shot], hits: Sequence[Hit]) -> int:
            messages = self.prompt.messages(request.question.text, hits, shots)
            return round(sum(len(m["content"]) for m in messages) / CHARACTERS_PER_TOKEN)

        return fit_shots(request.shots, request.hits, count, self.settings.window - self.settings.max_new_tokens)

    def _ask(self, request: Request, seed: int, hear: Hear | None = None) -> tuple[str, Reply]:
        (shots, hits), settings = self._shown(request), self.settings
        ends: dict[str, Any] = {"stop": list(settings.stop)} if settings.stop else {}
        done = self._server.complete(
            self.prompt.messages(request.question.text, hits, shots),
            hear=hear and (lambda text: hear(so_far(text, settings.stop), len(hits))),
            max_tokens=settings.max_new_tokens,
            temperature=settings.temperature,
            top_p=settings.top_p,
            seed=seed,
            **ends,
        )
        text = before(done.text, settings.stop).strip()  # some servers keep the string, or take no such setting
        if self.prompt.reasoning:
            text = reasoned(text, done.finish)
        tokens, seconds = done.tokens, done.seconds
        return request.key, Reply(text, len(hits), tokens, done.finish, seconds, thought=done.thought, shots=len(shots))

    def stream(self, request: Request, adapter: Path | None, seed: int, hear: Hear) -> Reply:
        self._refuse(adapter)
        return self._ask(request, seed, hear)[1]

    def _refuse(self, adapter: Path | None) -> None:
        if adapter is not None:
            raise ModelError(
                "an endpoint cannot use a local adapter.",
                where=self.settings.endpoint,
                fix="Use a local model for tuned setups.",
            )

    def answer(self, batch: Sequence[Request], adapter: Path | None, seed: int) -> Iterator[tuple[str, Reply]]:
        self._refuse(adapter)
        yield from side_by_side(lambda request: self._ask(request, seed), batch, self.settings.concurrency)
