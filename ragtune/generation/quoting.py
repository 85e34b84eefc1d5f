"""Answers that are quotations: every token continues a span of the contexts, or the agreed sentence for abstaining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ragtune.records import Hit


@dataclass(frozen=True)
class Spans:
    """The tokens of one text, and at which of them a quotation may begin and end: at the borders of words."""

    ids: tuple[int, ...]
    begins: frozenset[int]
    ends: frozenset[int]


def spans_of(tokenizer: Any, text: str) -> Spans:
    """A text's tokens; a quotation never begins or ends within a word."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    begins, ends = set(), set()
    for n, (start, end) in enumerate(encoded["offset_mapping"]):
        said = text[start:end]
        first = start + len(said) - len(said.lstrip())
        if said.strip() and (first == 0 or not (text[first - 1].isalnum() and text[first].isalnum())):
            begins.add(n)
        if said.strip() and (end >= len(text) or not (text[end - 1].isalnum() and text[end].isalnum())):
            ends.add(n)
    return Spans(tuple(encoded["input_ids"]), frozenset(begins), frozenset(ends))


class Quoting:
    """A logits processor: of each row only tokens that go on with a span of its contexts, end it, or abstain.

    Args:
        contexts: of each row, the `Spans` of the contexts that it is shown.
        abstain: the tokens of the agreed sentence, the one that ends it included.
        ends: tokens that end an answer.
        length: the number of tokens before the first new one.
    """

    def __init__(
        self, contexts: Sequence[Sequence[Spans]], abstain: Sequence[int], ends: frozenset[int], length: int
    ) -> None:
        self._contexts, self._abstain, self._ends, self._length = contexts, tuple(abstain), ends, length

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """``scores``, shape (rows, vocabulary), of which what is not allowed is taken away."""
        import torch

        kept = torch.full_like(scores, float("-inf"))
        for n, said in enumerate(input_ids[:, self._length :].tolist()):
            allowed = sorted(self.allowed(n, said))
            if self._ends & set(allowed) and int(scores[n].argmax()) not in allowed:
                allowed = sorted(self._ends)  # it would leave the text here, for a citation say: the quotation is over
            kept[n, allowed] = scores[n, allowed]
            if not torch.isfinite(kept[n]).any():  # another rule took all of them away
                kept[n, allowed] = 0.0
        return kept

    def allowed(self, row: int, said: Sequence[int]) -> set[int]:
        """The tokens that may follow ``said``; where nothing may, those that end the answer."""
        found: set[int] = set()
        if tuple(said) == self._abstain[: len(said)] and len(said) < len(self._abstain):
            found.add(self._abstain[len(said)])
        for spans in self._contexts[row]:
            for begin in spans.begins:
                after = begin + len(said)
                if spans.ids[begin:after] != tuple(said):
                    continue
                if after < len(spans.ids):
                    found.add(spans.ids[after])
                if said and after - 1 in spans.ends:
                    found |= self._ends
        return found or set(self._ends) or set(self._abstain[:1])


def cited(text: str, hits: Sequence[Hit]) -> str:
    """The quotation with the number of the context that it stands in."""
    number = next((n for n, hit in enumerate(hits, 1) if text and text in hit.chunk.text), None)
    return f"{text} [{number}]" if number else text
