"""Language models through transformers: the base is loaded once, adapters are switched on it or merged into it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtune.models.adapters import WHOLE, kind_of, merged, put_in, touched, wrapped
from ragtune.models.bottleneck import BOTTLENECK, put_behind
from ragtune.models.chat import Chat, Messages
from ragtune.models.devices import Placement, placed, quiet
from ragtune.models.gguf import silence, unpacked
from ragtune.models.names import ModelRef, check_adapter_folder, load_failure
from ragtune.models.virtual import VIRTUAL, VirtualTokens, read_virtual

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class LanguageModel:
    """One base model with its tokenizer and any number of adapters. ``loads`` counts base loads."""

    def __init__(self, ref: ModelRef, device: str = "auto", dtype: str = "auto") -> None:
        self.ref = ref
        self._wanted = device, dtype
        self._base: PreTrainedModel | None = None
        self._peft: PeftModel | None = None
        self._tokenizer: PreTrainedTokenizerBase | None = None
        self._config: Any = None
        self._chat: Chat | None = None
        self._adapters: dict[Path, str] = {}
        self._merged: Path | None = None
        self._kept: list[tuple[Any, Any]] = []
        self._beside: tuple[Path, Any] | None = None  # used without PEFT, with its handle
        self._virtual: dict[Path, VirtualTokens | None] = {}
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
                tokenizer = AutoTokenizer.from_pretrained(self.ref.place, padding_side="left", **loading)
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
            from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

            where, loading = self.placement, self.ref.loading
            kind = AutoModelForSeq2SeqLM if self.seq2seq else AutoModelForCausalLM
            try:
                with silence() if self.ref.kind == "gguf" else nullcontext():
                    model = kind.from_pretrained(
                        self.ref.place,
                        dtype=getattr(torch, where.dtype),
                        use_safetensors=self.ref.kind != "gguf",
                        **loading,
                    )
            except Exception as error:  # as above
                raise load_failure(self.ref, error) from error
            model = unpacked(model)
            model.generation_config = self._neutral(model.generation_config)
            self._base = merged(model, self.ref).to(where.device).eval()
            self.loads += 1
        return self._base

    def _neutral(self, found: Any) -> Any:
        """The model's own settings of generation, of which only its tokens count: what else there is (penalties, forced and
        suppressed tokens, sampling, beams, strings) would change answers in a way that no experiment says."""
        from transformers import GenerationConfig

        own = found.eos_token_id
        ends = {*(own if isinstance(own, list) else [own]), self.tokenizer.eos_token_id} - {None}
        return GenerationConfig(
            bos_token_id=found.bos_token_id,
            eos_token_id=sorted(ends) or None,
            pad_token_id=found.pad_token_id,
            decoder_start_token_id=found.decoder_start_token_id,
        )

    @property
    def ends(self) -> frozenset[int]:
        """Tokens that end an answer."""
        return frozenset(self.base.generation_config.eos_token_id or ())  # type: ignore[union-attr, arg-type]

    @property
    def pad(self) -> int:
        """The token that fills rows up, which is masked: the tokenizer's, where the model has a vector for it."""
        rows = self.base.get_input_embeddings().weight.shape[0]
        ids = (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id)
        return int(next((i for i in ids if isinstance(i, int) and i < rows), 0))

    @property
    def config(self) -> Any:
        """The model's configuration, read without its weights."""
        if self._config is None:
            quiet()
            from transformers import AutoConfig

            loading = self.ref.loading
            try:
                self._config = AutoConfig.from_pretrained(self.ref.place, **loading)
            except Exception as error:  # as above
                raise load_failure(self.ref, error) from error
        return self._config

    @property
    def seq2seq(self) -> bool:
        return bool(self.config.is_encoder_decoder)

    @property
    def window(self) -> int:
        """Tokens that fit: the smallest of the config's and the tokenizer's limits (1e6 where none is stated), less
        the virtual tokens that stand before every prompt."""
        config = self.config
        limits = [getattr(config, n, None) for n in ("max_position_embeddings", "n_positions")]
        limits.append(self.tokenizer.model_max_length)
        own = self.virtual(None)
        return min([int(n) for n in limits if n and 0 < n < 1e9] or [10**6]) - (own.size if own else 0)

    @property
    def chat(self) -> Chat:
        if self._chat is None:
            self._chat = Chat(self.tokenizer, self.seq2seq, self.ref.name)
        return self._chat

    def encode_prompt(self, messages: Messages, thinking: bool = False) -> list[int]:
        """Prompt tokens of ``messages`` (`Chat.prompt`); ``thinking`` where the template can switch it."""
        return self.chat.prompt(messages, thinking)

    def encode_target(
        self, messages: Messages, target: str, prompt: Sequence[int], thinking: bool = False
    ) -> list[int]:
        """Tokens of the assistant's turn ``target`` after ``prompt`` (its ``encode_prompt``), with the end token."""
        return self.chat.target(messages, target, prompt, thinking)

    def reply(self, messages: Messages, max_tokens: int) -> str:
        """What the model says to ``messages``, greedy."""
        import torch

        own = self.virtual(None)
        ids = torch.tensor([[*[self.pad] * (own.size if own else 0), *self.encode_prompt(messages)]])
        ids = ids.to(self.base.device)
        with torch.inference_mode():
            out = self.base.generate(  # type: ignore[operator]
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                past_key_values=own.cache(self.base) if own and not self.seq2seq else None,
                max_new_tokens=max_tokens,
                do_sample=False,
                pad_token_id=self.pad,
            )
        made = out[0] if self.seq2seq else out[0, ids.shape[1] :]
        return self.chat.said(made.tolist())

    def virtual(self, adapter: Path | None) -> VirtualTokens | None:
        """The virtual tokens that stand before every prompt: of ``adapter``, else of the model itself (`MODEL + FOLDER`).

        Prompts begin with so many tokens of any kind in their place; a decoder is given their cache. None, too, for those that stand
        before what a decoder beside an encoder writes, and before no prompt.
        """
        folder = adapter or self.ref.adapter
        if folder is None:
            return None
        if folder not in self._virtual:
            found = read_virtual(folder) if kind_of(folder) in VIRTUAL else None
            self._virtual[folder] = found if found and not (self.seq2seq and found.cached is not None) else None
        return self._virtual[folder]

    def plain(self) -> PreTrainedModel:
        """The base without any adapter layers, for training a new adapter on it."""
        if self._peft is not None:
            self._base = self._peft.unload()  # type: ignore[assignment]
            self._peft = None
            self._adapters.clear()
        if self._beside is not None:
            if self._beside[1] is not None:
                self._beside[1].remove()
            self._beside = None
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
            own = self._peft is None and self._merged is None and self._beside is None
            return self.base if own else self.plain()
        if adapter == self._merged or (self._beside and self._beside[0] == adapter):
            return self.base
        check_adapter_folder(adapter, self.ref)
        kind = kind_of(adapter)
        if kind == WHOLE:
            return self.merge(adapter)
        if kind in VIRTUAL or kind == BOTTLENECK:
            return self._put_beside(adapter, kind)
        if self._merged is not None or self._beside is not None:
            self.plain()
        from peft import PeftModel

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

    def _put_beside(self, adapter: Path, kind: str) -> Any:
        model = self.plain()
        if kind == BOTTLENECK:
            self._beside = adapter, put_behind(model, adapter)
        else:
            self._beside = adapter, read_virtual(adapter).in_pair(model) if self.seq2seq else None
        return model.eval()

    def merge(self, adapter: Path, keep: bool = True) -> Any:
        """The model with this adapter as it would be served: in its weights, where it can be put into them, else beside them;
        ``using`` it gives the same from now on.

        Asking for the base or for another adapter puts the weights back, to the bit: from copies in memory, or without
        ``keep`` by loading the base again.

        Raises:
            ModelError: the folder is no adapter, or was made for another base.
        """
        if adapter == self._merged:
            return self.base
        check_adapter_folder(adapter, self.ref)
        kind = kind_of(adapter)
        if kind in VIRTUAL or kind == BOTTLENECK:
            return self.using(adapter)
        if kind == WHOLE:
            model = self.plain()
            self._kept = [(p, p.detach().to("cpu", copy=True)) for p in model.parameters()] if keep else []
            self._merged = adapter
            put_in(model, adapter)
            return model
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
