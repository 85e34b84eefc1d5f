"""Local causal and seq2seq models through transformers: chat template, left-padded, length-sorted batches."""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ragtune.errors import ModelError
from ragtune.generation.abstention import AbstainAbove, threshold
from ragtune.generation.chances import Chances
from ragtune.generation.contrast import ContextAware
from ragtune.generation.endings import StopAt, StopCircling, before, circles_after, so_far, tokens_until
from ragtune.generation.generator import Hear, Reply, Request
from ragtune.generation.prefix import ENDS, Prefix, common, ending
from ragtune.generation.prompts import Prompt, Shot, fit_shots
from ragtune.generation.quoting import Quoting, Spans, cited, lead_of
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.devices import seeded
from ragtune.models.virtual import VirtualTokens
from ragtune.records import Hit, Tokens
from ragtune.text.thoughts import apart, ends, reasoned, reasons


@dataclass(frozen=True)
class Shown:
    """The tokens of a prompt, and the hits and examples that stand in it."""

    ids: list[int]
    hits: tuple[Hit, ...]
    shots: tuple[Shot, ...] = ()


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
    model: LanguageModel,
    prompt: Prompt,
    settings: GeneratorSettings,
    question: str,
    hits: Sequence[Hit],
    shots: Sequence[Shot] = (),
) -> Shown:
    """What the model is shown of ``hits`` and ``shots`` with the question, in serving and in training alike.

    Raises:
        ExperimentError, ModelError: the question alone, or the answer alone, does not fit the window.
    """

    def encode(examples: Sequence[Shot], some: Sequence[Hit]) -> list[int]:
        return model.encode_prompt(prompt.messages(question, some, examples), settings.thinking)

    examples, kept = fit_shots(shots, hits, lambda e, some: len(encode(e, some)), room(model, settings))
    return Shown(encode(examples, kept), tuple(kept), examples)


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

    def __init__(
        self, model: LanguageModel, prompt: Prompt, settings: GeneratorSettings, shared: Sequence[Hit] = ()
    ) -> None:
        self.model = model
        self._every = list(shared)
        self.prompt = prompt
        self.settings = settings
        self._shown: dict[str, Shown] = {}
        self._prefix: Prefix | None = None
        self._prefixed: tuple[Shot, ...] = ()  # the examples that stand in it
        self._virtual = Prefix(())

    def shown(self, request: Request) -> Shown:
        """What the model is shown of the request."""
        if request.key not in self._shown:
            self._shown[request.key] = shown(
                self.model, self.prompt, self.settings, request.question.text, request.hits, request.shots
            )
        return self._shown[request.key]

    def batches(self, requests: Sequence[Request], seed: int) -> list[list[Request]]:
        order = sorted(requests, key=lambda r: (len(self.shown(r).ids), r.key))
        batches: list[list[Request]] = []
        for request in order:
            length = len(self.shown(request).ids)
            if not batches or length * (len(batches[-1]) + 1) > self.settings.batch_tokens:
                batches.append([])
            batches[-1].append(request)
        return batches

    def answer(self, batch: Sequence[Request], adapter: Path | None, seed: int) -> Iterator[tuple[str, Reply]]:
        return self._answered(batch, adapter, seed)

    def stream(self, request: Request, adapter: Path | None, seed: int, hear: Hear) -> Reply:
        begun, count = self.model.chat.begun(self.settings.thinking), len(self.shown(request).hits)

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
        rows = [[*[pad] * (virtual.size if virtual else 0), *self.shown(r).ids] for r in batch]
        longest = max(map(len, rows))
        device = self.model.base.device
        options: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        shared, cache = self._shared(model, adapter, rows, [self.shown(r).shots for r in batch], virtual)
        ids = torch.tensor([[*r[:shared], *[pad] * (longest - len(r)), *r[shared:]] for r in rows], device=device)
        mask = [[1] * len(r[:shared]) + [0] * (longest - len(r)) + [1] * len(r[shared:]) for r in rows]
        chances = Chances()
        if settings.sampled:
            options = {"do_sample": True, "temperature": settings.temperature, "top_p": settings.top_p, "top_k": 0}
        processors: list[Any] = [chances]
        least = threshold(settings, self.prompt.abstain)
        if least is not None and not self._thinks:
            first = self._abstaining(batch[0])[0]
            processors.append(AbstainAbove(first, least, 1 if self.model.seq2seq else longest))
        begins = 1 if self.model.seq2seq else longest
        if settings.context_weight:
            bare = [self._bare(r) for r in batch]
            processors.append(ContextAware(model, bare, pad, begins, settings.context_weight, self.model.seq2seq))
        if settings.quote:
            absent = self._abstaining(batch[0])
            lead = lead_of(self.model.tokenizer, self.prompt.abstain, absent)
            contexts = [[self._spans(h.chunk.text, lead) for h in self.shown(r).hits] for r in batch]
            processors.append(Quoting(contexts, absent, self.model.ends, begins))
        criteria: list[Any] = [StopAt(settings.stop, self._written, begins)] if settings.stop else []
        criteria += [StopCircling(self.model.chat.said, begins)] if settings.stop_repeating else []
        if criteria:
            options["stopping_criteria"] = criteria
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
            if settings.quote:
                text = cited(text, self.shown(request).hits)
            thought = self._thought(said, text)
            if self.prompt.reasoning:
                text = reasoned(text, finish)
            own = chance[thought:used]
            confidence = round(math.exp(sum(own) / max(1, len(own))), 4)
            tokens = Tokens(len(prompt) - (virtual.size if virtual else 0), used, thought)
            made = self.shown(request)
            yield (
                request.key,
                Reply(text, len(made.hits), tokens, finish, seconds, confidence, shots=len(made.shots)),
            )

    def _abstaining(self, request: Request) -> list[int]:
        """The tokens of the agreed sentence, with the one that ends it."""
        messages = self.prompt.messages(request.question.text, [])
        return self.model.encode_target(messages, self.prompt.abstain, self.model.encode_prompt(messages))

    def _bare(self, request: Request) -> list[int]:
        """The prompt's tokens without contexts."""
        messages = self.prompt.messages(request.question.text, [], self.shown(request).shots)
        return self.model.encode_prompt(messages, self.settings.thinking)

    @lru_cache(maxsize=256)  # noqa: B019  a generator lives as long as its setup is answered
    def _spans(self, text: str, lead: str) -> Spans:
        return Spans(self.model.tokenizer, text, self.settings.max_new_tokens, lead)

    def _shared(
        self,
        model: Any,
        adapter: Path | None,
        rows: Sequence[Sequence[int]],
        shots: Sequence[tuple[Shot, ...]],
        virtual: VirtualTokens | None,
    ) -> tuple[int, Any]:
        """How many tokens of each row stand before the padding, and the cache that holds them where they were read before."""
        if (
            self.model.seq2seq
        ):  # an encoder counts from its virtual tokens to the others, so nothing stands between them
            return (max(map(len, rows)), None) if virtual else (0, None)
        same = shots[0] if all(own == shots[0] for own in shots) else ()
        if self._prefix is None or self._prefixed != same:
            asked = [self.prompt.messages(end, self._every, same) for end in ENDS] if self._every else None
            begun = asked or ending(self.prompt.messages("", [], same))
            self._prefix, self._prefixed = Prefix(common(self.model, begun, self.settings.thinking)), same
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
        return self.settings.thinking or self.prompt.reasoning or bool(self.model.chat.begun())

    def _thought(self, ids: Sequence[int], text: str) -> int:
        """How many of the tokens are thoughts, the tags around them included."""
        if self.prompt.reasoning:
            return bisect_left(range(len(ids)), True, key=lambda n: reasons(self._written(ids[:n])))
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
        circles = circles_after(row[:at], self.model.chat.said) if self.settings.stop_repeating else None
        if circles is not None:
            return row[:circles], circles, "repeats"
        return (row, len(row), "length") if at is None else (row[:at], at + 1, "stop")
