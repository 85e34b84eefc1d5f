"""A reply that is heard while it is made is the reply that is waited for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import servers

from ragtune.errors import ModelError
from ragtune.generation.endpoint import EndpointGenerator
from ragtune.generation.generator import Generator, Request, Streaming
from ragtune.generation.local import LocalGenerator
from ragtune.generation.prompts import load_prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.records import Question

REQUEST = Request("k", Question("k", "When is tea served?"), ())
PIECES = ["<think>It", " is</think>\n", "\nTea is ", "at ", "15:30", " [", "1", "]. Stay.", "\nQues", "tion: what"]


def both(generator: Generator) -> tuple[Any, Any, list[str]]:
    """The reply waited for, the reply heard, and what was heard."""
    assert isinstance(generator, Streaming)
    heard: list[str] = []
    batch = generator.batches([REQUEST], 0)[0]
    [(_, waited)] = generator.answer(batch, None, 0)
    streamed = generator.stream(batch[0], None, 0, lambda raw, shown: heard.append(raw))
    return replace(waited, seconds=0.0), replace(streamed, seconds=0.0), heard


@pytest.mark.parametrize("kind", ["qwen2", "t5"])
@pytest.mark.parametrize("more", [{}, {"stop": ("e",)}, {"temperature": 1.0}])
def test_a_local_model(tiny_models: dict[str, Path], kind: str, more: dict[str, Any]) -> None:
    settings = GeneratorSettings(model=str(tiny_models[kind]), max_new_tokens=8, **more)
    model = LanguageModel(resolve(settings.model))
    waited, streamed, heard = both(LocalGenerator(model, load_prompt("cited"), settings))
    assert streamed == waited
    assert len(heard) == streamed.tokens.answer
    assert all(streamed.raw.startswith(text.strip()) for text in heard)


def endpoint(answer: Any, **more: Any) -> EndpointGenerator:
    _, url = servers.start(answer)
    return EndpointGenerator(load_prompt("cited"), GeneratorSettings(model="m", endpoint=url, retries=0, **more))


def test_an_endpoint() -> None:
    waited, streamed, heard = both(endpoint(servers.in_pieces(PIECES), stop=("\nQuestion:",)))
    assert streamed == waited
    assert streamed.raw.endswith("15:30 [1]. Stay.")
    assert (streamed.tokens.prompt, streamed.tokens.answer) == (7, len(PIECES))
    assert heard[3].endswith("at ")
    assert heard[-2:] == [streamed.raw, streamed.raw]


@pytest.mark.parametrize("refused", ["", "stream", "stream_options", "both, in no words"])
def test_a_server_without_streams_is_asked_once_more_and_then_as_ever(refused: str) -> None:
    whole = servers.in_pieces(["Noon."])
    bodies: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> tuple[int, str]:
        bodies.append(body)
        if refused and (refused in body or ("both" in refused and "stream" in body)):
            said = f"Unsupported parameter: '{refused}'" if refused.startswith("stream") else "bad request"
            return 400, json.dumps({"error": {"message": said}})
        return whole({**body, "stream": False} if refused != "stream_options" else body)

    generator = endpoint(answer)
    for _ in range(2):
        reply = generator.stream(REQUEST, None, 0, lambda raw, shown: None)
        assert reply.raw == "Noon."
    assert len(bodies) == 3
    assert ("stream" in bodies[-1]) == (refused == "stream_options")


def test_a_stream_that_breaks_off_is_one_line() -> None:
    broken = 'data: {"choices": [{"index": 0, "delta": {"content": "No"}}]}\n\ndata: {"error": {"message": "out of memory"}}\n\n'
    with pytest.raises(ModelError, match=r"broke off its answer .*out of memory"):
        endpoint(lambda body: (200, broken)).stream(REQUEST, None, 0, lambda raw, shown: None)
    with pytest.raises(ModelError, match="not JSON"):
        endpoint(lambda body: (200, "data: {oh\n\n")).stream(REQUEST, None, 0, lambda raw, shown: None)
