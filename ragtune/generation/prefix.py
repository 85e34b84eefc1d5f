"""What all prompts of a setup begin with (the system's message, a whole corpus), read once: its keys and values stand before every
batch."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from ragtune.models.causal import LanguageModel
from ragtune.models.chat import Messages
from ragtune.models.virtual import VirtualTokens

#: shorter beginnings are read with the rest
_LEAST = 8


#: beginnings of what differs
ENDS = ("A", "1 ", "\n")


def ending(messages: Messages) -> list[Messages]:
    """The messages with other words in the last of them."""
    return [[*messages[:-1], {**messages[-1], "content": end}] for end in ENDS]


def common(model: LanguageModel, asked: Sequence[Messages], thinking: bool) -> list[int]:
    """The tokens that all of ``asked`` begin with; none where there are few."""
    made = [model.encode_prompt(messages, thinking) for messages in asked]
    same = [ids[0] for ids in takewhile(lambda ids: len(set(ids)) == 1, zip(*made, strict=False))]
    return same[:-1] if len(same) > _LEAST else []  # the last one may yet join what follows


class Prefix:
    """The keys and values of ``ids``, by the adapter in use, behind its virtual tokens where it has some."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids = list(ids)
        self._read: dict[Path | None, Any] = {}

    def starts(self, rows: Sequence[Sequence[int]], skipped: int = 0) -> bool:
        """Whether each row begins with it, after ``skipped`` tokens, and goes on."""
        end = skipped + len(self.ids)
        return bool(self.ids) and all(len(row) > end and list(row[skipped:end]) == self.ids for row in rows)

    def before(self, model: Any, adapter: Path | None, rows: int, virtual: VirtualTokens | None = None) -> Any:
        """A cache for ``rows`` rows that hold it; None where the model keeps more than keys and values of each token."""
        import torch

        if adapter not in self._read:
            found = virtual.cache(model) if virtual else None
            if self.ids:
                size = len(self.ids) + (virtual.size if virtual else 0)
                with torch.inference_mode():
                    ids = torch.tensor([self.ids], device=model.device)
                    mask = torch.ones((1, size), dtype=torch.long, device=model.device)
                    found = model(
                        input_ids=ids, attention_mask=mask, past_key_values=found, use_cache=True
                    ).past_key_values
            self._read = {adapter: found if virtual or _plain(found) else None}
        held = self._read[adapter]
        if held is None:
            return None
        cache = copy.deepcopy(held)
        cache.batch_repeat_interleave(rows)
        return cache


def _plain(cache: Any) -> bool:
    from transformers.cache_utils import DynamicCache, DynamicLayer

    return type(cache) is DynamicCache and all(type(layer) is DynamicLayer for layer in cache.layers)
