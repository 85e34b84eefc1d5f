"""Text that stays text: what a document, a question or a target holds never becomes a control token.

Where the name of a control token stands in such a text, the text is cut after the name's first character and both parts are
encoded apart, so that no tokenizer can see the name. A text without such names is encoded in one go, as ever.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

#: private-use planes: a mark of cuts is the first character from here on that no text holds
_MARKS = range(0xF0000, 0xFFFFE)
_BRACKETED = re.compile(r"[<\[{(＜【｜|].*[>\]})＞】｜|]", re.DOTALL)
#: what a later part is encoded behind, so that a tokenizer puts no space before it as it does at the start of a text
_ANCHORS = ("\n", ".", "a")


class Verbatim:
    """Encodes with one tokenizer (transformers, slow or fast)."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    @cached_property
    def _control(self) -> dict[str, int]:
        """Names of control tokens, with ids: special tokens, what stands in brackets, what the chat template writes.

        Added words and runs of spaces are vocabulary like any other.
        """
        special = set(self._tokenizer.all_special_tokens)
        template = str(getattr(self._tokenizer, "chat_template", None) or "")
        return {
            token.content: int(number)
            for number, token in self._tokenizer.added_tokens_decoder.items()
            if len(token.content) > 1 and not token.content.isspace()
            if token.special
            or token.content in special
            or _BRACKETED.fullmatch(token.content)
            or (token.content in template and not token.content.isalpha())
        }

    @cached_property
    def _begins(self) -> re.Pattern[str]:
        return re.compile("[" + re.escape("".join(sorted({name[0] for name in self._control}))) + "]")

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(name) for name in self._control})

    def _cuts(self, text: str) -> list[int]:
        """Where to cut ``text`` so that no part holds a control token."""
        if not self._control:
            return []
        starts = [m.start() for m in self._begins.finditer(text)]
        found = {i + 1 for i in starts if any(text[i : i + n] in self._control for n in self._lengths)}
        return sorted(found | self._folded(text))

    def _folded(self, text: str) -> set[int]:
        """Cuts inside what only becomes a control token when the tokenizer has normalised it (full-width signs, case)."""
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        if getattr(backend, "normalizer", None) is None:
            return set()
        made = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        control = set(self._control.values()) - {self._tokenizer.unk_token_id}
        ids = zip(made["input_ids"], made["offset_mapping"], strict=True)
        spans = [(int(a) + len(text[a:b]) - len(text[a:b].lstrip()), int(b)) for i, (a, b) in ids if i in control]
        return {start + 1 for start, end in spans if end - start > 1}  # some tokens take the space before them

    def marked(self, texts: Sequence[str]) -> tuple[list[str], str]:
        """The texts with a mark at every cut, and the mark ("" where nothing is cut)."""
        cuts = [self._cuts(text) for text in texts]
        if not any(cuts):
            return list(texts), ""
        held = set("".join(texts))
        mark = next(chr(n) for n in _MARKS if chr(n) not in held)
        return [mark.join(_parts(t, c)) for t, c in zip(texts, cuts, strict=True)], mark

    def ids(self, text: str, mark: str = "", special: bool = False) -> list[int]:
        """Token ids of a `marked` text; ``special``: with the tokens that the tokenizer puts around one."""
        first, *rest = text.split(mark) if mark else [text]
        found = list(self._tokenizer.encode(first, add_special_tokens=special))
        more = [i for part in rest for i in self._after(part)]
        if not more or not special:
            return found + more
        bare = list(self._tokenizer.encode(first, add_special_tokens=False))
        begins = (n for n in range(len(found) - len(bare) + 1) if found[n : n + len(bare)] == bare)
        end = next(begins, len(found) - len(bare)) + len(bare)
        return [*found[:end], *more, *found[end:]]

    def text_ids(self, text: str, special: bool = False) -> list[int]:
        """Token ids of a text that no template stands around."""
        [made], mark = self.marked([text])
        return self.ids(made, mark, special)

    def _after(self, part: str) -> list[int]:
        """Token ids of a part that follows another."""
        for anchor in _ANCHORS if part else ():
            before = list(self._tokenizer.encode(anchor, add_special_tokens=False))
            both = list(self._tokenizer.encode(anchor + part, add_special_tokens=False))
            if before and both[: len(before)] == before and len(both) > len(before):
                return both[len(before) :]
        return list(self._tokenizer.encode(part, add_special_tokens=False))


def _parts(text: str, cuts: Sequence[int]) -> list[str]:
    edges = [0, *cuts, len(text)]
    return [text[a:b] for a, b in zip(edges, edges[1:], strict=False)]
