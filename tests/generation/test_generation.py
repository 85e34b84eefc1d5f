from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from ragtune.errors import ExperimentError, ModelError
from ragtune.generation.abstention import AbstainAbove
from ragtune.generation.endpoint import EndpointGenerator
from ragtune.generation.extractive import ExtractiveGenerator, best_sentence
from ragtune.generation.generator import Request
from ragtune.generation.local import LocalGenerator
from ragtune.generation.prompts import fit, load_prompt, shipped_prompts
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.records import Chunk, Hit, Question
from ragtune.text.outcome import read_reply
from tests.servers import start


def hit(text: str, rank: int = 1, title: str = "") -> Hit:
    return Hit(Chunk(f"c{rank}", "d", 0, len(text), text, title), 1.0, rank)


HITS = (hit("Tea is served at 15:30.", 1, "Tea"), hit("The boat Sprat carries 12 people. Its captain is Ida Moen.", 2))


# --- prompts -------------------------------------------------------------------------------------------------


def test_contexts_are_numbered_and_titled() -> None:
    [system, user] = load_prompt("cited").messages("When is tea?", HITS)
    assert "I don't know." in system["content"]
    assert (
        user["content"]
        == "[1] Tea\nTea is served at 15:30.\n[2] The boat Sprat carries 12 people. Its captain is Ida Moen.\nQuestion: When is tea?"
    )


def test_documents_cannot_reach_the_template_engine() -> None:
    text = "{{ ''.__class__ }} {% for x in y %}"
    assert text in load_prompt("cited").messages("q", (hit(text),))[-1]["content"]


def test_prompt_files_and_their_errors(tmp_path: Path) -> None:
    assert shipped_prompts() == ["brief", "cited", "closed"]
    path = tmp_path / "mine.yaml"
    path.write_text("system: ''\ncontext: '{{ text }}'\nuser: '{{ question }}'\nabstain: no\n")
    with pytest.raises(ExperimentError, match="abstain"):
        load_prompt("mine.yaml", tmp_path)
    path.write_text("system: ''\ncontext: '{{ text }}'\nuser: '{{ question }}'\nabstain: 'no'\n")
    assert load_prompt("mine.yaml", tmp_path).messages("Hi?", ()) == [{"role": "user", "content": "Hi?"}]
    path.write_text("a: [")
    with pytest.raises(ExperimentError, match="not YAML"):
        load_prompt("mine.yaml", tmp_path)
    with pytest.raises(ExperimentError, match="no such prompt"):
        load_prompt("none.yaml", tmp_path)
    with pytest.raises(ExperimentError, match="unknown prompt"):
        load_prompt("citted")


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("27 days [1]", ("27 days", (1,), False)),
        ("27 days [2][1].", ("27 days.", (2, 1), False)),
        ("27 days [1, 3] and [9]", ("27 days and [9]", (1,), False)),
        ("27 days [1-2], [Context 2] or 【1】.", ("27 days, or.", (1, 2), False)),
        ("27 days ［2］", ("27 days", (2,), False)),
        ("27 days [1 and 2]", ("27 days", (1, 2), False)),
        ("27 days[Source 1; Source 2]", ("27 days", (1, 2), False)),
        (
            "Since [2024], x[0] and rows[1].name are `a[1]`",
            ("Since [2024], x[0] and rows[1].name are `a[1]`", (), False),
        ),
        ("I don't know.", ("I don't know.", (), True)),
        ("I don’t know", ("I don’t know", (), True)),
        ("The contexts do not say.", ("The contexts do not say.", (), True)),
        ("", ("", (), True)),
        ("I know: five [2]", ("I know: five", (2,), False)),
    ],
)
def test_answers_are_read_back(raw: str, wanted: tuple[str, tuple[int, ...], bool]) -> None:
    found = read_reply(raw, 2, "I don't know.")
    assert (found.text, found.citations, found.outcome == "abstained") == wanted


def test_hits_that_do_not_fit_are_dropped_from_the_lowest_rank() -> None:
    hits = [hit("x" * n, i) for i, n in enumerate((10, 20, 30), 1)]
    kept, dropped = fit(hits, lambda h: sum(len(x.chunk.text) for x in h), 35)
    assert [h.rank for h in kept] == [1, 2]
    assert dropped == 1
    with pytest.raises(ExperimentError, match="question alone"):
        fit(hits, lambda h: 100, 35)


# --- local ---------------------------------------------------------------------------------------------------


def generator(folder: Path, **settings: object) -> LocalGenerator:
    made = GeneratorSettings(model=str(folder), max_new_tokens=8, **settings)  # type: ignore[arg-type]
    return LocalGenerator(LanguageModel(resolve(str(folder)), "cpu"), load_prompt("cited"), made)


