"""Two LoRA adapters, the second made on top of the first, as one for the model below both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ragtune.errors import ModelError
from ragtune.models.names import ADAPTER_CARD, ModelRef

_A, _B = "lora_A", "lora_B"
_OWN = {"r", "lora_alpha", "target_modules", "layers_to_transform", "base_model_name_or_path"}


def join(first: Path, second: Path, below: ModelRef, dest: Path) -> None:
    """Write to the folder ``dest`` the adapter of ``below`` whose update is the sum of both, at the sum of their ranks.

    With the factors A (r, in) and B (out, r) of a layer, scaled by s = alpha / r: s1 B1 A1 + s2 B2 A2 = [s1 B1, s2 B2] [A1; A2]
    (PEFT's combination "cat"). A layer that only one of them has gets zeros for the other.

    Raises:
        ModelError: they are not plain LoRA of one kind.
    """
    import torch
    from safetensors.torch import load_file, save_file

    configs = [json.loads((folder / "adapter_config.json").read_text("utf-8")) for folder in (first, second)]
    _refuse_unlike(first, *configs)
    ranks = [int(c["r"]) for c in configs]
    scales = [c["lora_alpha"] / (r**0.5 if c.get("use_rslora") else r) for c, r in zip(configs, ranks, strict=True)]
    tensors = [load_file(folder / "adapter_model.safetensors") for folder in (first, second)]
    made = {}
    for name in sorted({*tensors[0], *tensors[1]}):
        axis = 0 if _A in name else 1
        parts = []
        for held, rank, scale in zip(tensors, ranks, scales, strict=True):
            part = held.get(name)
            if part is None:
                other = tensors[0].get(name, tensors[1].get(name))
                assert other is not None
                shape = list(other.shape)
                shape[axis] = rank
                part = torch.zeros(shape, dtype=other.dtype)
            parts.append(part.float() * (scale if axis else 1.0))
        made[name] = torch.cat(parts, axis).contiguous()
    dest.mkdir(parents=True, exist_ok=True)
    save_file(made, dest / "adapter_model.safetensors", metadata={"format": "pt"})
    (dest / "adapter_config.json").write_text(
        json.dumps(_config(configs[0], configs[1], below.name), indent=1, sort_keys=True) + "\n"
    )
    card = json.loads((second / ADAPTER_CARD).read_text("utf-8"))
    card |= {"base": below.fingerprint, "base_name": below.name}
    (dest / ADAPTER_CARD).write_text(json.dumps(card, indent=1) + "\n", "utf-8")


def _refuse_unlike(where: Path, first: dict[str, Any], second: dict[str, Any]) -> None:
    plain = all(
        c.get("peft_type") == "LORA" and not c.get("use_dora") and not c.get("rank_pattern") for c in (first, second)
    )
    plain = plain and all(isinstance(c.get("target_modules"), list) for c in (first, second))
    kept = ("bias", "fan_in_fan_out", "modules_to_save", "lora_bias")
    if not plain or any(first.get(k) != second.get(k) for k in kept) or first.get("bias", "none") != "none":
        raise ModelError(
            "this adapter and the one on top of it cannot be written as one: they are not plain LoRA of one kind.",
            where=where,
            fix="Export with --merged.",
        )


def _config(first: dict[str, Any], second: dict[str, Any], base: str) -> dict[str, Any]:
    rank = int(first["r"]) + int(second["r"])
    layers = [list[int](c.get("layers_to_transform") or ()) for c in (first, second)]
    return {
        **second,
        "r": rank,
        "lora_alpha": rank,
        "use_rslora": False,
        "target_modules": sorted({*first["target_modules"], *second["target_modules"]}),
        "layers_to_transform": sorted({*layers[0], *layers[1]}) if all(layers) else None,
        "layers_pattern": second.get("layers_pattern") if all(layers) else None,
        "base_model_name_or_path": base,
    }


def cast(adapter: Path, dtype: str) -> None:
    """Write the weights of the adapter in the folder anew, as ``float32``, ``float16`` or ``bfloat16``."""
    import torch
    from safetensors.torch import load_file, save_file

    file = adapter / "adapter_model.safetensors"
    held = {name: tensor.to(getattr(torch, dtype)) for name, tensor in load_file(file).items()}
    save_file(held, file, metadata={"format": "pt"})
