"""The metrics beside the core ones, each on cases worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ragtune.judging.judge import Item, JudgeSettings
from ragtune.judging.local import LocalJudge
from ragtune.judging.metrics import CORE, METRICS, citations, noise_sensitivity
from ragtune.models.encoder import SentenceEncoder
from ragtune.records import Question, Score
from ragtune.text.overlap import rouge_l

CONTEXTS = (
    "Full-time staff have 27 days of leave a year.",
    "Overtime is approved by the duty manager, Ida Moen.",
    "The car park shuts at 22:00.",
)
LEAVE = Question("q", "How many days of leave do full-time staff have?", ("27 days",))
NONE = Question("n", "What does the moon cost?")


@pytest.fixture(scope="module")
def judge(minilm: SentenceEncoder) -> LocalJudge:
    return LocalJudge(JudgeSettings(), minilm)


def scores(
    judge: LocalJudge,
    answer: str,
    cited: tuple[int, ...] = (),
    question: Question = LEAVE,
    contexts: tuple[str, ...] = CONTEXTS,
) -> dict[str, Score]:
    return dict(judge.judge(Item("k", question, answer, answer == "I don't know.", contexts, cited)))


def test_every_metric_says_what_it_is() -> None:
    for name, metric in METRICS.items():
        assert name == metric.name
        assert all((metric.title, metric.short, metric.meaning, metric.formula, metric.source, metric.unscored)), name
        assert metric.needs <= {"reference", "contexts", "citations"}
    assert len({m.short for m in METRICS.values()}) == len(METRICS)
    assert set(CORE) == {m.name for m in METRICS.values() if m.core}


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ("police killed the gunman", "police kill the gunman", 0.75),  # Lin 2004, example of section 3
        ("the gunman kill police", "police kill the gunman", 0.5),
        ("27 days", "27 days", 1.0),
        ("", "27", 0.0),
        ("北京市", "北京", 0.8),
    ],
)
def test_rouge_l_by_hand(answer: str, reference: str, value: float) -> None:
    assert rouge_l(answer, ["nothing alike", reference]) == pytest.approx(value)


def test_citations_that_carry_the_answer(judge: LocalJudge) -> None:
    right = scores(judge, "Full-time staff have 27 days of leave.", (1,))
    assert (right["citation_recall"].value, right["citation_precision"].value) == (1, 1)
    needless = scores(judge, "Full-time staff have 27 days of leave.", (1, 3))
    assert (needless["citation_recall"].value, needless["citation_precision"].value) == (1, 0.5)
    wrong = scores(judge, "Full-time staff have 27 days of leave.", (3,))
    assert (wrong["citation_recall"].value, wrong["citation_precision"].value) == (0, 0)
    bare = scores(judge, "Full-time staff have 27 days of leave.")
    assert bare["citation_recall"].value == 0
    assert bare["citation_precision"].value is None
    assert "nothing is cited" in bare["citation_precision"].reason
    assert scores(judge, "I don't know.", (1,))["citation_recall"].value is None
    assert scores(judge, "27 days", (9,))["citation_recall"].value == 0  # a number that no context has


def test_a_citation_counts_when_only_the_union_supports() -> None:
    def supports(found: Sequence[str], contexts: Sequence[str]) -> list[bool]:
        return [len(contexts) > 1 for _ in found]

    item = Item("k", LEAVE, "Two things together.", False, CONTEXTS, (1, 2))
    assert citations.recall(item, supports).value == 1
    assert citations.precision(item, supports).value == 1
    assert citations.recall(item, supports, []).value is None


def test_noise_is_what_the_contexts_say_and_the_reference_does_not(judge: LocalJudge) -> None:
    assert scores(judge, "Full-time staff have 27 days of leave.")["noise_sensitivity"].value == 0
    led = scores(judge, "The car park shuts at 22:00.")["noise_sensitivity"]
    assert led.value == 1
    assert "car park" in led.reason
    assert scores(judge, "Penguins fly south in winter.")["noise_sensitivity"].value == 0  # wrong, but made up
    longer = scores(judge, "Every year the full-time staff have all of 27 days of leave.")
    assert longer["noise_sensitivity"].value == 0  # holds the reference, whatever else it says
    half = scores(judge, "Full-time staff have 27 days of leave. The car park shuts at 22:00.")["noise_sensitivity"]
    assert half.value == 0.5
    for found, why in (
        (scores(judge, "x", question=NONE), "no reference"),
        (scores(judge, "x", contexts=()), "no contexts"),
        (scores(judge, "?"), "statement"),
    ):
        assert found["noise_sensitivity"].value is None
        assert why in found["noise_sensitivity"].reason
    assert not noise_sensitivity.METRIC.higher_is_better


def test_precision_without_a_reference_goes_by_the_answer(judge: LocalJudge) -> None:
    name = "context_precision_without_reference"
    assert scores(judge, "The car park shuts at 22:00.")[name].value == pytest.approx(1 / 3)
    assert scores(judge, "The car park shuts at 22:00.", question=NONE)[name].value == pytest.approx(1 / 3)
    assert scores(judge, "I don't know.")[name].value is None
    assert scores(judge, "27 days", contexts=())[name].value is None


def test_extra_metrics_may_be_chosen(minilm: SentenceEncoder) -> None:
    few = LocalJudge(JudgeSettings(extra_metrics=("rouge_l",)), minilm)
    assert list(scores(few, "27 days")) == [*CORE, "rouge_l"]
    assert scores(few, "27 days")["rouge_l"].value == 1
