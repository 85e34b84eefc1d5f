"""Queries that a generator writes: searched for, kept, counted, and shared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import refused, write_corpus

import ragtune
from ragtune.errors import ExperimentError, ModelError
from ragtune.experiment.progress import Silent
from ragtune.records import Tokens
from ragtune.retrieval.written import read
from tests.servers import Body, start

WRITES = ("Rewrite the question", "short passage", "search queries", "simpler questions")


@contextmanager
def served(say: Callable[[str, str], str]) -> Iterator[tuple[str, list[str]]]:
    """A server's address and all it was asked; ``say`` gets what the system and the user said. Every request counts as 10 + 2 tokens."""
    asked: list[str] = []

    def answer(body: Body) -> tuple[int, str]:
        system, user = body["messages"][0]["content"], body["messages"][-1]["content"]
        asked.append(f"{system}\n{user}")
        said = say(system, user)
        if said == "500":
            return 500, "{}"
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
        usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
        return 200, json.dumps(
            {"id": "1", "object": "x", "created": 1, "model": "m", "choices": [choice], "usage": usage}
        )

    http, url = start(answer)
    yield url, asked
    http.shutdown()


def run(root: Path, url: str, setups: str, **more: str) -> ragtune.Run:
    if not (root / "corpus").exists():
        write_corpus(root / "corpus")
    (root / "e.yaml").write_text(
        f"corpus: {root}/corpus\ngenerator: {{model: m, endpoint: '{url}', retries: 0, concurrency: 1}}\n"
        f"chunking: {{size: 16}}\nlatency: {{sample: 2}}\ncosts: {{prompt_1k_tokens: 1000}}\nsetups:\n{setups}",
        "utf-8",
    )
    return ragtune.run(root / "e.yaml", out=root / "run", store=root / "store", progress=Silent())


@pytest.mark.parametrize("by", ["rewrite", "multi-query", "decompose"])
def test_what_is_written_finds_what_the_question_does_not(by: str, tmp_path: Path) -> None:
    """The questions share no word with the documents; what is written does."""
    rows = [
        {
            "id": "q1",
            "question": "Wer steuert den Kahn?",
            "answers": ["Ida Moen"],
            "evidence": [{"document": "boats.txt", "quote": "captain is Ida Moen"}],
            "split": "test",
        }
    ]
    write_corpus(tmp_path / "corpus", questions=rows)
    with served(
        lambda system, user: (
            "1. captain Ida Moen"
            if system.startswith(WRITES[0]) or WRITES[2] in system or WRITES[3] in system
            else "Ida Moen [1]"
        )
    ) as (url, _asked):
        words = "dense: false, lexical: true"
        made = run(
            tmp_path, url, f"  plain: {{retrieval: {{{words}}}}}\n  asks: {{retrieval: {{{words}, query: {by}}}}}\n"
        )
    plain, asks = (next(r for r in made.rows if r.setup == name) for name in ("plain", "asks"))
    assert plain.answer.hits == ()
    assert plain.answer.queries == ()
    assert "Ida Moen" in asks.answer.hits[0].chunk.text
    own = ("captain Ida Moen",)
    assert asks.answer.queries == (own if by == "rewrite" else ("Wer steuert den Kahn?", *own))
    assert asks.answer.tokens.before_prompt >= 10
    assert plain.answer.tokens == Tokens(10, 2)
    assert made.costs.costs["asks"].question >= made.costs.costs["plain"].question + 10
    assert made.summary.retrieval["asks"]["recall@3"].mean == 1 > made.summary.retrieval["plain"]["recall@3"].mean


def test_a_passage_that_was_made_up_is_embedded_with_the_question(tmp_path: Path) -> None:
    with served(
        lambda system, user: (
            "Biscuits cost 2 euros.\nTwo euros is the price of biscuits.\nBiscuits are sold for 2 euros."
            if WRITES[1] in system
            else "-"
        )
    ) as (url, _):
        made = run(
            tmp_path,
            url,
            "  plain: {retrieval: {top_k: 1}}\n  hyde: {retrieval: {top_k: 1, query: {by: hyde, n: 3}}}\n",
        )
    found = {r.setup: r.answer for r in made.rows if r.question.id == "q2"}
    assert "Sprat" in found["plain"].hits[0].chunk.text
    assert "Biscuits" in found["hyde"].hits[0].chunk.text
    assert found["hyde"].queries[0] == "Biscuits cost 2 euros."


