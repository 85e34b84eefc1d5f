"""Answers that are quotations: every token continues a span of the contexts, or the agreed sentence for abstaining."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ragtune.records import Hit
from ragtune.text.words import is_negation, stop_words, tokens

#: characters of a text that a token of a quotation takes, at most: what is beyond them for all its tokens is not looked at
LONG = 12


@dataclass(slots=True)
class Spans:
    """Quotations by their tokens: those that may follow, each with what may follow it, and whether a quotation may end here."""

    then: dict[int, Spans] = field(default_factory=dict)
    ends: bool = False

    def add(self, ids: Sequence[int], ends: Sequence[bool]) -> None:
        """A text's tokens, each with whether a quotation may end behind it."""
        at = self
        for token, end in zip(ids, ends, strict=True):
            at = at.then.setdefault(token, Spans())
            at.ends = at.ends or end

    def after(self, said: Sequence[int]) -> Spans | None:
        """What may follow these tokens; None where no quotation begins with them."""
        at: Spans | None = self
        for token in said:
            at = at.then.get(token) if at else None
        return at


def lead_of(tokenizer: Any, said: str, target: Sequence[int]) -> str:
    """What stands before an answer's first word in its tokens, a space or nothing: ``target`` are those of the answer ``said``."""
    spaced = tokenizer(f" {said}", add_special_tokens=False)["input_ids"]
    plain = tokenizer(said, add_special_tokens=False)["input_ids"]
    return " " if list(target[: len(plain)]) != plain and list(target[: len(spaced)]) == spaced else ""


def spans_of(tokenizer: Any, text: str, longest: int, lead: str = "") -> Spans:
    """The quotations of a text, up to ``longest`` tokens each; none begins or ends within a word, or says nothing ("the").

    Each is tokenised as an answer that begins with it, behind ``lead``: a word that begins an answer may have other tokens than the
    same one within a text.
    """
    said, stop = tokens(text), stop_words(text)
    inside = {i for word in said for i in range(word.start + 1, word.end)}
    full = [w for w in said if w.kind == "acronym" or w.text not in stop or is_negation(w.text)]
    begun = [w.start for w in full]
    begins = [i for i, char in enumerate(text) if not char.isspace() and i not in inside]
    parts = [lead + text[i : i + LONG * longest] for i in begins]
    found = Spans()
    if parts:
        encoded = tokenizer(parts, add_special_tokens=False, return_offsets_mapping=True)
        for begin, part, ids, offsets in zip(
            begins, parts, encoded["input_ids"], encoded["offset_mapping"], strict=True
        ):
            first = bisect_left(begun, begin)
            least = full[first].end if first < len(full) else len(text) + 1
            last = [begin + b - len(lead) for _, b in offsets]
            ends = [
                bool(part[a:b].strip()) and end >= least and end not in inside
                for (a, b), end in zip(offsets, last, strict=True)
            ]
            found.add(ids[:longest], ends[:longest])
    return found


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
            if at := spans.after(said):
                found |= at.then.keys()
                if at.ends:
                    found |= self._ends
        return found or set(self._ends) or set(self._abstain[:1])


def cited(text: str, hits: Sequence[Hit]) -> str:
    """The quotation with the number of the context that it stands in."""
    number = next((n for n, hit in enumerate(hits, 1) if text and text in hit.chunk.text), None)
    return f"{text} [{number}]" if number else text
