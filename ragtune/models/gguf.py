"""GGUF files of any architecture that transformers reads: quantised weights, unpacked when they are loaded."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

from ragtune.errors import ModelError

_MAGIC = b"GGUF"


def is_gguf(path: Path) -> bool:
    """Whether the file begins as a GGUF file does."""
    try:
        with path.open("rb") as handle:
            return handle.read(4) == _MAGIC
    except OSError:
        return False


def refuse_foreign(path: Path) -> None:
    """Raises ModelError where the file is no GGUF file."""
    if not is_gguf(path):
        raise ModelError("this is no GGUF file.", where=path, fix="Name a .gguf file, a model folder, or a hub id.")


def unpacked(model: Any) -> Any:
    """The model as an ordinary one, which can be tuned and saved: its weights are quantised no longer."""
    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    for name in ("hf_quantizer", "quantization_method", "is_quantized"):
        if name in vars(model):
            delattr(model, name)
    return model


def silence() -> contextlib.AbstractContextManager[object]:
    """A block in which the bars of other libraries are not shown."""
    return contextlib.redirect_stderr(io.StringIO())


def write_folder(path: Path, folder: Path, adapter: Path | None = None) -> None:
    """Write the language model in the GGUF file ``path`` as a safetensors folder, in bfloat16.

    With ``adapter`` (a peft folder) its weights are merged in, and the whole is written in float32: what an adapter changes is
    less than bfloat16 can tell.

    Raises:
        ModelError: it cannot be read.
    """
    import torch
    from peft import PeftModel
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    place = {"gguf_file": path.name, "local_files_only": True, "trust_remote_code": False}
    try:
        with silence():
            config = AutoConfig.from_pretrained(str(path.parent), **place)
            read = AutoModelForCausalLM.from_pretrained(str(path.parent), dtype=torch.float32, **place)
            made = AutoModelForCausalLM.from_config(config)
            made.load_state_dict(read.state_dict())
            made = made.to(torch.bfloat16)
            if adapter:  # it was trained on the weights as bfloat16 holds them
                made = PeftModel.from_pretrained(made.float(), str(adapter), use_safetensors=True).merge_and_unload()
            made.save_pretrained(folder)
            AutoTokenizer.from_pretrained(str(path.parent), **place).save_pretrained(folder)
    except Exception as error:  # transformers raises many kinds for one problem: it did not load
        text = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"this GGUF file cannot be read ({text[:160]}).", where=path) from error
