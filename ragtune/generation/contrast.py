"""Context-aware decoding: what the contexts change about the next token counts for more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ContextAware:
    """A logits processor: ``(1 + weight) * logits with contexts - weight * logits without`` (Shi et al. 2023, arXiv:2305.14739,
    equation 3).

    The model reads each prompt a second time without its contexts, and goes on with it beside the first: twice the work a token.

    Args:
        bare: the prompts' tokens without contexts.
        length: the number of tokens before the first new one.
    """

    def __init__(
        self, model: Any, bare: Sequence[Sequence[int]], pad: int, length: int, weight: float, seq2seq: bool
    ) -> None:
        import torch

        longest = max(map(len, bare))
        rows = [[*[pad] * (longest - len(row)), *row] for row in bare]
        mask = [[0] * (longest - len(row)) + [1] * len(row) for row in bare]
        self._model, self._length, self._weight, self._seq2seq = model, length, weight, seq2seq
        self._ids = torch.tensor(rows, device=model.device)
        self._mask = torch.tensor(mask, device=model.device)
        self._cache: Any = None
        self._encoded: Any = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """``scores``, shape (rows, vocabulary), with what the contexts add to them."""
        without = self._decoded(input_ids) if self._seq2seq else self._gone_on(input_ids)
        return (1 + self._weight) * scores - self._weight * without.to(scores.dtype)

    def _gone_on(self, input_ids: Any) -> Any:
        import torch

        if self._cache is None:
            new = self._ids
        else:
            new = input_ids[:, -1:]
            self._mask = torch.cat([self._mask, self._mask.new_ones(len(new), 1)], dim=1)
        places = (self._mask.cumsum(-1) - 1).clamp(min=0)[:, -new.shape[1] :]
        found = self._model(
            input_ids=new, attention_mask=self._mask, position_ids=places, past_key_values=self._cache, use_cache=True
        )
        self._cache = found.past_key_values
        return found.logits[:, -1].float()

    def _decoded(self, input_ids: Any) -> Any:
        if self._encoded is None:
            self._encoded = self._model.get_encoder()(input_ids=self._ids, attention_mask=self._mask)
        found = self._model(encoder_outputs=self._encoded, attention_mask=self._mask, decoder_input_ids=input_ids)
        return found.logits[:, -1].float()
