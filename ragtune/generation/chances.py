"""How probable the tokens of an answer were, kept as they are chosen: one step's logits are held at a time."""

from __future__ import annotations

from typing import Any


class Chances:
    """A logits processor that changes nothing: of every step it keeps the natural logarithm of the chosen token's probability.

    It stands before all other processors, so that it sees the model's own logits.
    """

    def __init__(self) -> None:
        self._step: Any = None
        self._found: list[Any] = []

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        self._settle(input_ids[:, -1])
        self._step = scores.float().log_softmax(-1)
        return scores

    def _settle(self, chosen: Any) -> None:
        if self._step is not None:
            self._found.append(self._step.gather(1, chosen[:, None]).squeeze(1))
            self._step = None

    def of(self, sequences: Any) -> list[list[float]]:
        """A row of numbers for each sequence, of which ``sequences`` (rows, length) holds the last tokens at least."""
        import torch

        self._settle(sequences[:, -1])
        rows: list[list[float]] = torch.stack(self._found, dim=1).tolist()
        return rows
