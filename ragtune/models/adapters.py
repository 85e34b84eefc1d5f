"""Adapters put into the weights of a model: a tuned model is a model."""

from __future__ import annotations

from typing import Any

from ragtune.models.names import ModelRef, load_failure


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
    """``model`` (transformers) with the adapter of ``ref`` merged into its weights; as it is where there is none.

    Raises:
        ModelError: the adapter cannot be read or does not fit.
    """
    return model if ref.adapter is None else wrapped(model, ref).merge_and_unload()


def touched(model: Any) -> list[Any]:
    """The parameters of a `wrapped` model that merging changes, each once."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = [m.get_base_layer() for m in model.modules() if isinstance(m, BaseTunerLayer)]
    return list({id(p): p for layer in layers for p in layer.parameters()}.values())
