"""What prompts begin with is read once, and answers are what they would be without that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ragtune.generation.generator import Request
from ragtune.generation.local import LocalGenerator
from ragtune.generation.prefix import Prefix, common, ending
from ragtune.generation.prompts import load_prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.records import Chunk, Hit, Question

TEXTS = ["Tea is at half past three.", "The otters are fed twice, at noon and at five.", "Nobody swims in May."]


def requests() -> list[Request]:
    hits = [Hit(Chunk(f"c{n}", "d", 0, len(text), text), 1.0, n) for n, text in enumerate(TEXTS, 1)]
    asked = ["When is tea?", "How often are the otters fed, and at what time of the day is that?", "Who swims?"]
    return [Request(f"r{n}", Question(f"q{n}", text), tuple(hits[: n + 1])) for n, text in enumerate(asked)]


def replies(model: LanguageModel, settings: GeneratorSettings, shared: bool) -> dict[str, Any]:
    generator = LocalGenerator(model, load_prompt("cited"), settings)
    if not shared:
        generator._prefix = Prefix([])
    return {key: reply for batch in generator.batches(requests(), 0) for key, reply in generator.answer(batch, None, 0)}


def test_answers_do_not_change(small: Path) -> None:
    model = LanguageModel(resolve(str(small)), "cpu")
    settings = GeneratorSettings(model=str(small), max_new_tokens=8)
    begins = common(model, ending(load_prompt("cited").messages("", [])), False)
    assert len(begins) > 20
    prompts = [LocalGenerator(model, load_prompt("cited"), settings).shown(r).ids for r in requests()]
    assert Prefix(begins).starts(prompts)
    alone, together = (replies(model, settings, shared) for shared in (False, True))
    assert [r.raw for r in alone.values()] == [r.raw for r in together.values()]
    for key, reply in alone.items():
        assert together[key].tokens == reply.tokens
        assert together[key].confidence == pytest.approx(reply.confidence, abs=2e-3)


def test_only_the_rest_is_read(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = LanguageModel(resolve(str(small)), "cpu")
    generator = LocalGenerator(model, load_prompt("cited"), GeneratorSettings(model=str(small), max_new_tokens=1))
    read: list[int] = []
    forward = model.base.forward

    def counted(*args: Any, **kwargs: Any) -> Any:
        read.append(kwargs["input_ids"].shape[1])
        return forward(*args, **kwargs)

    monkeypatch.setattr(model.base, "forward", counted)
    for request in requests()[:2]:
        list(generator.answer([request], None, 0))
    begins = len(common(model, ending(load_prompt("cited").messages("", [])), False))
    lengths = [len(generator.shown(r).ids) for r in requests()[:2]]
    assert read == [begins, *(n - begins for n in lengths)]


@pytest.mark.parametrize("name", ["t5", "gpt2", "qwen2"])
def test_other_architectures(name: str, tiny_models: dict[str, Path]) -> None:
    folder = str(tiny_models[name])
    model = LanguageModel(resolve(folder), "cpu")
    settings = GeneratorSettings(model=folder, max_new_tokens=6)
    alone, together = (replies(model, settings, shared) for shared in (False, True))
    assert [r.raw for r in alone.values()] == [r.raw for r in together.values()]
