"""Tuning of small matrices beside the layers, through PEFT: LoRA and its relatives, and IA3."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtune.errors import ModelError
from ragtune.models.adapters import WEIGHTS, touched
from ragtune.tuning.method import Fitted, skeleton, unfit
from ragtune.tuning.targets import attention, places, refuse_targets, scaled, wrong_targets

if TYPE_CHECKING:
    from ragtune.models.causal import LanguageModel
    from ragtune.tuning.settings import TuningSettings

#: steps of the randomised decomposition that PiSSA begins with (its fast variant, Meng et al. 2024 §4)
_PISSA = "pissa_niter_16"


def lora_config(base: Any, settings: TuningSettings, seq2seq: bool) -> Any:
    """PEFT's configuration of the LoRA that is trained on ``base``; qlora has the same.

    Raises:
        ModelError: a target is no module of the model.
    """
    from peft import LoraConfig

    lora = settings.lora
    if lora.targets != ("attention",):
        refuse_targets(base, lora.targets or ())
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha or 2 * lora.r,
        lora_dropout=lora.dropout,
        use_rslora=lora.rank_stabilised,
        use_dora=settings.method == "dora",
        init_lora_weights=_PISSA if lora.init == "pissa" else True,
        **places(base, lora),
        task_type="SEQ_2_SEQ_LM" if seq2seq else "CAUSAL_LM",
    )


def fit_lora(model: LanguageModel, base: Any, settings: TuningSettings) -> Fitted:
    """``base`` with a fresh LoRA beside its weights."""
    from peft import get_peft_model

    config = lora_config(base, settings, model.seq2seq)
    before: list[tuple[Any, Any]] = []
    if settings.lora.init == "pissa":  # it takes out of the weights what it begins with
        before = [(p, p.detach().to("cpu", copy=True)) for p in base.parameters()]
    try:
        wrapped = get_peft_model(base, config)
    except ValueError as error:  # a module that an adapter cannot stand beside
        raise wrong_targets(str(error).split(". ")[0], base) from None
    if not before:
        return _fitted(wrapped, base)
    begun = tempfile.TemporaryDirectory(prefix="ragtune-")
    wrapped.peft_config["default"].init_lora_weights = True  # else it is not written as it began
    wrapped.save_pretrained(begun.name, safe_serialization=True)
    changed = {id(p) for p in touched(wrapped)}
    before = [pair for pair in before if id(pair[0]) in changed]

    def save(out: Path) -> None:
        """As an adapter of the weights as they were, of twice the rank."""
        wrapped.peft_config["default"].init_lora_weights = _PISSA
        wrapped.save_pretrained(out, safe_serialization=True, path_initial_model_for_weight_conversion=begun.name)

    def remove() -> None:
        wrapped.eval()
        wrapped.unload()
        for parameter, held in before:
            parameter.data.copy_(held)
        begun.cleanup()

    made = _fitted(wrapped, base)
    return Fitted(wrapped, base, save, made.load, remove, checkpoints=True)


def fit_ia3(model: LanguageModel, base: Any, settings: TuningSettings) -> Fitted:
    """``base`` with learned scales of keys, values and inner activations (IA3)."""
    from peft import IA3Config, get_peft_model

    targets, inner = scaled(base)
    if not targets or not inner:
        raise unfit(model, "ia3", "its blocks have no layers of a known name")
    task = "SEQ_2_SEQ_LM" if model.seq2seq else "CAUSAL_LM"
    config = IA3Config(target_modules=[*targets, *inner], feedforward_modules=inner, task_type=task)
    return _fitted(get_peft_model(base, config), base)


def _fitted(wrapped: Any, base: Any) -> Fitted:
    def load(folder: Path) -> None:
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file

        set_peft_model_state_dict(wrapped, load_file(folder / WEIGHTS))

    def remove() -> None:
        wrapped.eval()
        wrapped.unload()

    def save(out: Path) -> None:
        wrapped.save_pretrained(out, safe_serialization=True)

    return Fitted(wrapped, base, save, load, remove, checkpoints=True)


def check_lora(model: LanguageModel, settings: TuningSettings) -> None:
    """Raises ModelError where a target is no module of the model."""
    if settings.lora.targets:
        bare = skeleton(model)
        if settings.lora.targets == ("attention",):
            attention(bare)
        else:
            refuse_targets(bare, settings.lora.targets)


def check_ia3(model: LanguageModel, settings: TuningSettings) -> None:
    if not all(scaled(skeleton(model))):
        raise unfit(model, "ia3", "its blocks have no layers of a known name")


def check_qlora(model: LanguageModel, settings: TuningSettings) -> None:
    """Raises ModelError without an NVIDIA GPU or without the package bitsandbytes."""
    from importlib.util import find_spec

    lacking = [] if model.placement.device.startswith("cuda") else ["an NVIDIA GPU"]
    lacking += [] if find_spec("bitsandbytes") else ["the package bitsandbytes"]
    if lacking:
        raise ModelError(
            f"method: qlora needs {' and '.join(lacking)}.",
            where="tuning.method",
            fix="Take lora, or run where they are.",
        )
    if model.ref.kind == "gguf" or model.ref.adapter:
        raise unfit(model, "qlora", "it is no plain folder or hub model")
    check_lora(model, settings)


def four_bits(dtype: Any) -> dict[str, Any]:
    """How QLoRA keeps the base (Dettmers et al. 2023): four-bit NormalFloat, quantised twice, computed in ``dtype``."""
    return {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": True,
        "bnb_4bit_compute_dtype": dtype,
    }


def quantised(model: LanguageModel) -> Any:
    """The base in four bits, loaded for one training beside the one that answers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, BitsAndBytesConfig

    kind = AutoModelForSeq2SeqLM if model.seq2seq else AutoModelForCausalLM
    dtype = getattr(torch, model.placement.dtype)
    return kind.from_pretrained(
        model.ref.place,
        dtype=dtype,
        quantization_config=BitsAndBytesConfig(**four_bits(dtype)),
        device_map={"": model.placement.device},
        use_safetensors=True,
        **model.ref.loading,
    )
