from __future__ import annotations

import pytest

from ragtune.analysis.causes import CAUSES, Case, cause, ceilings
from ragtune.records import Answer, Chunk, Evidence, Hit, Question, Score
from ragtune.text.overlap import token_f1

TEXT = "Overtime is approved by the duty manager. Staff have 27 days of leave a year."
QUESTION = Question("q", "How many days of leave do staff have?", ("27 days",), (Evidence("d", 42, 77),))
GOLD = Hit(Chunk("c", "d", 0, len(TEXT), TEXT), 1.0, 1)
OTHER = Hit(Chunk("o", "e", 0, 20, "Tea is at 15:30 now."), 0.5, 2)


def case(
    text: str,
    *,
    question: Question = QUESTION,
    shown: tuple[Hit, ...] = (GOLD,),
    deep: tuple[Hit, ...] = (GOLD, OTHER),
    abstained: bool = False,
    faithful: float | None = 1.0,
    trained: frozenset[str] = frozenset(),
    retrieves: bool = True,
) -> Case:
    f1 = token_f1(text, question.answers) if question.answers and not abstained else 0.0
    scores = {
        "token_f1": Score("token_f1", f1),
        "answer_correctness": Score("answer_correctness", f1),
        "faithfulness": Score("faithfulness", faithful),
    }
    answer = Answer(text, (), shown, 0, abstained)
    return Case(question, answer, scores, deep, retrieves, trained, lambda said: said in TEXT.lower(), lambda a, b: 0.0)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (case("27 days"), ""),
        (case("27 days", shown=(OTHER,)), ""),
        (case("12 weeks", shown=(OTHER,), deep=(OTHER,)), "not_retrieved"),
        (case("12 weeks", shown=(OTHER,)), "ranked_out"),
        (case("I don't know.", abstained=True), "abstained_answerable"),
        (case("I don't know.", abstained=True, shown=(OTHER,)), "ranked_out"),
        (
            case("Staff who work full time have as many as 27 days of leave in any given year, carried over or not"),
            "form",
        ),
        (case("28 days of leave"), "contradicted"),
        (case("the duty manager"), "ignored"),
        (case("purple", faithful=0.0), "unsupported"),
        (case("purple", shown=(), deep=(), retrieves=False), "unsupported"),
        (case("25 days", shown=(), deep=(), retrieves=False, trained=frozenset({"25 days"})), "stale_memory"),
        (case("I don't know.", shown=(), deep=(), retrieves=False, abstained=True), "abstained_answerable"),
        (case("blue", question=Question("n", "What colour is the moon?")), "answered_unanswerable"),
        (case("I don't know.", question=Question("n", "What colour is the moon?"), abstained=True), ""),
    ],
)
def test_each_wrong_answer_gets_one_cause(made: Case, expected: str) -> None:
    assert cause(made) == expected
    assert expected in {"", *CAUSES}


def test_another_number_is_wrong_however_many_words_agree() -> None:
    question = Question("q", "What do biscuits cost?", ("2 euros",))
    assert cause(case("3 euros", question=question, shown=(OTHER,))) != ""
    assert cause(case("two euros", question=question, shown=(OTHER,))) == ""


def test_ceilings_add_up_what_was_lost() -> None:
    found = ceilings([("ignored", 0.2), ("ignored", 0.0), ("form", 0.4), ("answered_unanswerable", None)], 12, 10)
    assert [(f["cause"], f["count"], round(f["adds"], 3)) for f in found] == [
        ("ignored", 2, 0.18),
        ("form", 1, 0.06),
        ("answered_unanswerable", 1, 0.0),
    ]
    assert found[0]["share"] == round(2 / 12, 6)
    assert ceilings([], 10, 10) == []
