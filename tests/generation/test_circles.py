"""Answers that end where they go round in circles."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragtune.generation.endings import LOOK, circles_after
from ragtune.generation.generator import Request
from ragtune.generation.generators import Named, identity, unread
from ragtune.generation.local import LocalGenerator
from ragtune.generation.prompts import load_prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.records import Question
from ragtune.text.repeats import repeats_itself

ASKED = [Request(str(n), Question(str(n), f"{'When is tea served? ' * n}And boats?"), ()) for n in range(1, 5)]


def replies(model: LanguageModel, size: int, **settings: object) -> dict[str, tuple[str, str, int]]:
    own = GeneratorSettings.model_validate(
        {"model": str(model.ref.name), "max_new_tokens": 160, "batch_tokens": size, **settings}
    )
    generator = LocalGenerator(model, load_prompt("closed"), own)
    return {
        key: (reply.raw, reply.finish, reply.tokens.answer)
        for batch in generator.batches(ASKED, 0)
        for key, reply in generator.answer(batch, None, 0)
    }


@pytest.mark.parametrize("size", [64, 8192])
def test_a_row_ends_where_it_repeats_itself_whatever_its_company(size: int, tmp_path: Path) -> None:
    model = LanguageModel(resolve(str(repeater(tmp_path))))
    long, short = replies(model, size), replies(model, size, stop_repeating=True)
    assert any(repeats_itself(raw) for raw, _, _ in long.values())
    for key, (raw, finish, count) in long.items():
        if repeats_itself(raw):
            assert (short[key][1], short[key][2] % LOOK) == ("repeats", 0)
            assert short[key][2] < count
            assert raw.startswith(short[key][0])
            assert repeats_itself(short[key][0])
        else:
            assert short[key] == (raw, finish, count)


def repeater(folder: Path) -> Path:
    """A model that says one word for ever: what it says next hangs on nothing."""
    import torch
    from conftest import build_tiny
    from transformers import AutoModelForCausalLM, AutoTokenizer

    build_tiny("small", folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    [token] = tokenizer.encode(" tea", add_special_tokens=False)[:1]
    with torch.no_grad():
        model.lm_head.weight.zero_()
        model.model.norm.weight.fill_(1.0)
        for layer in model.model.layers:
            layer.mlp.down_proj.weight.zero_()
            layer.self_attn.o_proj.weight.zero_()
        model.model.embed_tokens.weight.fill_(1.0)
        model.lm_head.weight[token].fill_(1.0)
    model.config.tie_word_embeddings = False
    model.save_pretrained(folder)
    return folder


def test_circles_are_looked_for_every_few_tokens() -> None:
    words = "the tea is hot and the tea is hot and".split()
    text = ["a", "b", "c", *words * 6]
    found = circles_after(range(len(text)), lambda ids: " ".join(text[i] for i in ids))
    assert found is not None
    assert found % LOOK == 0
    assert circles_after(range(3), lambda ids: " ".join(text[i] for i in ids)) is None


def test_the_setting_counts_in_keys_only_where_it_is_on(small: Path) -> None:
    prompt = load_prompt("closed")
    off, on = (GeneratorSettings(model=str(small), stop_repeating=value) for value in (False, True))
    named = Named(off, prompt, resolve).given("stop_repeating")
    assert named == {"stop_repeating": False}
    assert "stop_repeating" not in str(identity(off, prompt, resolve))
    assert "stop_repeating" in str(identity(on, prompt, resolve))
    assert "stop_repeating" in unread(GeneratorSettings(model="extractive"))
