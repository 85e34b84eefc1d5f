"""The local judge on plain cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtune.judging.judge import Judge
from ragtune.judging.local import LocalWitness
from ragtune.judging.metrics import METRICS
from ragtune.judging.settings import JudgeSettings
from ragtune.models.encoder import SentenceEncoder
from ragtune.models.names import resolve
from ragtune.records import Answer, Chunk, Hit, Question, Row, Score

CONTEXTS = (
    "Leave\nFull-time staff have 27 days of leave a year. Five days may be carried over.",
    "Overtime is approved by the duty manager, Ida Moen.",
)
LEAVE = Question("q", "How many days of leave do full-time staff have?", ("27 days",))
NONE = Question("n", "What does the moon cost?", ())


@pytest.fixture(scope="module")
def judge(minilm: SentenceEncoder) -> Judge:
    return made(minilm)


def made(minilm: SentenceEncoder, **settings: object) -> Judge:
    chosen = JudgeSettings.model_validate(settings)
    return Judge(LocalWitness(chosen, minilm), chosen)


def scores(
    judge: Judge,
    answer: str,
    question: Question = LEAVE,
    contexts: tuple[str, ...] = CONTEXTS,
    abstained: bool = False,
) -> dict[str, Score]:
    hits = tuple(Hit(Chunk(f"c{n}", "d", 0, len(t), t), 1.0, n) for n, t in enumerate(contexts, 1))
    said = Answer(answer, hits=hits, outcome="abstained" if abstained else "answered")
    return dict(judge.score([Row("s", 0, question, said)])[0])


def test_a_supported_answer_scores_high_everywhere(judge: Judge) -> None:
    found = scores(judge, "27 days")
    assert list(found) == [m for m, metric in METRICS.items() if "llm" not in metric.needs]
    assert found["faithfulness"].value == 1
    assert "27 days of leave" in scores(judge, "Full-time staff have 27 days.")["faithfulness"].reason
    assert found["context_precision"].value == 1
    assert found["context_recall"].value == 1
    assert found["answer_correctness"].value > 0.9
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
def test_faithfulness_sees_numbers_names_and_negation(judge: Judge, answer: str, faithful: float) -> None:
    assert scores(judge, answer)["faithfulness"].value == faithful


def test_wrong_order_of_contexts_lowers_precision(judge: Judge) -> None:
    assert scores(judge, "27 days", contexts=CONTEXTS[::-1])["context_precision"].value == 0.5
    assert scores(judge, "27 days", contexts=CONTEXTS[1:])["context_precision"].value == 0
    assert scores(judge, "27 days", contexts=CONTEXTS[1:])["context_recall"].value == 0


def test_unscored_always_says_why(judge: Judge) -> None:
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
    assert scores(judge, "I don't know.", abstained=True)["citation_recall"].value is None
    assert scores(judge, "I don't know.", NONE, abstained=True)["abstention"].value == 1
    assert scores(judge, "a rock", NONE)["abstention"].value == 0


@given(
    answer=st.text(max_size=60),
    contexts=st.lists(st.text(max_size=80), max_size=3),
    references=st.lists(st.text(min_size=1, max_size=20), max_size=2),
    abstained=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_any_text_gives_a_share_or_a_reason(
    judge: Judge, answer: str, contexts: list[str], references: list[str], abstained: bool
) -> None:
    found = scores(judge, answer, Question("q", "Why?", tuple(references)), tuple(contexts), abstained)
    for score in found.values():
        assert score.reason if score.value is None else (0 <= score.value <= 1 and math.isfinite(score.value))


def test_cosines_of_unrelated_texts_count_as_none() -> None:
    from ragtune.judging.similarity import Similarity

    class Encoder:
        fingerprint = resolve("bundled:e5-small").fingerprint

        def encode(self, texts: list[str]) -> np.ndarray:  # type: ignore[type-arg]
            return np.array(
                [[1.0, 0.0] if t == "a" else [0.905, 0.4254] if t == "near" else [0.7, 0.714] for t in texts]
            )

    similar = Similarity(Encoder())  # type: ignore[arg-type]
    assert (similar("a", "a"), similar("a", "far")) == (1.0, 0.0)
    assert similar("a", "near") == pytest.approx(0.5)


def test_judging_is_deterministic(judge: Judge, minilm: SentenceEncoder) -> None:
    fresh = made(minilm)
    assert scores(fresh, "27 days a year, roughly speaking") == scores(judge, "27 days a year, roughly speaking")
    assert fresh.key == judge.key != made(minilm, support=0.7).key


OFFICE = (
    "Dogs\nStaff may bring dogs to the office on Fridays. Cats are not allowed in the kitchen.",
    "Scrum\nAgile is the way in which all teams work. The product owner owns the product vision and writes the roadmap.",
    "Visitors\nA badge is required for visits of more than one day.",
    "Kitchen\nThe kitchen is closed on Mondays. Visitors do not know the code.",
)


@pytest.mark.parametrize(
    ("asked", "answer", "faithful"),
    [
        ("May staff bring dogs to the office?", "Yes", 1),
        ("May staff bring dogs to the office?", "No.", 0),
        ("May staff bring dogs to the office?", "Yes, they may.", 1),
        ("May staff bring dogs to the office?", "No, they may not.", 0),
        ("Are cats allowed in the kitchen?", "No", 1),
        ("Aren't cats allowed in the kitchen?", "No", 1),
        ("Aren't cats allowed in the kitchen?", "Yes", 0),
        ("Mayn't staff bring dogs to the office?", "Yes", 1),
        ("Are cats allowed in the kitchen?", "Yes.", 0),
        ("Is a badge required for visits of more than one day?", "Yes, a badge is required.", 1),
        ("Who owns the product vision?", "The product owner", 1),
        ("Who owns the product vision?", "Agile", 0),
        ("On which day may staff bring dogs?", "Fridays", 1),
        ("On which day may staff bring dogs?", "one day", 0),
        ("Is parking free?", "Yes", 0),
        ("Is the kitchen open on Mondays?", "No", 1),
        ("Is the kitchen open on Mondays?", "Yes", 0),
        ("What do visitors not know?", "the code", 1),
    ],
)
def test_a_short_answer_is_faithful_with_its_question(judge: Judge, asked: str, answer: str, faithful: int) -> None:
    found = scores(judge, answer, Question("o", asked, (answer,)), OFFICE)
    assert found["faithfulness"].value == faithful
    assert found["context_recall"].value == faithful
    assert (found["context_precision"].value > 0) == bool(faithful)