def request(key: str, question: str, hits: tuple[Hit, ...] = ()) -> Request:
    return Request(key, Question(key, question), hits)


REQUESTS = [
    request("a", "When is tea?", HITS[:1]),
    request("b", "Who is the captain of the boat?", HITS),
    request("c", "Why?", ()),
]


@pytest.mark.parametrize("kind", ["qwen2", "llama", "t5", "gpt2"])
def test_real_architectures_answer_in_batches(tiny_models: dict[str, Path], kind: str) -> None:
    gen = generator(tiny_models[kind])
    batches = gen.batches(REQUESTS, 0)
    replies = {k: r for batch in batches for k, r in gen.answer(batch, None, 0)}
    assert set(replies) == {"a", "b", "c"}
    for reply in replies.values():
        assert 0 < reply.tokens.answer <= 8
        assert reply.tokens.prompt > 5
        assert reply.finish in ("stop", "length")
        assert reply.seconds > 0
        assert reply.confidence is not None
        assert 0 < reply.confidence <= 1
    again = {k: r.raw for batch in gen.batches(REQUESTS[::-1], 0) for k, r in gen.answer(batch, None, 0)}
    assert again == {k: r.raw for k, r in replies.items()}
    assert gen.model.loads == 1


@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_abstaining_is_decided_by_a_threshold(tiny_models: dict[str, Path], kind: str) -> None:
    def said(**settings: object) -> dict[str, str]:
        gen = generator(tiny_models[kind], **settings)
        return {k: r.raw for batch in gen.batches(REQUESTS, 0) for k, r in gen.answer(batch, None, 0)}

    gen = generator(tiny_models[kind])
    prompt = gen.prompt.messages("Why?", [])
    first = gen.model.encode_target(prompt, gen.prompt.abstain, gen.model.encode_prompt(prompt))[0]
    begins = gen.model.tokenizer.decode([first]).strip()
    assert all(raw.startswith(begins) for raw in said(abstain_above=1e-9).values())  # any chance is enough
    assert not any(raw.startswith(begins) for raw in said(abstain_above=1 - 1e-9).values())  # no chance is
    assert said(abstain_above=1 - 1e-9) == said(abstain_above=1 - 1e-9)
    assert said(abstain_above=None) == said()
    assert said(abstain_above=1e-9, thinking=True) == said(thinking=True)  # the first token begins a thought


def test_the_threshold_looks_at_the_first_new_token_only() -> None:
    scores = torch.tensor([[0.0, 2.0, 0.0], [0.0, 2.0, 5.0]])  # chances of token 1: 0.79 and 0.05
    low = AbstainAbove(1, 0.7, 4)
    assert low(torch.zeros(2, 4), scores).argmax(-1).tolist() == [1, 2]
    assert AbstainAbove(1, 0.9, 4)(torch.zeros(2, 4), scores).argmax(-1).tolist() == [0, 2]
    assert AbstainAbove(1, 0.04, 4)(torch.zeros(2, 4), scores).argmax(-1).tolist() == [1, 1]
    assert low(torch.zeros(2, 5), scores) is scores


def test_unsure_answers_count_as_abstaining() -> None:
    def read(confidence: float | None) -> tuple[str, tuple[int, ...], str]:
        found = read_reply("noon [1]", 1, "I don't know.", confidence, 0.5)
        return found.text, found.citations, found.outcome

    assert read(0.9) == ("noon", (1,), "answered")
    assert read(0.4) == ("I don't know.", (), "abstained")
    assert read(None) == ("noon", (1,), "answered")


def test_padding_does_not_change_a_greedy_answer(tiny_models: dict[str, Path]) -> None:
    gen = generator(tiny_models["qwen2"])
    together = {k: r.raw for k, r in gen.answer(REQUESTS, None, 0)}
    alone = {k: r.raw for one in REQUESTS for k, r in gen.answer([one], None, 0)}
    assert together == alone


def test_sampling_follows_its_seed(tiny_models: dict[str, Path]) -> None:
    gen = generator(tiny_models["llama"], temperature=1.0, top_p=0.9)

    def say(seed: int) -> list[str]:
        return [r.raw for _, r in gen.answer(REQUESTS, None, seed)]

    assert say(1) == say(1)
    assert say(1) != say(2)


def test_chat_template_is_used_where_there_is_one(tiny_models: dict[str, Path]) -> None:
    qwen, llama = generator(tiny_models["qwen2"]), generator(tiny_models["llama"])
    text = qwen.model.tokenizer.decode(qwen.shown(REQUESTS[0]).ids)
    assert text.startswith("<|user|>system\n")
    assert text.endswith("<|assistant|>")
    assert llama.model.tokenizer.decode(llama.shown(REQUESTS[0]).ids).endswith("\nAnswer:")


