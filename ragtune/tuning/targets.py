"""Where in a model adapters are put: which layers, and in how many of its blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ragtune.errors import ExperimentError, ModelError
from ragtune.tuning.settings import LoraSettings


def find_targets(model: Any) -> list[str]:
    """Names of all linear layers except the output head: what LoRA is put on (PEFT's ``all-linear``)."""
    import torch
    from transformers.pytorch_utils import Conv1D

    head, kinds = model.get_output_embeddings(), (torch.nn.Linear, Conv1D)
    names = {n.rsplit(".", 1)[-1] for n, m in model.named_modules() if isinstance(m, kinds) and m is not head}
    return sorted(names - {"lm_head"})


def refuse_targets(base: Any, targets: Sequence[str]) -> None:
    """Raises ModelError where the base has no module of one of these names."""
    held = {name.rpartition(".")[2] for name, _ in base.named_modules()} | {name for name, _ in base.named_modules()}
    for target in targets:
        if not any(name == target or name.endswith("." + target) for name in held):
            raise wrong_targets(f'the model has no module "{target}"', base)


def places(base: Any, lora: LoraSettings) -> dict[str, Any]:
    """Where the adapter goes, as PEFT takes it.

    Raises:
        ExperimentError: ``upper`` of a model whose blocks are not one row, or more than it has.
    """
    targets: Any = list(lora.targets) if lora.targets else "all-linear"
    if lora.targets == ("attention",):
        targets = attention(base)
    if lora.upper is None:
        return {"target_modules": targets}
    pattern, blocks = _blocks(base)
    if lora.upper > blocks:
        what = f"the model has {blocks} blocks" if blocks else "the model's blocks are not one row of them"
        raise ExperimentError(
            f"{what}: upper is {lora.upper}.", where="tuning.lora.upper", fix="Lower it or leave it out."
        )
    return {
        "target_modules": targets if lora.targets else find_targets(base),
        "layers_to_transform": list(range(blocks - lora.upper, blocks)),
        "layers_pattern": pattern,
    }


def _blocks(base: Any) -> tuple[str, int]:
    """The name and the length of the one row of blocks that a model is made of; 0 where there are several, or none."""
    import torch

    rows = [(n.rpartition(".")[2], len(m)) for n, m in base.named_modules() if isinstance(m, torch.nn.ModuleList)]
    longest = max((length for _, length in rows), default=0)
    found = [row for row in rows if row[1] == longest]
    return found[0] if len(found) == 1 and not base.config.is_encoder_decoder else ("", 0)


def wrong_targets(what: str, base: Any) -> ModelError:
    """What is wrong with ``tuning.lora.targets``, and what there is to name."""
    return ModelError(f"{what}.", where="tuning.lora.targets", fix=f"It has: {', '.join(find_targets(base))}.")


#: how architectures call the attention of a block
_ATTENTION = frozenset(
    {"self_attn", "attn", "attention", "self_attention", "SelfAttention", "EncDecAttention", "encoder_attn"}
)
#: what IA3 scales: keys and values (also where they are one layer with the queries), and the input of a block's last layer
_SCALED = frozenset({"k_proj", "v_proj", "k", "v", "c_attn", "query_key_value", "key", "value"})
_INNER = frozenset({"down_proj", "wo", "mlp.c_proj", "dense_4h_to_h", "fc2", "fc_out", "w2"})


def _linear(model: Any) -> list[str]:
    import torch
    from transformers.pytorch_utils import Conv1D

    return [name for name, m in model.named_modules() if isinstance(m, torch.nn.Linear | Conv1D)]


def attention(base: Any) -> list[str]:
    """The linear layers of attention, each as ``PART.LAYER``.

    Raises:
        ModelError: no part of the model has a name that attention is known by.
    """
    parts = [name.split(".")[-2:] for name in _linear(base)]
    found = sorted({".".join(part) for part in parts if part[0] in _ATTENTION})
    if not found:
        raise wrong_targets("the model has no attention of a known name", base)
    return found


def scaled(base: Any) -> tuple[list[str], list[str]]:
    """(keys and values, inputs of the last feed-forward layers): what IA3 scales; empty where no name is known."""
    names = _linear(base)
    last = {name.rpartition(".")[2] for name in names}
    inner = {i for i in _INNER if any(name == i or name.endswith(f".{i}") for name in names)}
    return sorted(last & _SCALED), sorted(inner)
