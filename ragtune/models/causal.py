"""Language models through transformers: the base is loaded once, adapters are switched on it or merged into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtune.models.adapters import merged, touched, wrapped
from ragtune.models.devices import Placement, placed, quiet
from ragtune.models.names import ModelRef, check_adapter_folder, load_failure
from ragtune.models.templates import with_fixed_day

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class LanguageModel:
    """One base model with its tokenizer and any number of LoRA adapters. ``loads`` counts base loads."""

    def __init__(self, ref: ModelRef, device: str = "auto", dtype: str = "auto") -> None:
        self.ref = ref
        self._wanted = device, dtype
        self._base: PreTrainedModel | None = None
        self._peft: PeftModel | None = None
        self._tokenizer: PreTrainedTokenizerBase | None = None
        self._adapters: dict[Path, str] = {}
        self._merged: Path | None = None
        self._kept: list[tuple[Any, Any]] = []
        self.loads = 0

    @property
    def placement(self) -> Placement:
        """Where it runs and in what precision."""
        return placed(*self._wanted)

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        if self._tokenizer is None:
            quiet()
            from transformers import AutoTokenizer

            loading = self.ref.loading
            try:
                tokenizer = AutoTokenizer.from_pretrained(self.ref.location, padding_side="left", **loading)
            except Exception as error:  # transformers raises many kinds for one problem: it did not load
                raise load_failure(self.ref, error) from error
            if tokenizer.pad_token_id is None:
                tokenizer.pad_token = tokenizer.eos_token
            self._tokenizer = tokenizer
        return self._tokenizer

    @property
    def base(self) -> PreTrainedModel:
        if self._base is None:
            quiet()
            import torch
            from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

            where, loading = self.placement, self.ref.loading
            try:
                config = AutoConfig.from_pretrained(self.ref.location, **loading)
                kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
                model = kind.from_pretrained(
                    self.ref.location,
                    dtype=getattr(torch, where.dtype),
                    use_safetensors=True,
                    **loading,
                )
            except Exception as error:  # as above
                raise load_failure(self.ref, error) from error
            self._base = merged(model, self.ref).to(where.device).eval()
            self.loads += 1
        return self._base

    @property
    def seq2seq(self) -> bool:
        return bool(self.base.config.is_encoder_decoder)

    @property
    def window(self) -> int:
        """Tokens that fit: the smallest of the config's and the tokenizer's limits (1e6 where none is stated)."""
        config = self.base.config
        limits = [getattr(config, n, None) for n in ("max_position_embeddings", "n_positions")]
        limits.append(self.tokenizer.model_max_length)
        return min([int(n) for n in limits if n and 0 < n < 1e9] or [10**6])

    def encode_prompt(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Prompt tokens: the chat template where the tokenizer has one, else the messages' text in order."""
        tokenizer = self.tokenizer
        if getattr(tokenizer, "chat_template", None):
            return list(tokenizer.encode(self._chat(messages, prompt=True), add_special_tokens=False))
        text = "\n\n".join(m["content"] for m in messages) + ("" if self.seq2seq else "\nAnswer:")
        return list(tokenizer.encode(text, add_special_tokens=True))

    def encode_target(self, messages: Sequence[Mapping[str, str]], target: str, prompt: Sequence[int]) -> list[int]:
        """Tokens of the assistant's turn ``target`` after ``prompt`` (its ``encode_prompt``), with the end token."""
        tokenizer = self.tokenizer
        end = tokenizer.eos_token_id
        if getattr(tokenizer, "chat_template", None):
            whole = tokenizer.encode(
                self._chat([*messages, {"role": "assistant", "content": target}], prompt=False),
                add_special_tokens=False,
            )
            if list(whole[: len(prompt)]) == list(prompt) and len(whole) > len(prompt):
                rest = list(whole[len(prompt) :])
                if end in rest:
                    return rest[: rest.index(end) + 1]
                return [*rest, *([int(end)] if end is not None else [])]
        found = list(tokenizer.encode(target if self.seq2seq else " " + target, add_special_tokens=False))
        return [*found, *([int(end)] if end is not None else [])]

    def reply(self, messages: Sequence[Mapping[str, str]], max_tokens: int) -> str:
        """What the model says to ``messages``, greedy."""
        import torch

        ids = torch.tensor([self.encode_prompt(messages)], device=self.base.device)
        with torch.inference_mode():
            out = self.base.generate(  # type: ignore[operator]
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=max_tokens,
                do_sample=False,
                pad_token_id=self.tokenizer.pad_token_id or 0,
            )
        made = out[0] if self.seq2seq else out[0, ids.shape[1] :]
        return str(self.tokenizer.decode(made, skip_special_tokens=True))

    def _chat(self, messages: Sequence[Mapping[str, str]], prompt: bool) -> str:
        try:
            return self._rendered([dict(m) for m in messages], prompt)
        except Exception:  # templates raise their own errors; some refuse a system message
            system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
            rest = [dict(m) for m in messages if m["role"] != "system"]
            rest[0]["content"] = f"{system}\n\n{rest[0]['content']}"
            return self._rendered(rest, prompt)

    def _rendered(self, messages: list[dict[str, str]], prompt: bool) -> str:
        template = with_fixed_day(self.tokenizer.get_chat_template())
        return str(
            self.tokenizer.apply_chat_template(
                messages, chat_template=template, add_generation_prompt=prompt, tokenize=False
            )
        )

    def plain(self) -> PreTrainedModel:
        """The base without any adapter layers, for training a new adapter on it."""
        if self._peft is not None:
            self._base = self._peft.unload()  # type: ignore[assignment]
            self._peft = None
            self._adapters.clear()
        if self._merged is not None:
            self._restore()
        for parameter in self.base.parameters():
            parameter.requires_grad_(False)
        return self.base

    def using(self, adapter: Path | None) -> Any:
        """The model with this adapter switched on (None: the base), ready for ``generate``; merged, if it is (`merge`).

        Raises:
            ModelError: the folder is no adapter, or was made for another base.
        """
        if adapter is None:
            return self.base if self._peft is None and self._merged is None else self.plain()
        if adapter == self._merged:
            return self.base
        if self._merged is not None:
            self._restore()
        from peft import PeftModel

        check_adapter_folder(adapter, self.ref)
        name = self._adapters.get(adapter)
        if name is None:
            name = f"a{len(self._adapters)}"
            if self._peft is None:
                self._peft = PeftModel.from_pretrained(self.base, str(adapter), adapter_name=name, use_safetensors=True)
            else:
                self._peft.load_adapter(str(adapter), adapter_name=name, use_safetensors=True)
            self._adapters[adapter] = name
        assert self._peft is not None
        self._peft.set_adapter(name)
        return self._peft.eval()

    def merge(self, adapter: Path, keep: bool = True) -> Any:
        """The model with this adapter in its weights, as it would be served; ``using`` it gives the same from now on.

        Asking for the base or for another adapter puts the weights back, to the bit: from copies in memory, or without
        ``keep`` by loading the base again.

        Raises:
            ModelError: the folder is no adapter, or was made for another base.
        """
        check_adapter_folder(adapter, self.ref)
        found = wrapped(self.plain(), self.ref.tuned(adapter, ""))
        self._kept = [(p, p.detach().to("cpu", copy=True)) for p in touched(found)] if keep else []
        self._merged = adapter
        self._base = found.merge_and_unload().eval()
        return self._base

    def _restore(self) -> None:
        """Take the merged adapter out of the weights."""
        for parameter, before in self._kept:
            parameter.data.copy_(before)
        if not self._kept:
            self._base = None
        self._kept, self._merged = [], None
