"""Virtual tokens: what a tuning that changes no weight puts before every prompt, as vectors or as keys and values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: kinds of adapters (PEFT's names) that are virtual tokens
VIRTUAL = frozenset({"PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING"})


@dataclass(frozen=True)
class VirtualTokens:
    """``size`` tokens: ``vectors`` (size, width) stand where embeddings do, or ``cached`` (size, layers, 2, heads, width of a
    head) where keys and values do."""

    size: int
    vectors: Any = None
    cached: Any = None

    def cache(self, model: Any) -> Any:
        """The keys and values of these tokens, for one row of the decoder ``model``."""
        import torch

        if self.cached is not None:
            return as_cache(self.cached.to(model.device, model.dtype), 1)
        embeds = self.vectors.to(model.device, model.dtype)[None]
        with torch.inference_mode():
            mask = torch.ones(embeds.shape[:2], dtype=torch.long, device=model.device)
            return model(inputs_embeds=embeds, attention_mask=mask, use_cache=True).past_key_values

    def in_pair(self, model: Any) -> Any:
        """Put them into a model of encoder and decoder: the first ``size`` tokens that its encoder is shown stand for vectors; keys
        and values stand before what its decoder writes. Returns a handle to remove."""

        def begun(decoder: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            from transformers.cache_utils import DynamicCache, EncoderDecoderCache

            held = kwargs.get("past_key_values")
            if held is not None and held.get_seq_length():
                return None
            rows = len(kwargs["input_ids"])
            own = as_cache(self.cached.to(model.device, model.dtype), rows)
            if held is None:
                return args, {**kwargs, "past_key_values": EncoderDecoderCache(own, DynamicCache())}
            held.self_attention_cache = own
            return args, kwargs

        def shown(encoder: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            import torch

            ids = kwargs.pop("input_ids") if "input_ids" in kwargs else args[0]
            own = self.vectors.to(model.device, model.dtype).expand(len(ids), -1, -1)
            rest = model.get_input_embeddings()(ids[:, self.size :])
            return (), {**kwargs, "input_ids": None, "inputs_embeds": torch.cat([own, rest], 1)}

        if self.cached is not None:
            return model.get_decoder().register_forward_pre_hook(begun, with_kwargs=True)
        return model.get_encoder().register_forward_pre_hook(shown, with_kwargs=True)


def as_cache(cached: Any, rows: int) -> Any:
    """Keys and values (size, layers, 2, heads, width) as a cache of transformers for ``rows`` rows."""
    from transformers.cache_utils import DynamicCache

    parts = cached.permute(1, 2, 3, 0, 4)  # layers, 2, heads, size, width
    return DynamicCache([tuple(part[None].expand(rows, -1, -1, -1).contiguous() for part in layer) for layer in parts])


def read_virtual(folder: Path) -> VirtualTokens:
    """The virtual tokens in the folder of an adapter (as PEFT writes them)."""
    from safetensors.torch import load_file

    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    held = load_file(folder / "adapter_model.safetensors")["prompt_embeddings"]
    if config["peft_type"] != "PREFIX_TUNING":
        return VirtualTokens(len(held), held)
    layers, heads = config["num_layers"], config["num_attention_heads"]
    return VirtualTokens(len(held), cached=held.view(len(held), layers, 2, heads, -1))
