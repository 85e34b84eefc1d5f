"""Answers that are quotations: every token continues a span of the contexts, or the agreed sentence for abstaining."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil
from typing import Any

from ragtune.errors import ModelError
from ragtune.records import Hit
from ragtune.text.words import Word, is_negation, stop_words, tokens

#: characters behind its first word with content from which the first token of a quotation is told
AHEAD = 24


class Spans:
    """The quotations of a text by their tokens, up to ``longest`` each; none begins or ends within a word, or says nothing ("the").

    Each is tokenised as an answer that begins with it, behind ``lead``: a word that begins an answer may have other tokens than the
    same one within a text. A quotation is tokenised whole once an answer begins like it.

    Raises:
        ModelError: the tokenizer does not say where its tokens stand.
    """

    def __init__(self, tokenizer: Any, text: str, longest: int, lead: str = "") -> None:
        if not getattr(tokenizer, "is_fast", False):
            raise ModelError(
                "quote needs a tokenizer that says where its tokens stand, and this one is of the slow kind.",
                where=getattr(tokenizer, "name_or_path", ""),
                fix="Leave quote out, or take a model with a tokenizer.json.",
            )
        self._tokenizer, self._text, self._longest, self._lead = tokenizer, text, longest, lead
        said = tokens(text)
        self._inside = {i for word in said for i in range(word.start + 1, word.end)}
        self._full = [word for word in said if _says(word, text)]
        self._starts = [word.start for word in self._full]
        share = len(text) / max(1, len(tokenizer(text, add_special_tokens=False)["input_ids"])) if said else 1.0
        self._window = ceil(2 * max(1.0, share) * longest) + AHEAD
        begins = [i for word in said for i in _beginnings(text, word) if i <= max(self._starts, default=-1)]
        self._begins: dict[int, list[int]] = {}
        for begin, first in self._firsts(begins):
            self._begins.setdefault(first, []).append(begin)
        self._made: dict[int, tuple[list[int], list[bool]]] = {}

    def _firsts(self, begins: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Each beginning of a quotation that may end within its length, with its first token."""
        least = [self._full[bisect_left(self._starts, begin)].end - begin for begin in begins]
        some = [(begin, size) for begin, size in zip(begins, least, strict=True) if size <= self._window]
        if not some:
            return
        parts = [self._lead + self._text[begin : begin + max(size, AHEAD) + AHEAD] for begin, size in some]
        encoded = self._tokenizer(parts, add_special_tokens=False, return_offsets_mapping=True)
        for (begin, size), ids, places in zip(some, encoded["input_ids"], encoded["offset_mapping"], strict=True):
            reach = zip(places[: self._longest], _whole(places), strict=False)
            if any(whole and b - len(self._lead) >= size for (_, b), whole in reach):
                yield begin, ids[0]

    def after(self, said: Sequence[int]) -> tuple[set[int], bool]:
        """The tokens that may follow these, and whether a quotation may end behind them."""
        if not said:
            return set(self._begins), False
        found, over = set[int](), False
        for begin in self._begins.get(said[0], ()):
            ids, ends = self._quotation(begin)
            if ids[: len(said)] == list(said):
                over = over or ends[len(said) - 1]
                found |= set(ids[len(said) : len(said) + 1])
        return found, over

    def _quotation(self, begin: int) -> tuple[list[int], list[bool]]:
        """The tokens of the longest quotation that begins here, and behind which of them it may end."""
        if begin not in self._made:
            part = self._lead + self._text[begin : begin + self._window]
            encoded = self._tokenizer(part, add_special_tokens=False, return_offsets_mapping=True)
            places = encoded["offset_mapping"]
            least = self._full[bisect_left(self._starts, begin)].end
            last = [begin + b - len(self._lead) for _, b in places]
            ends = [
                bool(part[a:b].strip()) and least <= end and end not in self._inside and whole
                for (a, b), end, whole in zip(places, last, _whole(places), strict=True)
            ][: self._longest]
            size = max((n for n, end in enumerate(ends, 1) if end), default=0)
            self._made[begin] = (encoded["input_ids"][:size], ends[:size])
        return self._made[begin]


def _whole(places: Sequence[tuple[int, int]]) -> list[bool]:
    """Whether a character ends behind each token: bytes of one have all the whole of it as their place."""
    return [b <= a for (_, b), (a, _) in pairwise(places)] + [True] * bool(places)


def _says(word: Word, text: str) -> bool:
    """Whether the word has content: a capital within a sentence makes a name of a word that has none (in May)."""
    if word.kind == "acronym" or word.text not in stop_words(text) or is_negation(word.text):
        return True
    before = text[: word.start].rstrip()[-1:]
    return text[word.start].isupper() and (before.isalnum() or before == ",")


def _beginnings(text: str, word: Word) -> list[int]:
    """Where quotations that begin with the word may begin: at it, or at the signs before it ($, an opening bracket)."""
    start = word.start
    while start and not text[start - 1].isspace() and not text[start - 1].isalnum():
        start -= 1
    return [word.start] if start == word.start or (start and text[start - 1].isalnum()) else [start, word.start]


def lead_of(tokenizer: Any, said: str, target: Sequence[int]) -> str:
    """What stands before an answer's first word in its tokens, a space or nothing: ``target`` are those of the answer ``said``."""
    spaced = tokenizer(f" {said}", add_special_tokens=False)["input_ids"]
    plain = tokenizer(said, add_special_tokens=False)["input_ids"]
    return " " if list(target[: len(plain)]) != plain and list(target[: len(spaced)]) == spaced else ""


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
            follow, over = spans.after(said)
            found |= follow | (self._ends if over else set())
        return found or set(self._ends) or set(self._abstain[:1])


def cited(text: str, hits: Sequence[Hit]) -> str:
    """The quotation with the number of the context that it stands in."""
    number = next((n for n, hit in enumerate(hits, 1) if text and text in hit.chunk.text), None)
    return f"{text} [{number}]" if number else text