def test_a_template_without_system_role_gets_it_in_the_user_turn(tiny_models: dict[str, Path]) -> None:
    model = LanguageModel(resolve(str(tiny_models["qwen2"])), "cpu")
    model.tokenizer.chat_template = "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ m['content'] }}{% endfor %}"
    ids = model.encode_prompt([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}])
    assert model.tokenizer.decode(ids) == "Be brief.\n\nWhy?"


def test_more_contexts_than_the_window_are_dropped_and_counted(tiny_models: dict[str, Path]) -> None:
    gen = generator(tiny_models["qwen2"], window=150)
    many = tuple(hit(f"The boat number {i} carries {i} people.", i) for i in range(1, 12))
    [(_, reply)] = gen.answer([request("x", "How many?", many)], None, 0)
    assert 0 < reply.hits < 11
    assert reply.tokens.prompt <= 142
    with pytest.raises(ExperimentError, match="question alone"):
        gen.shown(request("y", "word " * 300))
    with pytest.raises(ModelError, match="fills the whole window"):
        LocalGenerator(gen.model, gen.prompt, GeneratorSettings(max_new_tokens=300)).shown(REQUESTS[0])


def test_model_names_and_their_errors(tmp_path: Path, tiny_models: dict[str, Path]) -> None:
    assert resolve("bundled:minilm").kind == "bundled"
    assert resolve("Qwen/Qwen2.5-0.5B-Instruct").kind == "hub"
    for name, says in (
        ("bundled:mini", "unknown bundled"),
        ("nothing", "unknown model"),
        (str(tmp_path), "no config.json"),
        ("./none/", "unknown model.*no such folder"),
        ("a/b/c", "unknown model.*no such folder"),
        ("foo bar", "unknown model"),
        ("foo bar/baz", "unknown model"),
        ("owner/na--me", "unknown model"),
        ("owner/.name", "unknown model"),
    ):
        with pytest.raises(ModelError, match=says):
            resolve(name)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="no safetensors"):
        resolve(str(tmp_path))
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelError, match="no safetensors"):
        resolve(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"junk")
    with pytest.raises(ModelError, match="could not be loaded"):
        _ = LanguageModel(resolve(str(tmp_path))).base
    with pytest.raises(ModelError, match="not in the local cache"):
        _ = LanguageModel(resolve("nobody/nothing-here")).tokenizer
    (tmp_path / "config.json").unlink()
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match="adapter, not a model"):
        resolve(str(tmp_path))


def test_bundled_weights_are_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragtune.models.bundled.MINILM_SHA256", "0" * 64)
    with pytest.raises(ModelError, match="SHA-256"):
        resolve("bundled:minilm")
    monkeypatch.setattr("ragtune.models.bundled.MINILM_PACKAGE", "no_such_package")
    with pytest.raises(ModelError, match="needs its package"):
        resolve("bundled:minilm")


# --- extractive ----------------------------------------------------------------------------------------------


def test_extractive_answers_with_the_best_sentence_and_cites_it() -> None:
    assert best_sentence("Who is the captain of the boat Sprat?", HITS) in (
        "The boat Sprat carries 12 people. [2]",
        "Its captain is Ida Moen. [2]",
    )
    assert best_sentence("When is tea served?", HITS) == "Tea is served at 15:30. [1]"
    assert best_sentence("Which quasar spins?", HITS) is None
    assert best_sentence("?", HITS) is None
    gen = ExtractiveGenerator(load_prompt("cited"))
    [batch] = gen.batches(REQUESTS, 0)
    replies = {k: r.raw for k, r in gen.answer(batch, None, 0)}
    assert replies["c"] == "I don't know."


# --- endpoint ------------------------------------------------------------------------------------------------


@contextmanager
def server(script: list[tuple[int, object]]) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """A server that speaks the OpenAI API and answers by script; the last entry repeats."""
    seen: list[dict[str, object]] = []

    def answer(body: dict[str, object]) -> tuple[int, str]:
        seen.append(body)
        status, reply = script[min(len(seen), len(script)) - 1]
        return status, reply if isinstance(reply, str) else json.dumps(reply)

    httpd, url = start(answer)
    try:
        yield url, seen
    finally:
        httpd.shutdown()
        httpd.server_close()


GOOD = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "15:30 [1]"}}],
    "usage": {"prompt_tokens": 30, "completion_tokens": 5, "total_tokens": 35},
}


