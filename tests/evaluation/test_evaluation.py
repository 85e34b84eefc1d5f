from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtune.evaluation.judge import Item, JudgeSettings
from ragtune.evaluation.local_judge import LocalJudge
from ragtune.evaluation.metrics import METRICS
from ragtune.evaluation.statements import statements
from ragtune.evaluation.statistics import difference, estimate, interval
from ragtune.evaluation.text import exact_match, normalise_answer, token_f1
from ragtune.models.encoder import SentenceEncoder
from ragtune.records import Question

CONTEXTS = ("Leave\nFull-time staff have 27 days of leave a year. Five days may be carried over.", "Overtime is approved by the duty manager, Ida Moen.")
LEAVE = Question("q", "How many days of leave do full-time staff have?", ("27 days",))
NONE = Question("n", "What does the moon cost?")


@pytest.fixture(scope="module")
def judge(minilm: SentenceEncoder) -> LocalJudge:
    return LocalJudge(JudgeSettings(), minilm)


def scores(judge: LocalJudge, answer: str, question: Question = LEAVE, contexts: tuple[str, ...] = CONTEXTS, abstained: bool = False):  # type: ignore[no-untyped-def]
    item = Item("k", question, answer, abstained, contexts)
    judge.prepare([item])
    return judge.judge(item)


# --- text ----------------------------------------------------------------------------------------------------


def test_squad_normalising_and_f1_by_hand() -> None:
    assert normalise_answer("The  Duty-Manager!") == "dutymanager"
    assert exact_match("27 Days.", ["x", "27 days"]) == 1
    assert token_f1("about 27 days", ["27 days"]) == pytest.approx(0.8)
    assert token_f1("", ["27"]) == 0
    assert token_f1("北京市", ["北京"]) == pytest.approx(0.8)


@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=3))
def test_f1_is_a_share_and_symmetric(answer: str, references: list[str]) -> None:
    value = token_f1(answer, references)
    assert 0 <= value <= 1
    assert exact_match(answer, references) <= value + 1e-9 or not normalise_answer(answer)
    for reference in references:
        assert token_f1(answer, [reference]) == pytest.approx(token_f1(reference, [answer]))


def test_statements_split_sentences_and_long_clauses() -> None:
    assert statements("Staff have 27 days. Five may be carried.") == ["Staff have 27 days.", "Five may be carried."]
    assert len(statements("The duty manager approves all overtime, and the events lead signs for events here.")) == 2
    assert statements("27 days") == ["27 days"]
    assert statements("...") == []


# --- judge ---------------------------------------------------------------------------------------------------


def test_a_supported_answer_scores_high_everywhere(judge: LocalJudge) -> None:
    found = scores(judge, "27 days")
    assert list(found) == list(METRICS)
    assert found["faithfulness"].value == 1
    assert "27 days of leave" in found["faithfulness"].reason
    assert found["context_precision"].value == 1
    assert found["context_recall"].value == 1
    assert found["answer_correctness"].value == pytest.approx(1, abs=1e-3)
    assert found["abstention"].value == 1


@pytest.mark.parametrize(
    ("answer", "faithful"),
    [
        ("Full-time staff have 27 days of leave a year.", 1),
        ("Full-time staff have 35 days of leave a year.", 0),  # number changed
        ("Overtime is approved by the duty manager, Tor Lie.", 0),  # name swapped
        ("Overtime is not approved by the duty manager, Ida Moen.", 0),  # negated
        ("Penguins fly south in winter.", 0),
        ("Full-time staff have 27 days of leave a year. Penguins fly south in winter.", 0.5),
    ],
)
def test_faithfulness_sees_numbers_names_and_negation(judge: LocalJudge, answer: str, faithful: float) -> None:
    assert scores(judge, answer)["faithfulness"].value == faithful


def test_wrong_order_of_contexts_lowers_precision(judge: LocalJudge) -> None:
    assert scores(judge, "27 days", contexts=CONTEXTS[::-1])["context_precision"].value == 0.5
    assert scores(judge, "27 days", contexts=CONTEXTS[1:])["context_precision"].value == 0
    assert scores(judge, "27 days", contexts=CONTEXTS[1:])["context_recall"].value == 0


def test_unscored_always_says_why(judge: LocalJudge) -> None:
    for found in (
        scores(judge, "27 days", contexts=()),
        scores(judge, "I don't know.", abstained=True),
        scores(judge, "a rock", NONE),
        scores(judge, "", NONE, (), True),
        scores(judge, "?!"),
    ):
        for score in found.values():
            assert score.value is None or 0 <= score.value <= 1
            assert score.scored or score.reason
    assert scores(judge, "I don't know.", abstained=True)["answer_relevance"].value == 0
    assert scores(judge, "I don't know.", NONE, abstained=True)["abstention"].value == 1
    assert scores(judge, "a rock", NONE)["abstention"].value == 0


@given(
    answer=st.text(max_size=60),
    contexts=st.lists(st.text(max_size=80), max_size=3),
    references=st.lists(st.text(min_size=1, max_size=20), max_size=2),
    abstained=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_any_text_gives_a_share_or_a_reason(judge: LocalJudge, answer: str, contexts: list[str], references: list[str], abstained: bool) -> None:
    found = scores(judge, answer, Question("q", "Why?", tuple(references)), tuple(contexts), abstained)
    for score in found.values():
        assert score.reason if score.value is None else (0 <= score.value <= 1 and math.isfinite(score.value))


def test_judging_is_deterministic(judge: LocalJudge, minilm: SentenceEncoder) -> None:
    fresh = LocalJudge(JudgeSettings(), minilm)
    assert scores(fresh, "27 days a year, roughly speaking") == scores(judge, "27 days a year, roughly speaking")
    assert fresh.key == judge.key != LocalJudge(JudgeSettings(support=0.5), minilm).key


# --- statistics ----------------------------------------------------------------------------------------------


def test_estimates_count_unscored_and_average_seeds() -> None:
    made = estimate([("a", 1.0), ("a", 0.0), ("b", 1.0), ("c", None)])
    assert (made.mean, made.n, made.unscored) == (0.75, 2, 1)
    assert made.low <= 0.75 <= made.high  # type: ignore[operator]
    assert estimate([("a", None)]).mean is None
    assert estimate([("a", 0.5)]).low == 0.5


def test_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        low, high = interval(rng.binomial(1, 0.7, 120).astype(float), trial)
        covered += low <= 0.7 <= high
    assert covered >= 180


def test_differences_are_paired() -> None:
    a = {str(i): float(i % 2) for i in range(40)}
    b = {k: v + 0.25 for k, v in a.items()} | {"other": 9.0}
    d = difference("a", "b", "m", a, b)
    assert (d.mean, d.low, d.high, d.n, d.wins, d.losses) == (0.25, 0.25, 0.25, 40, 40, 0)
    assert d.shown
    assert difference("a", "b", "m", a, {}).n == 0
    assert not difference("a", "b", "m", a, a).shown
