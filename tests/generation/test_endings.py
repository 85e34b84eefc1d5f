"""Where answers end, and what a model's own files must not change about them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import build_tiny
from tiny_tokenizers import tokenizer
from tokenizers import processors

from ragtune.generation.endings import StopAt, before, so_far, tokens_until
from ragtune.generation.generator import Request
from ragtune.generation.local import LocalGenerator
from ragtune.generation.prompts import load_prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.chat import Chat
from ragtune.models.names import resolve
from ragtune.records import Question

REQUESTS = [Request(k, Question(k, q), ()) for k, q in (("a", "When is tea?"), ("b", "Who is the captain of it all?"))]


def replies(folder: Path, **settings: Any) -> dict[str, Any]:
    made = GeneratorSettings(model=str(folder), max_new_tokens=12, **settings)
    gen = LocalGenerator(LanguageModel(resolve(str(folder)), "cpu"), load_prompt("closed"), made)
    return {k: r for batch in gen.batches(REQUESTS, 0) for k, r in gen.answer(batch, None, 0)}


def told(folder: Path, **settings: Any) -> dict[str, tuple[str, int, str]]:
    return {k: (r.raw, r.tokens.answer, r.finish) for k, r in replies(folder, **settings).items()}


@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_only_the_experiment_says_how_is_generated(tiny_models: dict[str, Path], tmp_path: Path, kind: str) -> None:
    folder = shutil.copytree(tiny_models[kind], tmp_path / kind)
    path = folder / "generation_config.json"
    own = json.loads(path.read_text())
    wilful = {
        "repetition_penalty": 9.0,
        "min_new_tokens": 11,
        "no_repeat_ngram_size": 1,
        "suppress_tokens": [5, 6, 7],
        "begin_suppress_tokens": [8],
        "forced_bos_token_id": 9,
        "forced_eos_token_id": 10,
        "bad_words_ids": [[11]],
        "num_beams": 3,
        "do_sample": True,
        "temperature": 5.0,
        "stop_strings": ["a"],
        "max_length": 7,
    }
    path.write_text(json.dumps({**own, **wilful}))
    assert told(folder) == told(tiny_models[kind])


def test_every_end_token_ends_an_answer(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_models["llama"], tmp_path / "llama")
    model = LanguageModel(resolve(str(tiny_models["llama"])), "cpu")
    gen = LocalGenerator(model, load_prompt("closed"), GeneratorSettings(model=str(folder), max_new_tokens=12))
    ids = torch.tensor([gen.shown(REQUESTS[0]).ids])
    said = model.base.generate(input_ids=ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :].tolist()  # type: ignore[operator]
    third = next(n for n, t in enumerate(said) if t not in said[:n] and n > 1)
    path = folder / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "eos_token_id": [4, said[third]]}))
    found = replies(folder)["a"]
    assert (found.tokens.answer, found.finish) == (third + 1, "stop")
    assert found.raw == model.tokenizer.decode(said[:third], skip_special_tokens=True).strip()
    own = LanguageModel(resolve(str(folder)), "cpu")
    assert own.ends == {4, said[third], own.tokenizer.eos_token_id}


@pytest.mark.parametrize("kind", ["qwen2", "llama", "t5"])
def test_a_pad_token_that_the_model_has_no_vector_for_is_not_used(
    tiny_models: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    folder = shutil.copytree(tiny_models[kind], tmp_path / kind)
    model = LanguageModel(resolve(str(folder)), "cpu")
    model.tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    assert model.tokenizer.pad_token_id >= model.base.get_input_embeddings().weight.shape[0]
    assert model.pad == model.tokenizer.eos_token_id
    gen = LocalGenerator(model, load_prompt("closed"), GeneratorSettings(model=str(folder), max_new_tokens=12))
    found = {k: (r.raw, r.tokens.answer, r.finish) for k, r in gen.answer(REQUESTS, None, 0)}
    assert found == told(tiny_models[kind])


def test_a_prompt_does_not_end_in_an_end_token() -> None:
    made = tokenizer("plain")
    around = [("<s>", made.bos_token_id), ("</s>", made.eos_token_id)]
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=around)
    asked = [{"role": "user", "content": "Why </s>?"}]
    ids = Chat(made, seq2seq=False).prompt(asked)
    assert ids[0] == made.bos_token_id
    assert made.eos_token_id not in ids
    assert made.decode(ids, skip_special_tokens=True) == "Why </s>?\nAnswer:"
    assert Chat(made, seq2seq=True).prompt(asked)[-1] == made.eos_token_id  # an encoder reads to the end


def test_a_tokenizer_without_pad_and_end_tokens_answers(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_models["llama"], tmp_path / "llama")
    for name in ("tokenizer_config.json", "generation_config.json", "config.json"):
        held = json.loads((folder / name).read_text())
        none = {k: None for k in held if k.startswith(("pad_token", "eos_token"))}
        (folder / name).write_text(json.dumps({k: v for k, v in {**held, **none}.items() if v is not None}))
    assert {finish for _, _, finish in told(folder).values()} == {"length"}


# --- generator.stop ------------------------------------------------------------------------------------------


def test_the_first_string_ends_a_text() -> None:
    assert before("noon\nQuestion: why", ("Question", "\n")) == "noon"
    assert before("noon", ("\n",)) == before("noon", ()) == "noon"
    letters = [ord(c) for c in "ab\n\nc"]

    def decode(ids: Any) -> str:
        return "".join(map(chr, ids))

    assert tokens_until(letters, ("\n\n", "c"), decode) == 4
    assert tokens_until(letters, ("a",), decode) == tokens_until([97], ("a",), decode) == 1
    assert tokens_until(letters, ("d",), decode) is None
    assert tokens_until([], ("d",), decode) is None
    rule = StopAt(("\n\n",), decode, 2)
    assert rule(torch.tensor([[10, 10, 97], [10, 10, 98]]), None).tolist() == [False, False]  # the prompt's are none
    assert rule(torch.tensor([[10, 10, 97, 10, 10], [10, 10, 98, 10, 98]]), None).tolist() == [True, False]


@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_local_answers_end_at_the_strings_of_stop(tiny_models: dict[str, Path], kind: str) -> None:
    plain = replies(tiny_models[kind])
    inside = plain["a"].raw[2:5]
    assert len(inside) == 3
    found = replies(tiny_models[kind], stop=(inside,))
    assert found["a"].raw == before(plain["a"].raw, [inside]).strip()
    assert found["a"].finish == "stop"
    assert 0 < found["a"].tokens.answer < plain["a"].tokens.answer
    assert found["b"].raw == before(plain["b"].raw, [inside]).strip()


def test_stopping_in_a_batch_does_not_change_the_other_answers(tmp_path: Path) -> None:
    folder = build_tiny("qwen2", tmp_path / "qwen2")
    plain = told(folder)
    inside = next(c for c in plain["a"][0] if c not in plain["b"][0])
    assert told(folder, stop=(inside,))["b"] == plain["b"]


def test_an_end_that_may_become_a_stop_string_is_held_back() -> None:
    assert so_far("Tea\nQues", ["\nQuestion:", "###"]) == "Tea"
    assert so_far("Tea\nQuiet", ["\nQuestion:", "###"]) == "Tea\nQuiet"
    assert so_far("Tea ##", ["###"]) == "Tea "
    assert so_far("Tea ### more", ["###"]) == "Tea "
    assert so_far("caf\ufffd", []) == "caf"
