"""What a local model thought, told apart from what it said: its tokens, its confidence, its end."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ragtune.generation.generator import Reply, Request
from ragtune.generation.local import LocalGenerator
from ragtune.generation.prefix import Prefix
from ragtune.generation.prompts import load_prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.records import Question
from ragtune.text.outcome import read_reply

ASKED = Request("a", Question("a", "When is tea?"), ())


def replied(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
    special: bool,
    template: str = "",
    ended: bool = True,
) -> tuple[Reply, list[int]]:
    """The reply of a model that says the texts of ``said``, with a chance of 1/2 for every token; how many tokens each is."""
    model = LanguageModel(resolve(str(folder)), "cpu")
    tags = ["<think>", "</think>"]
    model.tokenizer.add_tokens(tags, special_tokens=special)
    model.tokenizer.chat_template = template or None
    model.base.resize_token_embeddings(len(model.tokenizer))
    parts = [model.tokenizer.encode(text, add_special_tokens=False) for text in said]
    new = [i for part in parts for i in part] + ([int(model.tokenizer.eos_token_id or 0)] if ended else [])

    def generate(input_ids: torch.Tensor, **options: Any) -> Any:
        for token in new:
            logits = torch.full((1, len(model.tokenizer)), -math.inf)
            logits[0, [token, (token + 1) % len(model.tokenizer)]] = 0.0
            for processor in options["logits_processor"]:
                processor(input_ids, logits)
            input_ids = torch.cat([input_ids, torch.tensor([[token]])], 1)
        return input_ids

    monkeypatch.setattr(model, "using", lambda adapter: SimpleNamespace(generate=generate))
    gen = LocalGenerator(model, load_prompt("closed"), GeneratorSettings(model=str(folder)))
    gen._prefix = Prefix([])  # what is asked is no model that could read it
    [(_, reply)] = gen.answer([ASKED], None, 0)
    return reply, [len(part) for part in parts]


@pytest.mark.parametrize("special", [True, False])
def test_a_thought_and_its_tokens_are_told_apart(
    tiny_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, special: bool
) -> None:
    said = ["<think>So it is noon.</think>", "noon [1]"]
    reply, (thought, text) = replied(tiny_models["llama"], monkeypatch, said, special)
    assert reply.raw == "".join(said)
    assert (reply.tokens.thought, reply.tokens.answer) == (thought, thought + text + 1)
    assert reply.confidence == 0.5
    found = read_reply(reply.raw, 1, "I don't know.", finish=reply.finish)
    assert (found.text, found.citations, found.thought) == ("noon", (1,), "So it is noon.")


def test_a_thought_that_the_prompt_begins(tiny_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    template = "{% for m in messages %}{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}<think>\n{% endif %}"
    said = ["So it is noon.</think>", "noon"]
    reply, (thought, _) = replied(tiny_models["llama"], monkeypatch, said, False, template)
    assert reply.raw == "<think>So it is noon.</think>noon"
    assert reply.tokens.thought == thought
    cut, _ = replied(tiny_models["llama"], monkeypatch, ["So it is"], False, template, ended=False)
    assert (cut.raw, cut.finish, cut.tokens.thought) == ("<think>So it is", "length", cut.tokens.answer)
    assert read_reply(cut.raw, 0, "I don't know.", finish=cut.finish).outcome == "none"


def test_without_thoughts_nothing_is_told_apart(tiny_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    reply, _ = replied(tiny_models["llama"], monkeypatch, ["noon"], True)
    assert (reply.raw, reply.tokens.thought, reply.confidence) == ("noon", 0, 0.5)


def test_a_switch_that_the_template_lacks_is_refused(small: Path, tmp_path: Path) -> None:
    from conftest import write_corpus

    from ragtune.errors import ExperimentError
    from ragtune.experiment.progress import Silent
    from ragtune.experiment.run import plan_experiment
    from ragtune.experiment.spec import load_experiment
    from ragtune.store import Store

    write_corpus(tmp_path / "corpus")
    text = f"name: e\ncorpus: {{path: {tmp_path}/corpus}}\nsetups: {{a: {{generator: {{model: {small}, thinking: true}}}}}}\n"
    (tmp_path / "e.yaml").write_text(text)
    with pytest.raises(ExperimentError, match="has no switch for it"):
        plan_experiment(load_experiment(tmp_path / "e.yaml"), Store(tmp_path / "store"), Silent())
