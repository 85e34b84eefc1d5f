"""From messages to tokens: the one way, in serving and in training, with a chat template or without one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from ragtune.errors import ModelError
from ragtune.models.templates import with_fixed_day
from ragtune.models.verbatim import Verbatim
from ragtune.text.thoughts import TAG
from ragtune.text.thoughts import begun as begun_by

Messages = Sequence[Mapping[str, str]]
#: stands in keys beside a model's fingerprint; raised when conversations of some models get other tokens
VERSION = 1
#: a text that no template writes itself
_PROBE = "Probe-7f3a"
#: what templates call the switch between thinking and not
_SWITCHES = ("enable_thinking", "thinking")


class Chat:
    """Conversations of one model. What stands in messages is text: it never becomes a control token (`Verbatim`).

    A template that has no place for instructions (``system``) finds them before the user's words.
    """

    def __init__(self, tokenizer: Any, seq2seq: bool, name: str = "") -> None:
        self._tokenizer, self._seq2seq, self._name = tokenizer, seq2seq, name
        self._verbatim = Verbatim(tokenizer)

    @cached_property
    def _template(self) -> str:
        return str(getattr(self._tokenizer, "chat_template", None) or "")

    @cached_property
    def _switches(self) -> list[str]:
        return [name for name in _SWITCHES if re.search(rf"\b{name}\b", self._template)]

    def prompt(self, messages: Messages, thinking: bool = False) -> list[int]:
        """Prompt tokens: the chat template where the tokenizer has one, else the messages' text in order.

        Raises:
            ModelError: the template cannot be used.
        """
        if self._template:
            marked, mark = self._marked(messages)
            return self._verbatim.ids(self._opened(marked, thinking), mark)
        text = self._plain(messages) + ("" if self._seq2seq else "\nAnswer:")
        ids = self._verbatim.text_ids(text, special=True)
        ends = {self._tokenizer.eos_token_id, self._tokenizer.sep_token_id} if not self._seq2seq else set()
        while ids and ids[-1] in ends:  # some tokenizers end every text; this one is to be gone on with
            ids.pop()
        return ids

    @staticmethod
    def _plain(messages: Messages) -> str:
        """The messages' text in order; what the assistant said before stands as the answer to what it was asked."""
        parts = list[str]()
        for message in messages:
            if message["role"] == "assistant" and parts:
                parts[-1] += f"\nAnswer: {message['content']}"
            else:
                parts.append(message["content"])
        return "\n\n".join(parts)

    def target(self, messages: Messages, target: str, prompt: Sequence[int], thinking: bool = False) -> list[int]:
        """Tokens of the assistant's turn ``target`` after ``prompt`` (the messages'), with the end token."""
        end = self._tokenizer.eos_token_id
        if self._template:
            marked, mark = self._marked([*messages, {"role": "assistant", "content": target}])
            whole = self._verbatim.ids(self._render(marked, False, thinking), mark)
            begun = [list(prompt)]
            if self._switches:  # told turns may lack the empty thought that a prompt without thinking ends in
                begun.append(self.prompt(messages, thinking=True))
            size = next((len(b) for b in begun if whole[: len(b)] == b and len(whole) > len(b)), 0)
            if size:
                rest = whole[size:]
                if end in rest:
                    return rest[: rest.index(end) + 1]
                return [*rest, *([int(end)] if end is not None else [])]
            if tag := begun_by(
                self._opened(marked[:-1], thinking)
            ):  # what is taught is the answer, after an empty thought
                close = tag.replace("<", "</").replace("[", "[/")
                said = self._verbatim.ids(f"\n{close}\n\n{marked[-1]['content']}", mark)
                return [*said, *([int(end)] if end is not None else [])]
        found = self._verbatim.text_ids(target if self._seq2seq else " " + target)
        return [*found, *([int(end)] if end is not None else [])]

    @property
    def switched(self) -> bool:
        """Whether thinking can be switched on and off by the template."""
        return bool(self._switches)

    def begun(self, thinking: bool = False) -> str:
        """The tag of the thought that every prompt begins at its end, so that replies go on with it; "" where none does."""
        if not self._template:
            return ""
        return begun_by(self._opened([{"role": "user", "content": "?"}], thinking))

    def said(self, ids: Sequence[int]) -> str:
        """What the tokens say without the names of special tokens, but for those around a thought."""
        if self._tags.isdisjoint(ids):
            return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))
        kept = [i for i in ids if i not in self._special or i in self._tags]
        return str(self._tokenizer.decode(kept, skip_special_tokens=False))

    @cached_property
    def _special(self) -> dict[int, str]:
        return {int(i): t.content for i, t in self._tokenizer.added_tokens_decoder.items() if t.special}

    @cached_property
    def _tags(self) -> set[int]:
        return {i for i, name in self._special.items() if TAG.fullmatch(name)}

    def _marked(self, messages: Messages) -> tuple[list[dict[str, str]], str]:
        texts, mark = self._verbatim.marked([m["content"] for m in messages])
        return [{**m, "content": text} for m, text in zip(messages, texts, strict=True)], mark

    def _opened(self, messages: Messages, thinking: bool) -> str:
        """The conversation up to where the assistant begins to speak."""
        made = self._render(messages, True, thinking)
        if self._header and made == self._render(messages, False, thinking):
            return made + self._header
        return made

    @cached_property
    def _header(self) -> str:
        """What stands before the assistant's words, where the template does not write it when it is asked to; the model
        would write it into its answer."""
        asked = [{"role": "user", "content": "?"}]
        try:
            before, opened = self._render(asked, False), self._render(asked, True)
            whole = self._render([*asked, {"role": "assistant", "content": _PROBE}], False)
        except ModelError:  # said where a prompt is made
            return ""
        if opened != before or not whole.startswith(before) or _PROBE not in whole:
            return ""
        found = whole[len(before) : whole.index(_PROBE)]
        return found.rstrip(" ") if found.strip() else ""

    @cached_property
    def _folds(self) -> bool:
        """Whether the template has no place for instructions: it refuses them, or passes over them without a word."""
        asked = [{"role": "system", "content": _PROBE}, {"role": "user", "content": "?"}]
        try:
            return _PROBE not in self._applied(asked, True, False)
        except Exception:  # templates raise their own errors
            return True

    def _render(self, messages: Messages, prompt: bool, thinking: bool = False) -> str:
        try:
            return self._applied(self._laid_out(messages), prompt, thinking)
        except Exception as error:  # as above
            text = (str(error).strip().splitlines() or [type(error).__name__])[0]
            fix = "Mend the template in its folder, or use another model."
            raise ModelError(f"its chat template cannot be used ({text[:160]}).", where=self._name, fix=fix) from error

    def _laid_out(self, messages: Messages) -> Messages:
        told = [m["content"] for m in messages if m["role"] == "system"]
        if not told or not self._folds:
            return messages
        rest = [dict(m) for m in messages if m["role"] != "system"]
        rest[0]["content"] = "\n\n".join([*told, rest[0]["content"]])
        return rest

    def _applied(self, messages: Messages, prompt: bool, thinking: bool) -> str:
        switches = dict.fromkeys(self._switches, thinking)
        copies = [dict(m) for m in messages]
        template = with_fixed_day(self._tokenizer.get_chat_template())
        return str(
            self._tokenizer.apply_chat_template(
                copies, chat_template=template, add_generation_prompt=prompt, tokenize=False, **switches
            )
        )
