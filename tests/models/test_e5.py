"""multilingual-e5-small out of its packed file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from ragtune.errors import ModelError
from ragtune.models.e5 import four_bits, read, write_folder
from ragtune.models.encoder import SentenceEncoder
from ragtune.models.names import resolve
from ragtune.models.tokens import token_spans

HIDDEN, INNER, WINDOW = 32, 64, 16
PIECES = [
    ("<s>", 0.0),
    ("<pad>", 0.0),
    ("</s>", 0.0),
    ("<unk>", 0.0),
    ("▁", -2.0),
    ("▁tea", -3.0),
    ("a", -4.0),
    ("～", -5.0),
    ("<mask>", 0.0),
]


def packed(path: Path) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    """A tiny file of the kind; its tensors as they should be read."""
    rng = np.random.default_rng(0)
    vocabulary = len(PIECES)
    shapes = {"emb.word": (vocabulary, HIDDEN), "emb.pos": (WINDOW, HIDDEN), "emb.type": (2, HIDDEN)}
    shapes |= {"emb.ln.w": (HIDDEN,), "emb.ln.b": (HIDDEN,)}
    for part in ("q", "k", "v", "ao"):
        shapes |= {f"l0.{part}.w": (HIDDEN, HIDDEN), f"l0.{part}.b": (HIDDEN,)}
    shapes |= {"l0.fi.w": (INNER, HIDDEN), "l0.fi.b": (INNER,), "l0.fo.w": (HIDDEN, INNER), "l0.fo.b": (HIDDEN,)}
    shapes |= {f"l0.{n}.{k}": (HIDDEN,) for n in ("aln", "oln") for k in "wb"}
    bodies, found = {}, {}
    for name, shape in shapes.items():
        if len(shape) == 2 and name not in ("emb.pos", "emb.type"):
            blocks = int(np.prod(shape)) // 32
            numbers, scales = rng.integers(0, 16, (blocks, 32)), rng.random((blocks, 1)).astype(np.float16)
            low, high = numbers[:, :16], numbers[:, 16:]
            body = np.concatenate([scales.view(np.uint8), (low | high << 4).astype(np.uint8)], axis=1)
            bodies[name] = (1, body.tobytes())
            found[name] = ((numbers - 8) * scales.astype(np.float32)).reshape(shape).astype(np.float32)
        else:
            found[name] = rng.standard_normal(shape).astype(np.float32)
            bodies[name] = (0, found[name].tobytes())
    text = [piece.encode() for piece, _ in PIECES]
    edges = np.cumsum([0, *map(len, text)]).astype("<u4")
    head = struct.pack("<4sI7ifi", b"E5S1", 1, HIDDEN, 1, 2, INNER, vocabulary, WINDOW, 2, 1e-12, 32)
    head += struct.pack("<5iQ", vocabulary, 0, 2, 1, 3, int(edges[-1])) + edges.tobytes()
    head += np.array([s for _, s in PIECES], "<f4").tobytes() + b"".join(text) + struct.pack("<iI", 0, 0)
    names = [n.encode() for n in bodies]
    size = len(head) + 4 + sum(2 + len(n) + 21 for n in names)
    entries, data = b"", b""
    for name, (kind, body) in bodies.items():
        count, at = int(found[name].size), size + len(data)
        entries += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, count, at, len(body))
        data += body
    path.write_bytes(head + struct.pack("<i", len(bodies)) + entries + data)
    return found


def test_four_bits_are_read_as_they_were_packed() -> None:
    block = np.concatenate([np.array([0.5], np.float16).view(np.uint8), np.arange(16, dtype=np.uint8) * 17])
    assert four_bits(block).tolist() == [*(0.5 * (n - 8) for n in range(16))] * 2


def test_a_packed_file_becomes_a_folder_that_embeds(tmp_path: Path) -> None:
    wanted = packed(tmp_path / "tiny.bin")
    found = read(tmp_path / "tiny.bin")
    assert np.array_equal(found.tensors["embeddings.word_embeddings.weight"], wanted["emb.word"])
    assert np.array_equal(found.tensors["encoder.layer.0.output.dense.weight"], wanted["l0.fo.w"])
    assert np.array_equal(found.tensors["encoder.layer.0.attention.self.query.bias"], wanted["l0.q.b"])
    (tmp_path / "made").mkdir()
    write_folder(tmp_path / "tiny.bin", tmp_path / "made")
    encoder = SentenceEncoder(resolve(str(tmp_path / "made")), "cpu")
    vectors = encoder.encode(["tea", "tea  \n tea", "a ～"])
    assert vectors.shape == (3, HIDDEN)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert str(encoder.model[0].auto_model.dtype) == "torch.float32"
    assert encoder.model.tokenizer.tokenize("\x01tea\u200b～ａ") == ["▁tea", "▁", "～", "a"]
    assert token_spans(resolve(str(tmp_path / "made"))).unknown("tea zz") == 2
    assert not np.allclose(encoder.encode(["tea"], "query"), encoder.encode(["tea"]))  # its prompts differ


def test_a_cut_or_foreign_file_is_one_line(tmp_path: Path) -> None:
    packed(tmp_path / "tiny.bin")
    whole = (tmp_path / "tiny.bin").read_bytes()
    for content in (b"", b"GGUF" + whole[4:], whole[:40], whole[: len(whole) // 2], whole[:-5]):
        (tmp_path / "bad.bin").write_bytes(content)
        with pytest.raises(ModelError, match="no packed e5 model, or it is cut"):
            read(tmp_path / "bad.bin")


def test_the_packaged_model_reads_languages() -> None:
    encoder = SentenceEncoder(resolve("bundled:e5-small"), "cpu")
    asked = encoder.encode(["how much protein should a woman eat", "南瓜的家常做法"], "query")
    documents = encoder.encode(
        ["Women ages 19 to 70 need about 46 grams of protein per day.", "清炒南瓜丝 原料:嫩南瓜半个"]
    )
    assert (asked @ documents.T).argmax(axis=1).tolist() == [0, 1]
    assert encoder.model.tokenizer("Hello world")["input_ids"] == [0, 35378, 8999, 2]  # as published
