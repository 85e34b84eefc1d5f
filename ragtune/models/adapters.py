"""Adapters beside the weights of a model or in them: a tuned model is a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ragtune.models.bottleneck import BOTTLENECK, put_behind
from ragtune.models.names import ModelRef, load_failure
from ragtune.models.virtual import VIRTUAL, read_virtual

#: the kind of a folder that holds all weights of a tuned model
WHOLE = "WHOLE"
#: file of an adapter's weights
WEIGHTS = "adapter_model.safetensors"


def kind_of(adapter: Path) -> str:
    """What an adapter is: PEFT's name of it, ``BOTTLENECK`` or ``WHOLE``."""
    return str(json.loads((adapter / "adapter_config.json").read_text("utf-8")).get("peft_type"))


def merges(adapter: Path) -> bool:
    """Whether it can be put into the weights; else it stands beside them wherever the model is used."""
    return kind_of(adapter) not in {*VIRTUAL, BOTTLENECK}


def wrapped(model: Any, ref: ModelRef) -> Any:
    """``model`` (transformers) with the adapter of ``ref`` beside its weights (peft).

    Raises:
        ModelError: the adapter cannot be read or does not fit.
    """
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(model, str(ref.adapter), use_safetensors=True)
    except Exception as error:  # peft and safetensors raise many kinds for one problem: it does not fit
        raise load_failure(ref, error) from error


def merged(model: Any, ref: ModelRef) -> Any:
    """``model`` (transformers) with the adapter of ``ref`` as it is served: merged into its weights, or beside them where it
    cannot be (virtual tokens of a decoder, which stand before its prompts, are no part of the model); as it is where there is none.

    Raises:
        ModelError: the adapter cannot be read or does not fit.
    """
    if ref.adapter is None:
        return model
    kind = kind_of(ref.adapter)
    try:
        if kind == WHOLE:
            put_in(model, ref.adapter)
        elif kind == BOTTLENECK:
            put_behind(model, ref.adapter)
        elif kind in VIRTUAL:
            if model.config.is_encoder_decoder:
                read_virtual(ref.adapter).in_pair(model)
        else:
            return wrapped(model, ref).merge_and_unload()
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        raise load_failure(ref, error) from error
    return model


def touched(model: Any) -> list[Any]:
    """The parameters of a `wrapped` model that merging changes, each once."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = [m.get_base_layer() for m in model.modules() if isinstance(m, BaseTunerLayer)]
    return list({id(p): p for layer in layers for p in layer.parameters()}.values())


def put_in(model: Any, folder: Path) -> None:
    """Replace all weights of ``model`` by those in ``folder``.

    Raises:
        ValueError: they are not those of this model.
    """
    import torch
    from safetensors.torch import load_file

    held = load_file(folder / WEIGHTS)
    own = dict(model.named_parameters())
    if {n: p.shape for n, p in own.items()} != {n: t.shape for n, t in held.items()}:
        raise ValueError("the weights are not those of this model")
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(held[name])


def save_whole(model: Any, folder: Path, dtype: Any) -> None:
    """Write all weights of ``model``, in ``dtype``, as an adapter's folder (without its card)."""
    from safetensors.torch import save_file

    held = {name: p.detach().to("cpu", dtype).contiguous() for name, p in model.named_parameters()}
    save_file(held, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": WHOLE}), "utf-8")
