"""GGUF files: a tiny one written here loads, answers and is tuned as the model it was made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from ragtune.errors import ModelError
from ragtune.models.causal import LanguageModel
from ragtune.models.gguf import write_folder
from ragtune.models.names import ModelRef, check_embedder, check_pairs, check_writes, resolve
from ragtune.models.tokens import token_spans

WORDS = ["<unk>", "<s>", "</s>", *"abcdefghijklmnopqrstuvwxyz?.", "Ġ", "Ġa", "he", "th"]
HEADS, KV, HIDDEN, INNER, LAYERS = 4, 2, 32, 64, 2


def tiny() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=HIDDEN,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=KV,
        max_position_embeddings=256,
        rms_norm_eps=1e-5,
        bos_token_id=1,
        eos_token_id=2,
    )
    return LlamaForCausalLM(config).eval()


def permuted(weight: Any, heads: int) -> Any:
    """The order of rows that llama.cpp keeps for rotary embeddings."""
    return (
        weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)
    )


def write(path: Path, model: Any, architecture: str = "llama") -> None:
    made = gguf.GGUFWriter(str(path), architecture)
    made.add_block_count(LAYERS)
    made.add_context_length(256)
    made.add_embedding_length(HIDDEN)
    made.add_feed_forward_length(INNER)
    made.add_head_count(HEADS)
    made.add_head_count_kv(KV)
    made.add_layer_norm_rms_eps(1e-5)
    made.add_rope_dimension_count(HIDDEN // HEADS)
    made.add_rope_freq_base(10000.0)
    made.add_vocab_size(len(WORDS))
    made.add_tokenizer_model("gpt2")
    made.add_token_list(WORDS)
    made.add_token_types([3, 3, 3, *[1] * (len(WORDS) - 3)])
    made.add_token_merges(["h e", "t h", "Ġ a"])
    made.add_bos_token_id(1)
    made.add_eos_token_id(2)
    made.add_unk_token_id(0)
    names = {
        "model.embed_tokens": "token_embd",
        "model.norm": "output_norm",
        "lm_head": "output",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    for name, tensor in model.state_dict().items():
        stem = name.removesuffix(".weight")
        block = ""
        if stem.startswith("model.layers."):
            _, _, number, stem = stem.split(".", 3)
            block = f"blk.{number}."
        array = tensor.numpy().astype(np.float32)
        if stem.endswith("q_proj"):
            array = permuted(array, HEADS)
        if stem.endswith("k_proj"):
            array = permuted(array, KV)
        made.add_tensor(f"{block}{names[stem]}.weight", np.ascontiguousarray(array))
    made.write_header_to_file()
    made.write_kv_data_to_file()
    made.write_tensors_to_file()
    made.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write(path, tiny())
    return path


def test_a_gguf_file_is_the_model_that_it_was_made_of(file: Path) -> None:
    import torch

    ref = resolve(str(file))
    assert (ref.kind, ref.local) == ("gguf", True)
    model, ids = LanguageModel(ref, "cpu"), torch.tensor([[1, 5, 9, 20, 7]])
    with torch.inference_mode():
        assert torch.allclose(model.base(ids).logits, tiny()(ids).logits, atol=1e-4)
    assert model.window == 256
    assert model.tokenizer.decode(model.tokenizer("the a", add_special_tokens=False)["input_ids"]).strip() == "the a"
    assert isinstance(model.reply([{"role": "user", "content": "the"}], 3), str)
    assert token_spans(ref).spans("a b")


def test_it_is_written_as_a_folder(file: Path, tmp_path: Path) -> None:
    import torch

    write_folder(file, tmp_path / "made")
    model, ids = LanguageModel(resolve(str(tmp_path / "made")), "cpu"), torch.tensor([[1, 5, 9]])
    with torch.inference_mode():
        assert torch.allclose(model.base(ids).logits, tiny()(ids).logits, atol=0.1)  # bfloat16


def test_it_is_written_with_an_adapter_in_its_weights(file: Path, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model

    write_folder(file, tmp_path / "base")
    own = LoraConfig(r=2, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    get_peft_model(LanguageModel(resolve(str(tmp_path / "base")), "cpu").base, own).save_pretrained(
        tmp_path / "adapter"
    )
    write_folder(file, tmp_path / "merged", tmp_path / "adapter")
    ids = torch.tensor([[1, 5, 9]])
    beside = PeftModel.from_pretrained(LanguageModel(resolve(str(tmp_path / "base")), "cpu").base, tmp_path / "adapter")
    merged = LanguageModel(resolve(str(tmp_path / "merged")), "cpu").base
    with torch.inference_mode():
        found, wanted = merged(ids).logits, beside(ids).logits
        assert torch.allclose(found, wanted, atol=1e-5)
        assert not torch.allclose(
            found, LanguageModel(resolve(str(tmp_path / "base")), "cpu").base(ids).logits, atol=1e-2
        )


def test_it_is_tuned_like_any_model(file: Path, tmp_path: Path) -> None:
    from ragtune.tuning.batches import encode_item
    from ragtune.tuning.settings import LoraSettings, TuningSettings
    from ragtune.tuning.trainer import train_adapter

    model = LanguageModel(resolve(str(file)), "cpu")
    items = [encode_item(model, [{"role": "user", "content": "the cat"}], "a dog")]
    settings = TuningSettings(train_on="closed-book", epochs=1, lora=LoraSettings(r=2))
    card = {"base": model.ref.fingerprint, "base_name": model.ref.name}
    report, _ = train_adapter(model, items, [], settings, 0, tmp_path / "a", tmp_path / "s", card)
    assert report.steps == 1
    assert model.using(tmp_path / "a") is not None


def test_it_is_a_language_model_and_nothing_else(file: Path, small: Path) -> None:
    bundled = ModelRef("bundled:x", "bundled", str(small), "f")
    for check, says in ((check_embedder, "not an embedder"), (check_pairs, "a language model, not a CrossEncoder")):
        with pytest.raises(ModelError, match=says):
            check(resolve(str(file)))
        with pytest.raises(ModelError, match=says):
            check(bundled)
    check_writes(resolve(str(file)))
    check_writes(resolve(str(small)))
    with pytest.raises(ModelError, match=r"\(BertModel\) writes no text"):
        check_writes(resolve("bundled:minilm"))
    with pytest.raises(ModelError, match="an embedder, not a CrossEncoder"):
        check_pairs(resolve("bundled:minilm"))


def test_what_is_no_gguf_file_is_one_line(file: Path, tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("hello")
    with pytest.raises(ModelError, match="this is no GGUF file"):
        resolve(str(tmp_path / "text.gguf"))
    (tmp_path / "cut.gguf").write_bytes(file.read_bytes()[:2000])
    write(tmp_path / "other.gguf", tiny(), "nosuch")
    for name in ("cut.gguf", "other.gguf"):
        with pytest.raises(ModelError) as error:
            _ = LanguageModel(resolve(str(tmp_path / name)), "cpu").base
        assert "\n" not in str(error.value)
