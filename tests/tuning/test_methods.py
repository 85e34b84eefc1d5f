"""Every tuning method on tiny models of real architectures: it trains, is stored, answers the same after loading, and leaves no trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ragtune.generation.generator import Request
from ragtune.generation.local import LocalGenerator
from ragtune.generation.prompts import load_prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.records import Question
from ragtune.store import file_digest
from ragtune.tuning.batches import Encoded, encode_item
from ragtune.tuning.job import TuneJob
from ragtune.tuning.methods import METHODS, check
from ragtune.tuning.settings import TuningSettings
from ragtune.tuning.trainer import train_adapter
from ragtune.tuning.trial import trial

RATE = {"full": 3e-3, "prompt": 0.3, "prefix": 0.3, "p-tuning": 0.03, "ia3": 0.3}
#: more settings, beside the methods themselves
KINDS: dict[str, dict[str, Any]] = {
    **{name: {"method": name} for name in METHODS if name != "qlora"},
    "pissa": {"method": "lora", "lora": {"r": 4, "init": "pissa"}},
    "rslora": {"method": "lora", "lora": {"r": 4, "rank_stabilised": True}},
    "attention": {"method": "lora", "lora": {"r": 4, "targets": "attention"}},
}


def settings_of(kind: str, **more: Any) -> TuningSettings:
    method = KINDS[kind]["method"]
    plain = {"train_on": "closed-book", "epochs": 6, "batch_tokens": 64, "virtual_tokens": 4, "bottleneck": 8}
    return TuningSettings.model_validate({**plain, "learning_rate": RATE.get(method, 0.02), **KINDS[kind], **more})


def encoded(model: LanguageModel, n: int = 6) -> list[Encoded]:
    return [
        encode_item(model, [{"role": "user", "content": f"Question: what is number {i}{' again' * i}?"}], f"it is {i}")
        for i in range(n)
    ]


def card(model: LanguageModel) -> dict[str, str]:
    return {"base": model.ref.fingerprint, "base_name": "tiny", "data": "x", "tuning": "closed-book"}


ASKED = [Question(f"q{n}", "When is tea served" + " and where" * (n % 3) + "?" * (n + 1)) for n in range(5)]
GENERATOR = GeneratorSettings(max_new_tokens=8)


def answers(model: LanguageModel, adapter: Path | None, together: bool = True) -> dict[str, tuple[str, Any]]:
    """What was said, and how sure: a model that says one thing to everything is still more or less sure of it."""
    generator = LocalGenerator(model, load_prompt("closed"), GENERATOR)
    requests = [Request(q.id, q, ()) for q in ASKED]
    batches = [requests] if together else [[r] for r in requests]
    return {
        key: (reply.raw, pytest.approx(reply.confidence, abs=2e-4))
        for batch in batches
        for key, reply in generator.answer(batch, adapter, 0)
    }


def same(one: dict[str, tuple[str, Any]], other: dict[str, tuple[str, Any]]) -> bool:
    return all(one[key][0] == other[key][0] and one[key][1].expected == other[key][1] for key in one)


def train(model: LanguageModel, kind: str, tmp_path: Path, name: str = "out", **more: Any) -> Any:
    return train_adapter(
        model, encoded(model), [], settings_of(kind, **more), 0, tmp_path / name, tmp_path / f"{name}.part", card(model)
    )


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gpt2", "t5"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_method_learns_and_answers_the_same_after_loading(
    kind: str, architecture: str, tiny_models: dict[str, Path], tmp_path: Path
) -> None:
    folder = tiny_models[architecture]
    model = LanguageModel(resolve(str(folder)), "cpu")
    check(model, settings_of(kind))
    before = {name: p.clone() for name, p in model.base.named_parameters()}
    plain = answers(model, None)
    report, _ = train(model, kind, tmp_path)
    assert report.curve[-1][1] < report.curve[0][1]
    assert (report.trainable == report.parameters) == (kind == "full")
    own = model.plain()
    assert {name for name, p in own.named_parameters()} == set(before)
    assert all(p.equal(before[name]) and not p.requires_grad for name, p in own.named_parameters())
    out = tmp_path / "out"
    beside = answers(model, out)
    assert not same(beside, plain)
    model.merge(out)
    assert same(answers(model, out), beside)
    assert same(answers(model, out, together=False), beside)
    assert same(answers(model, None), plain)
    assert all(p.equal(before[name]) for name, p in model.plain().named_parameters())
    named = LanguageModel(resolve(f"{folder} + {out}"), "cpu")
    assert same(answers(named, None), beside)
    if architecture != "t5":  # which says the same to everything
        said = [{"role": "user", "content": "When is tea served?"}]
        assert named.reply(said, 8) != LanguageModel(resolve(str(folder)), "cpu").reply(said, 8)


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_training_of_any_method_ends_like_an_undisturbed_one(
    kind: str, tiny_models: dict[str, Path], tmp_path: Path
) -> None:
    def trained(name: str, stop_at: int | None = None) -> str:
        model, steps = LanguageModel(resolve(str(tiny_models["llama"])), "cpu"), 0

        def tick(n: int) -> None:
            nonlocal steps
            steps += n
            if steps == stop_at:
                raise KeyboardInterrupt

        settings = settings_of(kind, save_seconds=0.001, epochs=4)
        made = tmp_path / name
        train_adapter(model, encoded(model), [], settings, 5, made, tmp_path / f"{name}.part", card(model), tick)
        return file_digest(made / "adapter_model.safetensors")

    whole = trained("whole")
    with pytest.raises(KeyboardInterrupt):
        trained("killed", stop_at=5)
    assert list((tmp_path / "killed.part").glob("checkpoint-*"))
    assert trained("killed") == whole


@pytest.mark.parametrize("kind", KINDS)
def test_a_base_of_half_precision_is_tuned_and_comes_back_to_the_bit(
    kind: str, tiny_models: dict[str, Path], tmp_path: Path
) -> None:
    import torch

    model = LanguageModel(resolve(str(tiny_models["llama"])), "cpu", "bfloat16")
    before = {name: p.clone() for name, p in model.base.named_parameters()}
    report, _ = train(model, kind, tmp_path, epochs=10)
    assert report.curve[-1][1] < report.curve[0][1]
    assert all(p.equal(before[name]) and p.dtype == torch.bfloat16 for name, p in model.plain().named_parameters())
    model.merge(tmp_path / "out")
    named = LanguageModel(resolve(f"{tiny_models['llama']} + {tmp_path / 'out'}"), "cpu", "bfloat16")
    assert {k: v[0] for k, v in answers(model, tmp_path / "out").items()} == {
        k: v[0] for k, v in answers(named, None).items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_trial_of_any_method_leaves_no_trace(kind: str, tiny_models: dict[str, Path]) -> None:
    model = LanguageModel(resolve(str(tiny_models["llama"])), "cpu")
    before = {name: p.clone() for name, p in model.base.named_parameters()}
    job = TuneJob(model.ref, "cpu", "float32", settings_of(kind), 0, tuple(encoded(model)), (), card(model))
    assert trial(job, model).seconds > 0
    assert {name for name, p in model.plain().named_parameters() if p.equal(before[name])} == set(before)
