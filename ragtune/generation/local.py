"""Local causal and seq2seq models through transformers: chat template, left-padded, length-sorted batches."""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ragtune.errors import ModelError
from ragtune.generation.abstention import AbstainAbove, threshold
from ragtune.generation.chances import Chances
from ragtune.generation.endings import StopAt, before, so_far, tokens_until
from ragtune.generation.generator import Hear, Reply, Request
from ragtune.generation.prefix import Prefix, common
from ragtune.generation.prompts import Prompt, fit
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.devices import seeded
from ragtune.models.virtual import VirtualTokens
from ragtune.records import Hit, Tokens
from ragtune.text.thoughts import apart, ends


@dataclass(frozen=True)
class Shown:
    """The tokens of a prompt, and the hits that stand in it."""

    ids: list[int]
    hits: tuple[Hit, ...]


def room(model: LanguageModel, settings: GeneratorSettings) -> int:
    """Tokens left for the prompt.

    Raises:
        ModelError: the answer alone fills the window.
    """
    window = min(settings.window or model.window, model.window)
    left = window - (0 if model.seq2seq else settings.max_new_tokens)
    if left <= 0:
        raise ModelError(
            f"max_new_tokens ({settings.max_new_tokens}) fills the whole window ({window}).",
            where=model.ref.name,
            fix="Lower it.",
        )
    return left


def shown(
    model: LanguageModel, prompt: Prompt, settings: GeneratorSettings, question: str, hits: Sequence[Hit]
) -> Shown:
    """What the model is shown of ``hits`` with the question, in serving and in training alike.

    Raises:
        ExperimentError, ModelError: the question alone, or the answer alone, does not fit the window.
    """

    def encode(some: Sequence[Hit]) -> list[int]:
        return model.encode_prompt(prompt.messages(question, some), settings.thinking)

    kept, _ = fit(hits, lambda some: len(encode(some)), room(model, settings))
    return Shown(encode(kept), tuple(kept))


class _Streamer:
    """What ``generate`` hands its tokens to: the prompt's first, then each that it makes. ``tell`` gets those made so far."""

    def __init__(self, tell: Callable[[Sequence[int]], None]) -> None:
        self._tell = tell
        self._made: list[int] | None = None

    def put(self, value: Any) -> None:
        if self._made is None:
            self._made = []
        else:
            self._made += value.flatten().tolist()
            self._tell(self._made)

    def end(self) -> None:
        """All was told."""


