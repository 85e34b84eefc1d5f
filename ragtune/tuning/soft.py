"""Tuning of virtual tokens: prompt tuning, p-tuning and prefix tuning. No weight of the model changes.

PEFT keeps and writes them; how a model reads them is said here, as `models.virtual` says it for answering: they stand first, the
padding behind them, and positions are counted without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtune.models.adapters import WEIGHTS
from ragtune.models.virtual import as_cache
from ragtune.tuning.method import Fitted, unfit

if TYPE_CHECKING:
    from ragtune.models.causal import LanguageModel
    from ragtune.tuning.settings import TuningSettings


def fit_virtual(model: LanguageModel, base: Any, settings: TuningSettings) -> Fitted:
    """Virtual tokens before ``base``: vectors of their own (prompt), made by a small network (p-tuning), or the keys and values of
    every layer (prefix)."""
    from peft import PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig, get_peft_model

    size, text = settings.virtual_tokens, base.config.get_text_config()
    # a decoder has its one stack, and of an encoder with a decoder only the encoder is shown virtual tokens
    common: dict[str, Any] = {"task_type": "SEQ_2_SEQ_LM" if model.seq2seq else "CAUSAL_LM", "num_virtual_tokens": size}
    common["num_transformer_submodules"] = 1
    if settings.method == "prompt":
        config: Any = PromptTuningConfig(**common)
    elif settings.method == "p-tuning":
        config = PromptEncoderConfig(**common, encoder_hidden_size=text.hidden_size)
    else:
        heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
        width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        layers = getattr(text, "num_decoder_layers", None) or getattr(text, "decoder_layers", text.num_hidden_layers)
        shape = {"token_dim": heads * width, "num_attention_heads": heads, "num_layers": layers}
        common["num_transformer_submodules"] = 2 if model.seq2seq else 1  # as PEFT tells a decoder's own cache
        config = PrefixTuningConfig(**common, **shape)
    wrapped = get_peft_model(base, config)
    table = wrapped.prompt_encoder["default"].embedding
    _begin(model, base, settings, table)
    if not model.seq2seq:  # PEFT shows them to an encoder, and to the decoder beside it, as answering does
        prefix = settings.method == "prefix"
        wrapped.forward = _with_cache(base, wrapped, config) if prefix else _with_vectors(base, wrapped)

    def load(folder: Path) -> None:
        import torch
        from safetensors.torch import load_file

        with torch.no_grad():
            table.weight.copy_(load_file(folder / WEIGHTS)["prompt_embeddings"])

    return Fitted(wrapped, base, lambda out: wrapped.save_pretrained(out, safe_serialization=True), load, base.eval)


def _begin(model: LanguageModel, base: Any, settings: TuningSettings, table: Any) -> None:
    """Begin with real words (Lester et al. 2021; Li and Liang 2021 §7.4): of ``virtual_text``, else drawn by the seed."""
    import torch

    size, rows = settings.virtual_tokens, base.get_input_embeddings().num_embeddings
    if settings.virtual_text:
        ids = model.tokenizer(settings.virtual_text, add_special_tokens=False)["input_ids"] or [model.pad]
        words = torch.tensor((ids * size)[:size], device=base.device)
    else:
        words = torch.randint(0, min(rows, len(model.tokenizer)), (size,)).to(base.device)
    with torch.no_grad():
        if settings.method == "prefix":
            written = {"decoder_input_ids": words[None]} if model.seq2seq else {}
            read = base(input_ids=words[None], use_cache=True, **written).past_key_values
            read = read.self_attention_cache if model.seq2seq else read
            parts = [part[0].transpose(0, 1) for layer in read.layers for part in (layer.keys, layer.values)]
            table.weight.copy_(torch.stack(parts, 1).flatten(1))  # size, layers and kinds, heads, width
        elif table.weight.shape[1] == base.get_input_embeddings().embedding_dim:
            table.weight.copy_(base.get_input_embeddings()(words))


def _with_vectors(base: Any, wrapped: Any) -> Any:
    def forward(input_ids: Any, attention_mask: Any, position_ids: Any = None, **more: Any) -> Any:
        import torch

        prompts = wrapped.get_prompt(batch_size=len(input_ids))
        words = base.get_input_embeddings()(input_ids)
        mask, positions = _behind(attention_mask, prompts.shape[1])
        embeds = torch.cat([prompts.to(words.dtype), words], 1)
        return base(inputs_embeds=embeds, attention_mask=mask, position_ids=positions, **more)

    return forward


def _with_cache(base: Any, wrapped: Any, config: Any) -> Any:
    def forward(input_ids: Any, attention_mask: Any, position_ids: Any = None, **more: Any) -> Any:
        table, size = wrapped.prompt_encoder["default"].embedding.weight, config.num_virtual_tokens
        held = table.to(base.dtype).view(size, config.num_layers, 2, config.num_attention_heads, -1)
        mask, positions = _behind(attention_mask, size)
        kept = as_cache(held, len(input_ids))
        return base(
            input_ids=input_ids,
            attention_mask=mask,
            position_ids=positions[:, size:],
            past_key_values=kept,
            **{**more, "use_cache": True},
        )

    return forward


def _behind(mask: Any, size: int) -> tuple[Any, Any]:
    """The attention mask with ``size`` virtual tokens before it, and the positions: padding counts none."""
    import torch

    whole = torch.cat([mask.new_ones((len(mask), size)), mask], 1)
    return whole, (whole.cumsum(-1) - 1).clamp(min=0)


def check_virtual(model: LanguageModel, settings: TuningSettings) -> None:
    text = model.config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or ())
    if kinds - {"full_attention", "sliding_attention"} or not hasattr(text, "num_attention_heads"):
        raise unfit(model, settings.method, "not every layer of it is attention")
    if settings.virtual_tokens >= model.window:
        raise unfit(model, settings.method, f"its window has {model.window} tokens")
