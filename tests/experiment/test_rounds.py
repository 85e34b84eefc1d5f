"""Answers that take several rounds of retrieving and answering."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import refused, write_corpus

import ragtune
from ragtune.experiment.progress import Silent
from ragtune.records import Answer
from tests.experiment.test_query import run, served

WORDS = "dense: false, lexical: true, top_k: 1"


def found(made: ragtune.Run) -> dict[tuple[str, str], Answer]:
    return {(r.setup, r.question.id): r.answer for r in made.rows}


def test_an_answer_joins_the_next_search_until_the_hits_stay_the_same(tmp_path: Path) -> None:
    """Asked for the captain, the first answer names the boat Herring, whose words find another chunk."""

    def say(system: str, user: str) -> str:
        if "captain" in user:
            return "The boat Herring carries 30 people [1]"
        return "I don't know."

    setups = f"  once: {{retrieval: {{{WORDS}}}}}\n  rounds: {{retrieval: {{{WORDS}, when: iterative, rounds: 4}}}}\n"
    with served(say) as (url, asked):
        made = run(tmp_path, url, setups)
        answers = found(made)
        once, rounds = answers["once", "q2"], answers["rounds", "q2"]
        assert "Sprat" in once.hits[0].chunk.text
        assert "Herring" in rounds.hits[0].chunk.text
        again = "Who is the captain of the boat Sprat? The boat Herring carries 30 people"
        assert rounds.queries == (again, again)  # the second search found the same, so that no third answer was made
        assert (rounds.tokens.prompt, rounds.tokens.before_prompt, rounds.tokens.before_answer) == (10, 10, 2)
        assert answers["rounds", "q3"].queries == ()  # nothing was said that could be searched for
        assert answers["rounds", "q3"] == answers["once", "q3"]
        # the first round is the other setup's answer
        assert len([a for a in asked if "captain of the boat" in a]) == 2
        before = len(asked)
        run(tmp_path, url, setups)
        assert len(asked) == before
        [row] = ragtune.ask(
            tmp_path / "run", "Who is the captain of the boat Sprat?", setup="rounds", store=tmp_path / "store"
        )
    assert (row.setup, replace(row.answer, hits=())) == ("rounds", replace(rounds, hits=()))
    assert "rounds" in made.costs.latency


def test_a_first_answer_is_kept_where_the_hits_support_it_and_made_anew_elsewhere(tmp_path: Path) -> None:
    def say(system: str, user: str) -> str:
        if "numbered contexts" in system:
            return "Ida Moen [1]" if "captain" in user else "I don't know."
        if "tea" in user:
            return "Tea is served at 15:30."
        return "Bob Marley" if "captain" in user else "I don't know."

    setups = f"  closed: {{}}\n  after: {{retrieval: {{{WORDS}, when: after}}}}\n"
    with served(say) as (url, asked):
        answers = found(run(tmp_path, url, setups))
    kept, anew, none = (answers["after", q] for q in ("q1", "q2", "q3"))
    assert (kept.text, kept.citations, kept.queries) == (
        "Tea is served at 15:30.",
        (1,),
        ("When is tea served? Tea is served at 15:30.",),
    )
    assert "15:30" in kept.hits[0].chunk.text
    assert kept.tokens.before_prompt == 0
    assert (anew.text, anew.citations, anew.tokens.before_prompt) == ("Ida Moen", (1,), 10)
    assert none.abstained
    assert none.queries == ()
    # drafts are the closed setup's answers, and one question alone needed no second one
    assert len(asked) == 3 + 2


def test_simpler_questions_are_answered_first_and_stand_before_the_question(tmp_path: Path) -> None:
    def say(system: str, user: str) -> str:
        if "simpler questions" in system:
            return "1. Which boat carries 30 people?\n2. Who is its captain?" if "captain" in user else "hm, no."
        if user.rstrip().endswith("Which boat carries 30 people?"):
            return "Herring [1]"
        return "Tor Lie [1]" if "Herring" in user else "noon"

    with served(say) as (url, asked):
        made = run(tmp_path, url, f"  parts: {{retrieval: {{{WORDS}, query: decompose}}}}\n")
        answer = found(made)["parts", "q2"]
        own = "Who is the captain of the boat Sprat?"
        assert answer.queries == (own, "Which boat carries 30 people?", "Who is its captain?")
        assert any("Which boat carries 30 people? Herring\nWho is its captain? Tor Lie\n" + own in a for a in asked)
        assert answer.tokens.before_prompt == 30
        [row] = ragtune.ask(tmp_path / "run", own, setup="parts", store=tmp_path / "store")
        assert (row.answer.text, row.answer.queries) == (answer.text, answer.queries)
        assert row.question.text == own


def test_rounds_of_a_local_model_are_kept(tmp_path: Path, small: Path) -> None:
    write_corpus(tmp_path / "corpus")
    (tmp_path / "e.yaml").write_text(
        f"corpus: {tmp_path}/corpus\ngenerator: {{model: '{small}', max_new_tokens: 6}}\nlatency: {{sample: 1}}\n"
        f"chunking: {{size: 16}}\nsetups:\n  a: {{retrieval: {{{WORDS}, when: iterative}}}}\n  b: {{retrieval: {{{WORDS}, when: after}}}}\n"
    )
    made = [
        ragtune.run(tmp_path / "e.yaml", out=tmp_path / name, store=tmp_path / "store", progress=Silent())
        for name in "ab"
    ]
    assert [r.answer for r in made[0].rows] == [r.answer for r in made[1].rows]
    assert all(r.answer.tokens.before_answer > 0 for r in made[0].rows if r.setup == "b")
    stages = json.loads((tmp_path / "b" / "work.json").read_text())["stages"]
    assert stages["answer"]["computed"] == stages["retrieve"]["computed"] == 0
    assert set(made[0].costs.latency) == {"a", "b"}


@pytest.mark.parametrize(
    ("setup", "why"),
    [
        (
            "{retrieval: {when: after}, generator: {model: extractive}}",
            "needs a generator that answers without contexts, and extractive is none",
        ),
        ("{retrieval: {when: iterative, query: rewrite}}", "query does not: take one of them"),
        ("{retrieval: {when: after, source: oracle}}", "source: oracle does not: take one of them"),
        ("{retrieval: {rounds: 3}}", "rounds has no effect: it needs when: iterative"),
        ("{retrieval: {when: afterwards}}", "'once', 'iterative' or 'after' (given: 'afterwards')"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    setup: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert why in refused(setup, tmp_path, capsys)