class LocalGenerator:
    """Answers with a LanguageModel; ``adapter`` picks the tuned weights."""

    def __init__(self, model: LanguageModel, prompt: Prompt, settings: GeneratorSettings) -> None:
        self.model = model
        self.prompt = prompt
        self.settings = settings
        self._ids: dict[str, tuple[list[int], int]] = {}
        self._prefix: Prefix | None = None
        self._virtual = Prefix(())

    def prompt_ids(self, request: Request) -> tuple[list[int], int]:
        """(prompt tokens, number of hits shown)."""
        if request.key not in self._ids:
            made = shown(self.model, self.prompt, self.settings, request.question.text, request.hits)
            self._ids[request.key] = (made.ids, len(made.hits))
        return self._ids[request.key]

    def batches(self, requests: Sequence[Request], seed: int) -> list[list[Request]]:
        order = sorted(requests, key=lambda r: (len(self.prompt_ids(r)[0]), r.key))
        batches: list[list[Request]] = []
        for request in order:
            length = len(self.prompt_ids(request)[0])
            if not batches or length * (len(batches[-1]) + 1) > self.settings.batch_tokens:
                batches.append([])
            batches[-1].append(request)
        return batches

    def answer(self, batch: Sequence[Request], adapter: Path | None, seed: int) -> Iterator[tuple[str, Reply]]:
        return self._answered(batch, adapter, seed)

    def stream(self, request: Request, adapter: Path | None, seed: int, hear: Hear) -> Reply:
        begun, count = self.model.chat.begun(self.settings.thinking), self.prompt_ids(request)[1]

        def tell(ids: Sequence[int]) -> None:
            said = self.model.chat.said(self._end(ids)[0])
            hear(begun + so_far(said, self.settings.stop).lstrip(), count)

        [(_, reply)] = self._answered([request], adapter, seed, {"streamer": _Streamer(tell)})
        return reply

    def _answered(
        self, batch: Sequence[Request], adapter: Path | None, seed: int, more: Mapping[str, Any] = MappingProxyType({})
    ) -> Iterator[tuple[str, Reply]]:
        """``more`` are options of ``generate`` that change no answer."""
        import torch

        settings = self.settings
        model = self.model.using(adapter)
        pad, virtual = self.model.pad, self.model.virtual(adapter)
        rows = [[*[pad] * (virtual.size if virtual else 0), *self.prompt_ids(r)[0]] for r in batch]
        longest = max(map(len, rows))
        device = self.model.base.device
        options: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        shared, cache = self._shared(model, adapter, rows, virtual)
        ids = torch.tensor([[*r[:shared], *[pad] * (longest - len(r)), *r[shared:]] for r in rows], device=device)
        mask = [[1] * len(r[:shared]) + [0] * (longest - len(r)) + [1] * len(r[shared:]) for r in rows]
        chances = Chances()
        if settings.sampled:
            options = {"do_sample": True, "temperature": settings.temperature, "top_p": settings.top_p, "top_k": 0}
        processors: list[Any] = [chances]
        least = threshold(settings, self.prompt.abstain)
        if least is not None and not self._thinks:
            messages = self.prompt.messages(batch[0].question.text, [])
            first = self.model.encode_target(messages, self.prompt.abstain, self.model.encode_prompt(messages))[0]
            processors.append(AbstainAbove(first, least, 1 if self.model.seq2seq else longest))
        if settings.stop:
            options["stopping_criteria"] = [StopAt(settings.stop, self._written, 1 if self.model.seq2seq else longest)]
        start = time.perf_counter()
        with seeded(seed), torch.inference_mode():
            out = model.generate(
                input_ids=ids,
                attention_mask=torch.tensor(mask, device=device),
                past_key_values=cache,
                max_new_tokens=settings.max_new_tokens,
                pad_token_id=pad,
                logits_processor=processors,
                **options,
                **more,
            )
        seconds = (time.perf_counter() - start) / len(batch)
        new = out[:, 1:] if self.model.seq2seq else out[:, longest:]
        begun = self.model.chat.begun(settings.thinking)
        for request, row, prompt, chance in zip(batch, new.tolist(), rows, chances.of(new), strict=True):
            said, used, finish = self._end(row)
            text = begun + before(self.model.chat.said(said), settings.stop).strip()
            thought = self._thought(said, text)
            own = chance[thought:used]
            confidence = round(math.exp(sum(own) / max(1, len(own))), 4)
            tokens = Tokens(len(prompt) - (virtual.size if virtual else 0), used, thought)
            yield request.key, Reply(text, self._ids[request.key][1], tokens, finish, seconds, confidence)

    def _shared(
        self, model: Any, adapter: Path | None, rows: Sequence[Sequence[int]], virtual: VirtualTokens | None
    ) -> tuple[int, Any]:
        """How many tokens of each row stand before the padding, and the cache that holds them where they were read before."""
        if (
            self.model.seq2seq
        ):  # an encoder counts from its virtual tokens to the others, so nothing stands between them
            return (max(map(len, rows)), None) if virtual else (0, None)
        if self._prefix is None:
            self._prefix = Prefix(common(self.model, self.prompt.messages("", []), self.settings.thinking))
        size = virtual.size if virtual else 0
        whole = self._prefix.starts(rows, size)
        if not whole and virtual is None:
            return 0, None
        prefix = self._prefix if whole else self._virtual
        cache = prefix.before(model, adapter, len(rows), virtual)
        return (size + len(prefix.ids), cache) if cache is not None else (0, None)

    @property
    def _thinks(self) -> bool:
        """Whether an answer's first token is one of a thought, and decides nothing."""
        return self.settings.thinking or bool(self.model.chat.begun())

    def _thought(self, ids: Sequence[int], text: str) -> int:
        """How many of the tokens are thoughts, the tags around them included."""
        told = apart(text)
        if told.cut or not told.thought:
            return len(ids) if told.cut else 0
        wanted = ends(text.removesuffix(told.text))
        return bisect_left(range(len(ids)), True, key=lambda n: ends(self._written(ids[:n])) >= wanted)

    def _written(self, ids: Sequence[int]) -> str:
        """What the tokens say, the names of control tokens included."""
        return str(self.model.tokenizer.decode(list(ids), skip_special_tokens=False))

    def _end(self, row: Sequence[int]) -> tuple[Sequence[int], int, str]:
        """A row's tokens without the one that ends it, how many there are with it, and why the row ended there."""
        ends = self.model.ends
        at = next((n for n, token in enumerate(row) if token in ends), None)
        until = tokens_until(row[:at], self.settings.stop, self._written)
        if until is not None:
            return row[:until], until, "stop"
        return (row, len(row), "length") if at is None else (row[:at], at + 1, "stop")
