"""Adapters put into the weights of a model: a tuned model is a model."""

from __future__ import annotations

from typing import Any

from ragtune.models.names import ModelRef, load_failure


def merged(model: Any, ref: ModelRef) -> Any:
    """``model`` (transformers) with the adapter of ``ref`` merged into its weights; as it is where there is none.

    Raises:
        ModelError: the adapter cannot be read or does not fit.
    """
    if ref.adapter is None:
        return model
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(model, str(ref.adapter), use_safetensors=True).merge_and_unload()
    except Exception as error:  # peft and safetensors raise many kinds for one problem: it does not fit
        raise load_failure(ref, error) from error
