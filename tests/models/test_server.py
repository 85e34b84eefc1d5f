"""Servers that refuse, rename, or say strange things; addresses and keys."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import ValidationError

from ragtune.errors import ModelError, RagtuneError
from ragtune.generation.settings import GeneratorSettings
from ragtune.judging.replies import ServedChat
from ragtune.judging.settings import JudgeSettings
from ragtune.judging.witness import Unscorable
from ragtune.models.address import address
from ragtune.models.refusals import Ways, said
from ragtune.models.server import Server
from tests.servers import start

Body = dict[str, Any]
ASKED = [{"role": "user", "content": "Why?"}]
OPTIONS: Body = {"max_tokens": 9, "temperature": 0.0, "top_p": 1.0, "seed": 1}


def good(content: object = "noon") -> tuple[int, str]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    return 200, json.dumps({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})


def bad(status: int, message: str, **more: object) -> tuple[int, str]:
    return status, json.dumps({"error": {"message": message, **more}})


@contextmanager
def serving(say: Callable[[Body], tuple[int, str]]) -> Iterator[tuple[Server, list[Body]]]:
    seen: list[Body] = []

    def answer(body: Body) -> tuple[int, str]:
        seen.append(body)
        return say(body)

    http, url = start(answer)
    try:
        yield Server(url, "m", retries=0, timeout=5), seen
    finally:
        http.shutdown()
        http.server_close()


def test_a_setting_that_is_refused_goes_by_the_name_that_the_server_gives_once_for_the_process() -> None:
    def say(body: Body) -> tuple[int, str]:
        if "max_tokens" in body:
            told = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            return bad(400, told, code="unsupported_parameter", param="max_tokens")
        if "temperature" in body:
            told = "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) is supported."
            return bad(400, told, code="unsupported_value", param="temperature")
        return good()

    with serving(say) as (server, seen):
        assert server.complete(ASKED, **OPTIONS).text == "noon"
        assert len(seen) == 3
        again = Server(server.endpoint, "m", retries=0)
        assert again.complete(ASKED, **OPTIONS).text == "noon"
    assert len(seen) == 4
    assert seen[-1]["max_completion_tokens"] == 9
    assert seen[-1]["seed"] == 1
    assert not {"max_tokens", "temperature"} & set(seen[-1])


@pytest.mark.parametrize(
    ("body", "name", "instead"),
    [
        ({"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}, "seed", None),
        ({"message": "`top_p` is deprecated for this model."}, "top_p", None),
        (
            {"message": "Unrecognized request argument supplied: max_tokens", "param": "max_tokens"},
            "max_tokens",
            "other",
        ),
    ],
)
def test_refused_settings_are_read_in_the_forms_of_several_servers(body: Body, name: str, instead: str | None) -> None:
    known = Ways()
    assert known.learn(said(400, body), OPTIONS)
    assert known.instead == {name: "max_completion_tokens" if instead else None}


def test_a_value_out_of_range_is_no_refused_setting() -> None:
    told = said(
        400, {"message": "max_tokens is too large: 9000. This model supports at most 4096.", "param": "max_tokens"}
    )
    assert not Ways().learn(told, OPTIONS)


@pytest.mark.parametrize(
    ("body", "finish"),
    [
        ({"message": "The response was filtered.", "code": "content_filter"}, "content_filter"),
        (
            {"message": "no", "code": None, "innererror": {"code": "ResponsibleAIPolicyViolation"}},
            "ResponsibleAIPolicy",
        ),
        (
            {"message": "This model's maximum context length is 8 tokens.", "code": "context_length_exceeded"},
            "context_len",
        ),
        ({"message": "I do not take this text.", "type": "odd_text"}, "odd_text"),
        ({"message": "I do not take this text."}, "refused"),
    ],
)
def test_a_refused_request_is_an_answer_with_the_reason(body: Body, finish: str) -> None:
    def say(asked: Body) -> tuple[int, str]:
        return bad(400, **body) if asked["messages"][0]["content"] == "Why?" else good()

    with serving(say) as (server, _):
        found = server.complete(ASKED, **OPTIONS)
        assert server.complete([{"role": "user", "content": "When?"}], schema={"type": "object"}).text == "noon"
    assert (found.text, found.refused) == ("", body["message"])
    assert found.finish == ("content_filter" if finish.startswith("Resp") else found.finish)
    assert found.finish.startswith(finish) or finish.startswith("Resp")


def test_a_schema_is_kept_when_a_question_is_refused() -> None:
    def say(asked: Body) -> tuple[int, str]:
        return bad(400, "no", code="odd") if asked["messages"][0]["content"] == "Why?" else good()

    with serving(say) as (server, seen):
        assert server.complete(ASKED, schema={"type": "object"}).finish == "odd"
        server.complete([{"role": "user", "content": "When?"}], schema={"type": "object"})
    assert "response_format" in seen[-1]


@pytest.mark.parametrize("status", [400, 404, 429])
def test_the_servers_own_sentence_is_shown_without_secrets(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-key")
    with serving(lambda _: bad(status, "The model `m` is gone,\nsaid sk-very-secret-key.")) as (server, _):
        with pytest.raises(ModelError) as caught:
            server.complete(ASKED, **OPTIONS)
    assert "The model `m` is gone, said ***" in str(caught.value)
    assert str(status) in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "no"}, {"type": "text", "text": "on"}], "noon"),
        (12.5, "12.5"),
        ("cut \ud83d", "cut \ufffd"),
        ("whole \ud83d\ude00", "whole \U0001f600"),
        ({"text": "noon"}, "noon"),
        ([], ""),
    ],
)
def test_replies_of_any_type_are_texts(content: object, text: str) -> None:
    with serving(lambda _: good(content)) as (server, _):
        assert server.complete(ASKED, **OPTIONS).text == text


def test_questions_with_half_an_emoji_are_asked() -> None:
    with serving(lambda _: good()) as (server, seen):
        server.complete([{"role": "user", "content": "\ud83d?"}])
    assert seen[0]["messages"][0]["content"] == "\ufffd?"


@pytest.mark.parametrize(
    "wrong",
    [
        "http://[::1",
        "http://",
        "http://x:99999/v1",
        "http://x:y/v1",
        "http://a b/v1",
        "ftp://x",
        "x",
        "http://x/v1?key=s",
        "http://u:p@[::1",
    ],
)
@pytest.mark.parametrize("settings", [GeneratorSettings, JudgeSettings])
def test_malformed_addresses_are_refused(wrong: str, settings: type[GeneratorSettings]) -> None:
    with pytest.raises(ValidationError, match="an endpoint is a URL"):
        settings(model="m", endpoint=wrong)


def test_user_name_and_password_work_and_are_written_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_PASS", "s3cret/word")
    made = GeneratorSettings(model="m", endpoint="http://ann:pa%40ss@host:1/v1")
    assert made.model_dump(mode="json")["endpoint"] == "http://host:1/v1"
    kept = "http://ann:${SERVER_PASS}@host/v1"
    assert GeneratorSettings(model="m", endpoint=kept).model_dump(mode="json")["endpoint"] == "http://host/v1"
    named = "http://${A}:${B}@host/v1"
    assert GeneratorSettings(model="m", endpoint=named).model_dump(mode="json")["endpoint"] == named
    found = address(str(made.endpoint), "NO_SUCH_KEY")
    assert (found.url, found.key) == ("http://host:1/v1", "none")
    assert base64.b64decode(found.headers["Authorization"].removeprefix("Basic ")) == b"ann:pa@ss"
    assert found.cleaned("as ann:pa@ss at http://ann:pa%40ss@host") == "as ann:*** at http://host"
    assert str(RagtuneError("no", where="--set x=http://ann:pa@host/v1")) == "--set x=http://host/v1: no"


def test_variables_in_an_address_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_NAME", "host:8000")
    monkeypatch.delenv("NOT_SET", raising=False)
    assert address("http://${HOST_NAME}/v1", "K").url == "http://host:8000/v1"
    with pytest.raises(ModelError, match="NOT_SET is not set"):
        address("http://${NOT_SET}/v1", "K")
    monkeypatch.setenv("HOST_NAME", "[::1")
    with pytest.raises(ModelError, match="cannot be read"):
        address("http://${HOST_NAME}/v1", "K")
    assert GeneratorSettings(model="m", endpoint="${BASE}/v1").endpoint == "${BASE}/v1"


def test_keys_and_proxies_that_cannot_be_used_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K", "abc-key\n")
    assert address("http://x", "K").key == "abc-key"
    for wrong in ("abc\ndef", "schlüssel"):
        monkeypatch.setenv("K", wrong)
        with pytest.raises(ModelError, match=r"the key in \$K") as caught:
            address("http://x", "K")
        assert wrong not in str(caught.value)
    monkeypatch.setenv("ALL_PROXY", "socks5://me:word@proxy:1")
    with pytest.raises(ModelError, match="SOCKS") as caught:
        address("http://x", "NONE")
    assert "word" not in str(caught.value)
    monkeypatch.setenv("ALL_PROXY", "odd://me:word@proxy:1")
    with pytest.raises(ModelError, match="cannot be asked") as caught:
        Server("http://x", "m")
    assert "word" not in str(caught.value)


def test_a_refused_judgement_is_unscored_with_the_reason() -> None:
    def say(body: Body) -> tuple[int, str]:
        return good() if body["messages"][0]["content"] == "Hello" else bad(400, "I take no such text.", code="odd")

    with serving(say) as (server, _):
        with pytest.raises(Unscorable, match=r"refused the request \(odd\): I take no such text"):
            ServedChat(server, 1).ask("Why?", {"type": "object"})
