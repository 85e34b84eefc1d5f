"""Where an answer ends: at one of the strings that ``generator.stop`` names, or where it goes round in circles."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ragtune.text.repeats import repeats_itself

if TYPE_CHECKING:
    import torch

#: the most tokens that a character is written in (one a byte)
_MOST = 4


def before(text: str, stops: Sequence[str]) -> str:
    """The text up to the first of the strings; all of it where none stands in it."""
    return text[: min((at for stop in stops if (at := text.find(stop)) >= 0), default=len(text))]


def so_far(text: str, stops: Sequence[str]) -> str:
    """As `before`, of a text that goes on: without an end that is half a character, or may become one of the strings."""
    found = before(text, stops)
    if len(found) < len(text):
        return found
    found = found.rstrip("\ufffd")
    begun = (n for stop in stops for n in range(len(stop) - 1, 0, -1) if found.endswith(stop[:n]))
    return found[: len(found) - max(begun, default=0)]


def tokens_until(ids: Sequence[int], stops: Sequence[str], decode: Callable[[Sequence[int]], str]) -> int | None:
    """How many tokens there are up to the end of the first of the strings; None where none stands in what they say."""

    def held(count: int) -> bool:
        said = decode(ids[:count])
        return any(stop in said for stop in stops)

    if not stops or not held(len(ids)):
        return None
    return bisect_left(range(len(ids)), True, lo=1, key=held) if len(ids) > 1 else 1


class StopAt:
    """A stopping criterion: a row is done when one of the strings stands in its new text.

    ``length`` is the number of tokens before the first new one.
    """

    def __init__(self, stops: Sequence[str], decode: Callable[[Sequence[int]], str], length: int) -> None:
        self._stops, self._decode, self._length = stops, decode, length
        self._reach = _MOST * max(map(len, stops)) + _MOST

    def __call__(self, input_ids: torch.Tensor, scores: object, **kwargs: object) -> torch.Tensor:
        """Shape (rows,): which rows are done."""
        import torch

        tails = input_ids[:, max(self._length, input_ids.shape[1] - self._reach) :].tolist()
        said = map(self._decode, tails)
        done = [any(stop in text for stop in self._stops) for text in said]
        return torch.tensor(done, device=input_ids.device, dtype=torch.bool)


#: how many tokens come between two looks at whether a text repeats itself
LOOK = 8


def circles_after(ids: Sequence[int], decode: Callable[[Sequence[int]], str]) -> int | None:
    """How many tokens there are when the text is first seen to repeat itself (`text.repeats`); None where it does not."""
    return next((n for n in range(LOOK, len(ids) + 1, LOOK) if repeats_itself(decode(ids[:n]))), None)


class StopCircling:
    """A stopping criterion: a row is done when its new text repeats itself, looked at after every `LOOK` new tokens."""

    def __init__(self, decode: Callable[[Sequence[int]], str], length: int) -> None:
        self._decode, self._length = decode, length

    def __call__(self, input_ids: torch.Tensor, scores: object, **kwargs: object) -> torch.Tensor:
        """Shape (rows,): which rows are done."""
        import torch

        new = input_ids[:, self._length :]
        done = [False] * len(new)
        if new.shape[1] and new.shape[1] % LOOK == 0:
            done = [repeats_itself(self._decode(row)) for row in new.tolist()]
        return torch.tensor(done, device=input_ids.device, dtype=torch.bool)
