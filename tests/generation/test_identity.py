"""What stands in the keys of generators: all that their answers depend on, as it was resolved, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import build_tiny

from ragtune.generation.generators import identity, may_vary
from ragtune.generation.prompts import load_prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.models import devices
from ragtune.models.causal import LanguageModel
from ragtune.models.chat import Chat
from ragtune.models.devices import Placement, best_device, placed
from ragtune.models.names import resolve
from ragtune.models.templates import with_fixed_day

SERVED = {"model": "m", "endpoint": "http://localhost:1/v1"}
CASES: dict[str, dict[str, str]] = {"endpoint": SERVED, "extractive": {"model": "extractive"}}


@pytest.fixture(scope="module", autouse=True)
def local(small: Path) -> None:
    CASES["local"] = {"model": str(small)}


def key(kind: str, prompt: str = "cited", **settings: Any) -> object:
    return identity(GeneratorSettings.model_validate({**CASES[kind], **settings}), load_prompt(prompt), resolve)


@pytest.mark.parametrize("kind", ["endpoint", "extractive"])
@pytest.mark.parametrize(
    "settings",
    [
        {"batch_tokens": 64},
        {"device": "cuda"},
        {"dtype": "float16"},
        {"abstain_above": 0.5},
        {"abstain_below": 0.5},
        {"concurrency": 1, "timeout": 1, "retries": 0},
    ],
)
def test_what_changes_nothing_asks_no_server_again(kind: str, settings: dict[str, Any]) -> None:
    assert key(kind, **settings) == key(kind)


def test_each_kind_names_what_it_heeds() -> None:
    assert key("extractive", max_new_tokens=1, temperature=1, window=64) == key("extractive")
    assert not may_vary(GeneratorSettings(model="extractive", temperature=1))
    for settings in ({"max_new_tokens": 1}, {"window": 99}, {"temperature": 1}, {"top_p": 0.5}):
        assert key("endpoint", **settings) != key("endpoint")
    for settings in ({"max_new_tokens": 1}, {"batch_tokens": 64}, {"abstain_above": 0.5}, {"dtype": "bfloat16"}):
        assert key("local", **settings) != key("local")
    assert key("local", top_p=0.5) == key("local")  # greedy
    assert key("local", temperature=1, top_p=0.5) != key("local", temperature=1)
    assert key("local", abstain_below=0.5) == key("local")  # read from the stored reply
    for kind, differs in (("local", True), ("endpoint", True), ("extractive", True)):
        assert (key(kind, "closed") != key(kind, "cited")) is differs or load_prompt("closed").abstain == load_prompt(
            "cited"
        ).abstain


def test_auto_stands_for_what_it_comes_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_bare", lambda: True)
    assert placed() == Placement("cpu", "float32")
    assert key("local") == key("local", device="cpu", dtype="float32")
    monkeypatch.setattr("ragtune.generation.generators.placed", lambda *wanted: Placement("cuda", "bfloat16"))
    assert "auto" not in str(key("local"))
    assert key("local") != key("extractive")
    on_gpu = key("local")
    monkeypatch.undo()
    assert on_gpu != key("local", device="cpu")


def test_where_a_driver_is_torch_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(devices, "_bare", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert (best_device(), placed()) == ("cuda", Placement("cuda", "bfloat16"))
    assert placed("cpu") == Placement("cpu", "float32")
    assert placed("cuda:1", "float16") == Placement("cuda:1", "float16")


def test_an_address_stands_for_what_its_variables_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "http://localhost:1")
    written = key("endpoint", endpoint="${HOST}/v1")
    assert written == key("endpoint")
    assert key("endpoint", endpoint="http://me:secret@localhost:1/v1") == written
    monkeypatch.setenv("HOST", "http://localhost:2")
    assert key("endpoint", endpoint="${HOST}/v1") != written


def rendered(model: LanguageModel, messages: list[dict[str, str]]) -> str:
    return Chat(model.tokenizer, model.seq2seq)._render(messages, prompt=True)


def test_a_template_that_asks_for_the_day_is_told_the_same_day(tmp_path: Path) -> None:
    model = LanguageModel(resolve(str(build_tiny("qwen2", tmp_path / "m"))), "cpu")
    model.tokenizer.chat_template = (
        "{% macro day() %}{{ strftime_now(format='%-d %B %Y') }}{% endmacro %}{{ day() }}{% for m in messages %}"
        "{% if m['role'] == 'system' %}{{ raise_exception('no system here') }}{% endif %} {{ m['content'] }}{% endfor %}"
    )
    asked = [{"role": "user", "content": "When is tea?"}]
    assert rendered(model, asked) == "26 July 2024 When is tea?"
    assert rendered(model, [{"role": "system", "content": "Be brief."}, *asked]).startswith("26 July 2024 Be")
    model.tokenizer.chat_template = (
        "\n{% if strftime_now is defined %}{% set d = strftime_now('%Y-%m-%d %j %A') %}{% endif %}{{ d }}"
    )
    assert rendered(model, asked) == "\n2024-07-26 208 Friday"
    assert with_fixed_day("{{ messages }}") == "{{ messages }}"
