"""Which method tunes which architecture: as docs/methods.md says; and what QLoRA asks the libraries for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ROOT

from ragtune.errors import ModelError
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.tuning.batches import encode_item
from ragtune.tuning.layers import four_bits, lora_config
from ragtune.tuning.methods import METHODS, check
from ragtune.tuning.settings import TuningSettings
from ragtune.tuning.trainer import train_adapter

FAMILIES = {"Llama": "llama", "Qwen2": "qwen2", "GPT-2": "gpt2", "GPT-NeoX": "neox", "T5": "t5"}


def settings_of(method: str) -> TuningSettings:
    plain = {"train_on": "closed-book", "epochs": 0.01, "virtual_tokens": 3, "bottleneck": 4}
    return TuningSettings.model_validate({**plain, "method": method})


@pytest.fixture(scope="module")
def families(tiny_models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    from transformers import AutoTokenizer, GPTNeoXConfig, GPTNeoXForCausalLM

    folder = tmp_path_factory.mktemp("neox")
    tokenizer = AutoTokenizer.from_pretrained(tiny_models["gpt2"])
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    GPTNeoXForCausalLM(
        GPTNeoXConfig(vocab_size=len(tokenizer), max_position_embeddings=256, eos_token_id=2, **sizes)
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return {**tiny_models, "neox": folder}


def tunes(folder: Path, method: str, out: Path) -> bool:
    model = LanguageModel(resolve(str(folder)), "cpu")
    own = settings_of(method)
    try:
        check(model, own)
    except ModelError:
        return False
    items = [encode_item(model, [{"role": "user", "content": "When is tea?"}], "at noon")]
    card = {"base": model.ref.fingerprint, "base_name": "tiny", "data": "x", "tuning": "closed-book"}
    report, _ = train_adapter(model, items, [], own, 0, out, out.with_name("scratch"), card)
    assert LanguageModel(resolve(f"{folder} + {out}"), "cpu").base is not None
    return report.steps == 1


@pytest.mark.parametrize("method", [name for name in METHODS if name != "qlora"])
def test_the_page_says_which_architectures_a_method_tunes(
    method: str, families: dict[str, Path], tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "methods.md").read_text("utf-8")
    head = re.search(r"^\| method \| Llama.*$", page, re.M)
    row = re.search(rf"^\| {re.escape(method)} \|(?: (?:yes|no) \|)+$", page, re.M)
    assert head
    assert row
    told = dict(zip(head[0].split(" | ")[1:], row[0].strip("| ").split(" | ")[1:], strict=True))
    told = {name.strip(" |"): said for name, said in told.items()}
    found = {name: tunes(families[kind], method, tmp_path / kind) for name, kind in FAMILIES.items()}
    assert told == {name: "yes" if able else "no" for name, able in found.items()}


def test_qlora_is_lora_on_four_bits_and_needs_a_gpu(tiny_models: dict[str, Path]) -> None:
    import torch

    model = LanguageModel(resolve(str(tiny_models["llama"])), "cpu")
    own = settings_of("qlora")
    config = lora_config(model.base, own, False)
    assert (config.peft_type, config.r, config.lora_alpha, config.use_dora) == ("LORA", 16, 32, False)
    asked = four_bits(torch.bfloat16)
    assert asked["bnb_4bit_quant_type"] == "nf4"
    assert asked["bnb_4bit_use_double_quant"] is asked["load_in_4bit"] is True
    assert METHODS["qlora"].optimiser == "paged_adamw_32bit"
    with pytest.raises(ModelError, match=r"method: qlora needs an NVIDIA GPU.*Take lora") as caught:
        check(model, own)
    assert "\n" not in str(caught.value)
