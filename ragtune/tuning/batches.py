"""Training conversations as tokens, and the batches they are trained in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ragtune.errors import ExperimentError
from ragtune.models.causal import LanguageModel
from ragtune.models.chat import Messages
from ragtune.tuning.settings import TuningSettings

#: items per batch at most, unless settings say otherwise; and of how many the lengths are sorted
ROWS = 64
#: items per batch of an evaluation
DEV_ROWS = 8


@dataclass(frozen=True)
class Encoded:
    """Token ids of one training conversation; the loss covers ``target`` only."""

    prompt: tuple[int, ...]
    target: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.target)


def refuse_long(items: Sequence[Encoded], window: int) -> None:
    """Refuse items that a model's window does not hold.

    Raises:
        ExperimentError: one is longer than ``window`` tokens.
    """
    longest = max(map(len, items), default=0)
    if longest > window:
        raise ExperimentError(
            f"a training item has {longest} tokens, the model's window {window}.",
            where="tuning",
            fix="Lower retrieval.top_k or the chunk size.",
        )


def encode_item(model: LanguageModel, messages: Messages, target: str, thinking: bool = False) -> Encoded:
    """Prompt and target tokens; the target ends with the model's end token."""
    prompt = model.encode_prompt(messages, thinking)
    return Encoded(tuple(prompt), tuple(model.encode_target(messages, target, prompt, thinking)))


def collate(pad: int, seq2seq: bool) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    import torch

    def rows(batch: list[list[int]], fill: int) -> Any:
        longest = max(map(len, batch))
        if seq2seq:
            return torch.tensor([r + [fill] * (longest - len(r)) for r in batch])
        return torch.tensor([[fill] * (longest - len(r)) + r for r in batch])  # left, so that targets end together

    def collate(batch: list[dict[str, Any]]) -> dict[str, Any]:
        ids = [list(b["input_ids"]) for b in batch]
        return {
            "input_ids": rows(ids, pad),
            "attention_mask": rows([[1] * len(r) for r in ids], 0),
            "labels": rows([list(b["labels"]) for b in batch], -100),
        }

    return collate


def dataset(items: Sequence[Encoded], seq2seq: bool) -> Any:
    from datasets import Dataset

    if seq2seq:
        return Dataset.from_list([{"input_ids": list(e.prompt), "labels": list(e.target)} for e in items])
    return Dataset.from_list(
        [{"input_ids": [*e.prompt, *e.target], "labels": [-100] * len(e.prompt) + list(e.target)} for e in items]
    )


class TokenBatches:
    """Batches of at most ``limit`` padded tokens and ``rows`` items, similar lengths together, reshuffled each epoch by seed."""

    def __init__(self, lengths: Sequence[int], limit: int, seed: int, rows: int = ROWS) -> None:
        self.lengths, self.limit, self.seed, self.epoch = list(lengths), limit, seed, 0
        self.rows = rows

    def _cut(self, epoch: int) -> list[list[int]]:
        rng = Random(f"{self.seed}/{epoch}")
        order = list(range(len(self.lengths)))
        rng.shuffle(order)
        window = max(ROWS, self.rows)  # sort inside windows, so that batches differ between epochs
        batches: list[list[int]] = []
        for at in range(0, len(order), window):
            current: list[int] = []
            for i in sorted(order[at : at + window], key=lambda i: self.lengths[i]):
                if len(current) == self.rows or (current and self.lengths[i] * (len(current) + 1) > self.limit):
                    batches.append(current)
                    current = []
                current.append(i)
            batches.append(current)
        rng.shuffle(batches)
        return batches

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        yield from self._cut(self.epoch)

    def __len__(self) -> int:
        # the trainer counts steps once, so every epoch must have as many batches as the first
        return len(self._cut(0))


class FixedBatches(TokenBatches):
    """TokenBatches whose batch membership is drawn once; only their order changes between epochs."""

    def __iter__(self) -> Iterator[list[int]]:
        batches = self._cut(0)
        Random(f"{self.seed}/order/{self.epoch}").shuffle(batches)
        yield from batches


def batches_of(lengths: Sequence[int], settings: TuningSettings, seed: int) -> FixedBatches:
    """The batches that items of these lengths, in tokens, are trained in."""
    return FixedBatches(lengths, settings.batch_tokens, seed, settings.batch_rows)


def steps_of(lengths: Sequence[int], settings: TuningSettings, seed: int) -> int:
    """Optimiser steps over items of these lengths, in tokens; at least one."""
    batches = len(batches_of(lengths, settings, seed)) if lengths else 0
    return max(1, round(-(-batches // settings.accumulate) * settings.epochs))


def evaluated_every(per_epoch: int, settings: TuningSettings) -> int | None:
    """Optimiser steps between evaluations; None: at the end alone."""
    return max(1, round(per_epoch * settings.evaluate_every)) if settings.evaluate_every else None


def tokens_of(lengths: Sequence[int], settings: TuningSettings, steps: int, seed: int) -> int:
    """Tokens of the items that the first ``steps`` optimiser steps train on, without padding."""
    batches, found, epoch = batches_of(lengths, settings, seed), 0, 0
    while steps > 0:
        batches.set_epoch(epoch)
        sizes = [sum(lengths[i] for i in batch) for batch in batches]
        found += sum(sizes[: steps * settings.accumulate])
        steps -= -(-len(sizes) // settings.accumulate)
        epoch += 1
    return found
