from __future__ import annotations

import pytest

from ragtune.analysis.causes import CAUSES, Known, cause, ceilings
from ragtune.judging.metrics import METRICS
from ragtune.records import Answer, Chunk, Evidence, Hit, Question, Row, Score
from ragtune.text.agree import agree
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
    scored: float | None = None,
) -> tuple[Row, Known]:
    f1 = token_f1(text, question.answers) if question.answers and not abstained else 0.0
    known = question.answers and not abstained
    right = agree(question.text, question.references, text).probability if known else 0.0
    right = right if scored is None else scored
    scores = {
        "token_f1": Score("token_f1", f1),
        "answer_correctness": Score("answer_correctness", right),
        "faithfulness": Score("faithfulness", faithful),
    }
    answer = Answer(text, (), shown, outcome="abstained" if abstained else "answered")
    known = Known(deep, retrieves, trained, lambda said: said in TEXT.lower())
    return Row("s", 0, question, answer, scores=scores), known


@pytest.mark.parametrize("answers", [("27 days",), ()])
def test_no_answer_is_wrong_whatever_was_asked_and_earns_no_abstention(answers: tuple[str, ...]) -> None:
    question = Question("q", "How many days of leave do staff have?", answers)
    row = Row("s", 0, question, Answer("", (), (GOLD,), outcome="none", finish="content_filter"))
    assert cause(row, Known((GOLD,), True, frozenset(), lambda said: False)) == "no_answer"
    found = METRICS["abstention"].score(None, row)  # type: ignore[arg-type]
    assert (found.value, found.reason) == (0.0, "no answer came")


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
            "",
        ),
        (case("Staff have 27 days of leave", scored=0.2), "form"),  # by a judge that goes by words
        (case("28 days of leave", faithful=0.0), "contradicted"),
        (case("28 days of leave", faithful=1.0), "ignored"),  # one row does not say faithful and contradicted
        (case("the duty manager"), "ignored"),
        (case("purple", faithful=0.0), "unsupported"),
        (case("purple", shown=(), deep=(), retrieves=False), "unsupported"),
        (case("25 days", shown=(), deep=(), retrieves=False, trained=frozenset({"25 days"})), "stale_memory"),
        (case("I don't know.", shown=(), deep=(), retrieves=False, abstained=True), "abstained_answerable"),
        (case("blue", question=Question("n", "What colour is the moon?", ())), "answered_unanswerable"),
        (case("I don't know.", question=Question("n", "What colour is the moon?", ()), abstained=True), ""),
    ],
)
def test_each_wrong_answer_gets_one_cause(made: tuple[Row, Known], expected: str) -> None:
    assert cause(*made) == expected
    assert expected in {"", *CAUSES}


def test_another_number_is_wrong_however_many_words_agree() -> None:
    question = Question("q", "What do biscuits cost?", ("2 euros",))
    assert cause(*case("3 euros", question=question, shown=(OTHER,))) != ""
    assert cause(*case("two euros", question=question, shown=(OTHER,))) == ""


def test_nothing_is_wrong_where_nobody_said_what_is_right() -> None:
    assert cause(*case("blue", question=Question("u", "What colour is the moon?"))) == ""


def test_ceilings_add_up_what_was_lost() -> None:
    def row(name: str, value: float | None) -> Row:
        return Row("s", 0, QUESTION, Answer("x"), scores={"m": Score("m", value)}, cause=name)

    rows = [row("ignored", 0.2), row("ignored", 0.0), row("form", 0.4), row("answered_unanswerable", None)]
    rows += [row("", 1.0)] * 7 + [row("", None)]
    found = ceilings(rows, "m")
    assert [(c.cause, c.count, round(c.adds, 3)) for c in found] == [
        ("ignored", 2, 0.18),
        ("form", 1, 0.06),
        ("answered_unanswerable", 1, 0.0),
    ]
    assert found[0].share == round(2 / 12, 6)
    assert ceilings([row("", 1.0)], "m") == ()