def test_a_server_that_dies_is_asked_for_what_is_missing_alone_and_setups_share_what_was_written(
    tmp_path: Path,
) -> None:
    broken = ["Sprat"]

    def say(system: str, user: str) -> str:
        if system.startswith(WRITES[0]):
            return "500" if any(word in user for word in broken) else f"about {user}"
        return "noon [1]"

    setups = "  a: {retrieval: {query: rewrite}}\n  b: {retrieval: {query: rewrite, lexical: true, top_k: 2}}\n"
    with served(say) as (url, asked):
        with pytest.raises(ModelError, match="500"):
            run(tmp_path, url, setups)
        broken.clear()
        made = run(tmp_path, url, setups)
        written = [a for a in asked if a.startswith(WRITES[0])]
        assert sorted(a.partition("Question: ")[2] for a in written) == sorted(
            [*(r.question.text for r in made.rows if r.setup == "a"), "Who is the captain of the boat Sprat?"]
        )
        before = len(asked)
        run(tmp_path, url, setups)
        assert len(asked) == before


def test_a_refused_query_falls_back_on_the_question_and_is_counted(tmp_path: Path) -> None:
    def say(system: str, user: str) -> str:
        if WRITES[2] in system:
            return "I don't know." if "moon" in user else "<think>hm</think>\n- tea time\n- tea time"
        return "noon [1]"

    with served(say) as (url, _):
        made = run(tmp_path, url, "  plain: {retrieval: true}\n  many: {retrieval: {query: {by: multi-query, n: 2}}}\n")
        found = {(r.setup, r.question.id): r.answer for r in made.rows}
        assert found["many", "q3"].queries == ()
        assert [h.chunk.id for h in found["many", "q3"].hits] == [h.chunk.id for h in found["plain", "q3"].hits]
        assert found["many", "q1"].queries == ("When is tea served?", "tea time")
        notes = " ".join(made.summary.notes)
        assert "many: for 1 of 3 answers no query could be read from the reply" in notes
        assert "plain:" not in notes
        [asked] = ragtune.ask(tmp_path / "run", "When is tea served?", setup="many", store=tmp_path / "store")
        assert asked.answer.queries == ("When is tea served?", "tea time")
        assert asked.answer.tokens.before_prompt == 10


def test_a_local_model_writes_and_a_run_again_writes_nothing(tmp_path: Path, small: Path) -> None:
    write_corpus(tmp_path / "corpus")
    (tmp_path / "e.yaml").write_text(
        f"corpus: {tmp_path}/corpus\ngenerator: {{model: extractive}}\nlatency: {{sample: 1}}\nsetups:\n"
        f"  asks: {{retrieval: {{query: {{by: multi-query, max_new_tokens: 8, generator: {{model: '{small}'}}}}}}}}\n"
    )
    made = [
        ragtune.run(tmp_path / "e.yaml", out=tmp_path / name, store=tmp_path / "store", progress=Silent())
        for name in "ab"
    ]
    assert [r.answer for r in made[0].rows] == [r.answer for r in made[1].rows]
    assert all(r.answer.tokens.before_answer > 0 for r in made[0].rows)
    stages = json.loads((tmp_path / "b" / "work.json").read_text())["stages"]
    assert (stages["query"]["computed"], stages["query"]["reused"]) == (0, 3)


@pytest.mark.parametrize(
    ("setups", "why"),
    [
        ("{retrieval: {query: rewrite}, generator: {model: extractive}}", "needs a language model to write queries"),
        ("{retrieval: {query: rewite}}", "'multi-query', 'decompose' or 'sql' (given: 'rewite')"),
        ("{retrieval: {query: {by: rewrite, n: 2}}}", "n has no effect: it needs by: hyde"),
        ("{retrieval: {query: hyde, dense: false, lexical: true}}", "hyde embeds a passage: it needs dense"),
        ("{retrieval: {query: rewrite, source: oracle}}", "no query is searched for"),
        (
            "{retrieval: {query: {by: rewrite, generator: {model: extractive}}}}",
            "name one in retrieval.query.generator",
        ),
        (
            "{retrieval: {query: {by: rewrite, generator: {model: x, max_new_tokens: 9}}}}",
            "query.max_new_tokens says how long",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    setups: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert why in refused(setups, tmp_path, capsys)
    with pytest.raises(ExperimentError):
        ragtune.plan(tmp_path / "e.yaml", store=tmp_path / "s")


@pytest.mark.parametrize(
    ("raw", "texts"),
    [
        ("1. tea time\n2) When is tea?\n3. tea time", ("tea time", "When is tea?")),
        ("Here are some queries:\n- “tea”\n* biscuits", ("tea", "biscuits")),
        ("查询：茶点时间\n1、下午茶", ("茶点时间", "下午茶")),
        ("I don't know that.", ()),
        ("<think>what now", ()),
        ("", ()),
        ("---\n", ()),
    ],
)
def test_texts_are_read_from_what_a_model_says(raw: str, texts: tuple[str, ...]) -> None:
    assert read(raw, "multi-query", 5) == texts
    assert read(raw, "multi-query", 1) == texts[:1]


def test_a_passage_over_several_lines_is_one() -> None:
    assert read("Tea is at noon.\nBring a cup.", "hyde", 1) == ("Tea is at noon. Bring a cup.",)
