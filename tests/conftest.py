"""Small real corpora and models, built on the spot."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
if "PYTEST_XDIST_WORKER" not in os.environ:  # workers share what the first process makes: a model is converted once
    os.environ["RAGTUNE_CACHE"] = tempfile.mkdtemp(prefix="ragtune-tests-")
    atexit.register(shutil.rmtree, os.environ["RAGTUNE_CACHE"], ignore_errors=True)
os.environ["RAGAS_DO_NOT_TRACK"] = "true"

import pytest
from servers import Say, Server

from ragtune.models.names import resolve

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data"

DOCUMENTS = {
    "tea.md": "---\ntitle: Tea\nteam: kitchen\n---\n# Tea\n\nTea is served at 15:30 in the green room. Mr. Ola Brand pours it.\n\n## Biscuits\n\nBiscuits cost 2 euros.",
    "boats.txt": "The boat Sprat carries 12 people. Its captain is Ida Moen.\n\nThe boat Herring carries 30 people. Its captain is Tor Lie.",
    "keys.csv": "key,opens,copies\nK-1,shed,3\nK-2,office,5\n",
}
QUESTIONS = [
    {
        "id": "q1",
        "question": "When is tea served?",
        "answers": ["15:30"],
        "evidence": [{"document": "tea.md", "quote": "Tea is served at 15:30"}],
        "split": "test",
        "tags": ["single fact", "seen"],
    },
    {
        "id": "q2",
        "question": "Who is the captain of the boat Sprat?",
        "answers": ["Ida Moen"],
        "evidence": [{"document": "boats.txt", "quote": "captain is Ida Moen"}],
        "split": "test",
        "tags": ["single fact"],
    },
    {
        "id": "q3",
        "question": "What does a ticket to the moon cost?",
        "answers": [],
        "split": "test",
        "tags": ["unanswerable"],
    },
    {
        "id": "t1",
        "question": "At what time do we have tea?",
        "answers": ["15:30"],
        "evidence": [{"document": "tea.md", "quote": "15:30"}],
        "split": "train",
        "tags": ["seen"],
    },
    {
        "id": "t2",
        "question": "How many people does the Herring carry?",
        "answers": ["30"],
        "evidence": [{"document": "boats.txt", "quote": "Herring carries 30 people"}],
        "split": "train",
    },
    {"id": "t3", "question": "Which planet is largest?", "answers": [], "split": "train"},
    {
        "id": "d1",
        "question": "What do biscuits cost?",
        "answers": ["2 euros"],
        "evidence": [{"document": "tea.md", "quote": "Biscuits cost 2 euros"}],
        "split": "dev",
    },
]


def write_corpus(
    folder: Path, documents: dict[str, str] | None = None, questions: list[dict[str, object]] | None = None
) -> Path:
    (folder / "documents").mkdir(parents=True, exist_ok=True)
    for name, text in (DOCUMENTS if documents is None else documents).items():
        path = folder / "documents" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    rows = QUESTIONS if questions is None else questions
    if rows:
        (folder / "questions.jsonl").write_text("".join(json.dumps(q) + "\n" for q in rows), "utf-8")
    return folder


def refused(setup: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which a run of an experiment of this ``setup`` (YAML) is refused."""
    from ragtune.cli import main

    write_corpus(folder / "corpus")
    (folder / "e.yaml").write_text(f"corpus: {folder}/corpus\nsetups:\n  a: {setup}\n")
    assert main(["run", str(folder / "e.yaml"), "--store", str(folder / "s"), "--out", str(folder / "r")]) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    return said


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus")


@pytest.fixture(scope="session")
def minilm():  # type: ignore[no-untyped-def]
    from ragtune.models.encoder import SentenceEncoder

    return SentenceEncoder(resolve("bundled:minilm"))


CHAT = (
    "{% for m in messages %}{{ '<|user|>' + m['role'] + '\\n' + m['content'] + '<|end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def english(template: str | None):  # type: ignore[no-untyped-def]
    """A tokenizer of 2,000 entries made of the documents above and of the handbook."""
    from tiny_tokenizers import byte_level

    handbook = ROOT / "corpora" / "handbook" / "documents"
    texts = [*DOCUMENTS.values(), *(p.read_text("utf-8") for p in sorted(handbook.rglob("*.md")))]
    special = ["<|pad|>", "<|bos|>", "<|end|>", "<|user|>", "<|assistant|>"]
    names = {"pad_token": "<|pad|>", "bos_token": "<|bos|>", "eos_token": "<|end|>"}
    sizes = {"size": 2000, "model_max_length": 2048, "padding_side": "left"}
    return byte_level(special, [], template, texts, **names, **sizes)


def build_tiny(kind: str, folder: Path) -> Path:
    """A tiny random model of a real architecture; ``qwen2`` and ``small`` (a Llama with a long window) have a chat template."""
    import torch
    from transformers import (
        GPT2Config,
        GPT2LMHeadModel,
        LlamaConfig,
        LlamaForCausalLM,
        Qwen2Config,
        Qwen2ForCausalLM,
        T5Config,
        T5ForConditionalGeneration,
    )

    torch.manual_seed(0)
    tokenizer = english(CHAT if kind in ("qwen2", "small") else None)
    size = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    decoder = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "bos_token_id": tokenizer.bos_token_id,
        "initializer_range": 0.2,  # large enough for answers to hang on the prompt
    }
    model: object
    if kind == "qwen2":
        model = Qwen2ForCausalLM(Qwen2Config(**size, **decoder))
    elif kind == "llama":
        model = LlamaForCausalLM(LlamaConfig(**size, **decoder))
    elif kind == "small":
        wider = {"hidden_size": 64, "intermediate_size": 128, "max_position_embeddings": 2048}
        model = LlamaForCausalLM(LlamaConfig(**size, **{**decoder, **wider}))
    elif kind == "gpt2":
        model = GPT2LMHeadModel(GPT2Config(**size, n_embd=32, n_layer=2, n_head=2, n_positions=256, bos_token_id=1))
    else:
        model = T5ForConditionalGeneration(
            T5Config(
                **size,
                d_model=32,
                d_kv=16,
                d_ff=48,
                num_layers=2,
                num_heads=2,
                decoder_start_token_id=tokenizer.pad_token_id,
            )
        )
    model.save_pretrained(folder)  # type: ignore[attr-defined]
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {kind: build_tiny(kind, root / kind) for kind in ("qwen2", "llama", "t5", "gpt2")}


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a chat model that says something, and nothing sensible."""
    return build_tiny("small", tmp_path_factory.mktemp("models") / "small")


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers that say what they are told, and ends them."""
    made: list[Server] = []

    def start(say: Say, **options: bool) -> Server:
        made.append(Server(say, **options))
        return made[-1]

    yield start
    for server in made:
        server.http.shutdown()
