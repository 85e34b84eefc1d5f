"""From messages to tokens: the one way, in serving and in training, with a chat template or without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragtune.models.templates import with_fixed_day
from ragtune.models.verbatim import Verbatim

Messages = Sequence[Mapping[str, str]]


class Chat:
    """Conversations of one model. What stands in messages is text: it never becomes a control token (`Verbatim`)."""

    def __init__(self, tokenizer: Any, seq2seq: bool) -> None:
        self._tokenizer = tokenizer
        self._seq2seq = seq2seq
        self._verbatim = Verbatim(tokenizer)

    @property
    def _templated(self) -> bool:
        return bool(getattr(self._tokenizer, "chat_template", None))

    def prompt(self, messages: Messages) -> list[int]:
        """Prompt tokens: the chat template where the tokenizer has one, else the messages' text in order."""
        if self._templated:
            marked, mark = self._marked(messages)
            return self._verbatim.ids(self._render(marked, prompt=True), mark)
        text = "\n\n".join(m["content"] for m in messages) + ("" if self._seq2seq else "\nAnswer:")
        ids = self._verbatim.text_ids(text, special=True)
        ends = {self._tokenizer.eos_token_id, self._tokenizer.sep_token_id} if not self._seq2seq else set()
        while ids and ids[-1] in ends:  # some tokenizers end every text; this one is to be gone on with
            ids.pop()
        return ids

    def target(self, messages: Messages, target: str, prompt: Sequence[int]) -> list[int]:
        """Tokens of the assistant's turn ``target`` after ``prompt`` (the messages'), with the end token."""
        end = self._tokenizer.eos_token_id
        if self._templated:
            marked, mark = self._marked([*messages, {"role": "assistant", "content": target}])
            whole = self._verbatim.ids(self._render(marked, prompt=False), mark)
            if whole[: len(prompt)] == list(prompt) and len(whole) > len(prompt):
                rest = whole[len(prompt) :]
                if end in rest:
                    return rest[: rest.index(end) + 1]
                return [*rest, *([int(end)] if end is not None else [])]
        found = self._verbatim.text_ids(target if self._seq2seq else " " + target)
        return [*found, *([int(end)] if end is not None else [])]

    def _marked(self, messages: Messages) -> tuple[list[dict[str, str]], str]:
        texts, mark = self._verbatim.marked([m["content"] for m in messages])
        return [{**m, "content": text} for m, text in zip(messages, texts, strict=True)], mark

    def _render(self, messages: Messages, prompt: bool) -> str:
        try:
            return self._rendered([dict(m) for m in messages], prompt)
        except Exception:  # templates raise their own errors; some refuse a system message
            system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
            rest = [dict(m) for m in messages if m["role"] != "system"]
            rest[0]["content"] = f"{system}\n\n{rest[0]['content']}"
            return self._rendered(rest, prompt)

    def _rendered(self, messages: list[dict[str, str]], prompt: bool) -> str:
        template = with_fixed_day(self._tokenizer.get_chat_template())
        return str(
            self._tokenizer.apply_chat_template(
                messages, chat_template=template, add_generation_prompt=prompt, tokenize=False
            )
        )