def endpoint(url: str, **settings: object) -> EndpointGenerator:
    return EndpointGenerator(
        load_prompt("cited"), GeneratorSettings(model="m", endpoint=url, retries=1, timeout=5, **settings)
    )  # type: ignore[arg-type]


def test_endpoint_answers_and_retries() -> None:
    with server([(500, {"error": {"message": "busy"}}), (200, GOOD)]) as (url, seen):
        gen = endpoint(url, window=200)
        [batch] = gen.batches(REQUESTS, 0)
        replies = [r for _, r in gen.answer(batch, None, 7)]
    assert [r.raw for r in replies] == ["15:30 [1]"] * 3
    assert replies[0].tokens.answer == 5
    assert len(seen) == 4
    assert seen[-1]["seed"] == 7
    assert seen[-1]["model"] == "m"


def test_endpoint_answers_end_at_the_strings_of_stop() -> None:
    kept = {
        **GOOD,
        "choices": [{**GOOD["choices"][0], "message": {"role": "assistant", "content": "noon \nQuestion: x"}}],
    }  # type: ignore[index]
    with server([(200, kept)]) as (url, seen):
        replies = [r.raw for _, r in endpoint(url, stop=("\n", "###")).answer(REQUESTS[:1], None, 0)]
        assert [r.raw for _, r in endpoint(url).answer(REQUESTS[:1], None, 0)] == ["noon \nQuestion: x"]
    assert replies == ["noon"]
    assert seen[0]["stop"] == ["\n", "###"]
    assert "stop" not in seen[1]
    with pytest.raises(ValidationError, match="at least 1 character"):
        GeneratorSettings(stop=("",))


@pytest.mark.parametrize(
    ("message", "finish", "why"),
    [
        ({"content": "", "refusal": "I will not."}, "stop", "refusal"),
        ({"content": None, "reasoning_content": "Let me think"}, "stop", "reasoning_content"),
        ({"content": "", "reasoning": "Let me think"}, "stop", "reasoning"),
        ({"content": "<think>Let me think"}, "length", "length"),
        ({"content": "<think>Let me think"}, "stop", "stop"),
        ({"content": None}, "content_filter", "content_filter"),
        ({"content": "  "}, "length", "length"),
        ({"content": None}, "stop", "empty"),
    ],
)
def test_a_reply_without_text_is_neither_an_answer_nor_an_abstention(
    message: dict[str, object], finish: str, why: str
) -> None:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}
    with server([(200, {**GOOD, "choices": [choice]})]) as (url, _):
        gen = endpoint(url)
        [(_, reply)] = gen.answer(REQUESTS[:1], None, 0)
    found = read_reply(reply.raw, 2, "I don't know.", finish=reply.finish)
    assert (reply.finish, found.outcome) == (why, "none")


@pytest.mark.parametrize(
    "message",
    [
        {"content": "noon [1]", "reasoning_content": "So noon."},
        {"content": "noon [1]", "reasoning": "So noon."},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "So noon."}]}, {"text": "noon [1]"}]},
    ],
)
def test_what_a_server_keeps_apart_as_thought_stays_apart(message: dict[str, object]) -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    usage = {**GOOD["usage"], "completion_tokens_details": {"reasoning_tokens": 3}}  # type: ignore[dict-item]
    with server([(200, {**GOOD, "choices": [choice], "usage": usage})]) as (url, _):
        [(_, reply)] = endpoint(url).answer(REQUESTS[:1], None, 0)
    assert (reply.raw, reply.thought) == ("noon [1]", "So noon.")
    assert (reply.tokens.answer, reply.tokens.thought) == (5, 3)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ([(401, {"error": {"message": "no"}})], "refused the key"),
        ([(500, {})], "answered 500"),
        ([(200, {"choices": []})], "no completion"),
        ([(200, "<html>hello")], "no completion"),
        ([(200, '{"cut": ')], "no completion|reached"),
    ],
)
def test_endpoint_failures_are_one_line(script: list[tuple[int, object]], says: str) -> None:
    with server(script) as (url, _):
        gen = endpoint(url)
        with pytest.raises(ModelError, match=says) as caught:
            list(gen.answer(REQUESTS[:1], None, 0))
    assert "\n" not in str(caught.value)


def test_endpoint_that_is_not_there_and_adapters() -> None:
    gen = endpoint("http://127.0.0.1:9/v1")
    with pytest.raises(ModelError, match="cannot be reached"):
        list(gen.answer(REQUESTS[:1], None, 0))
    with pytest.raises(ModelError, match="local adapter"):
        list(gen.answer(REQUESTS[:1], Path("x"), 0))
    with pytest.raises(ValidationError, match="model name"):
        GeneratorSettings(endpoint="http://x")
