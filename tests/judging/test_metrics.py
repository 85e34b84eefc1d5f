"""The metrics beside the core ones, each on cases worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ragtune.judging.judge import Judge
from ragtune.judging.local import LocalWitness
from ragtune.judging.metrics import METRICS, citations, noise_sensitivity
from ragtune.judging.settings import JudgeSettings
from ragtune.judging.witness import Support
from ragtune.models.encoder import SentenceEncoder
from ragtune.records import Answer, Chunk, Hit, Question, Row, Score
from ragtune.text.overlap import rouge_l

CONTEXTS = (
    "Full-time staff have 27 days of leave a year.",
    "Overtime is approved by the duty manager, Ida Moen.",
    "The car park shuts at 22:00.",
)
LEAVE = Question("q", "How many days of leave do full-time staff have?", ("27 days",))
NONE = Question("n", "What does the moon cost?", ())
UNKNOWN = Question("u", "What does the moon cost?")


@pytest.fixture(scope="module")
def judge(minilm: SentenceEncoder) -> Judge:
    return Judge(LocalWitness(JudgeSettings(), minilm), JudgeSettings())


def row(
    answer: str, cited: tuple[int, ...] = (), question: Question = LEAVE, contexts: tuple[str, ...] = CONTEXTS
) -> Row:
    hits = tuple(Hit(Chunk(f"c{n}", "d", 0, len(t), t), 1.0, n) for n, t in enumerate(contexts, 1))
    away = answer == "I don't know."
    return Row("s", 0, question, Answer(answer, cited, hits, outcome="abstained" if away else "answered"))


def scores(
    judge: Judge,
    answer: str,
    cited: tuple[int, ...] = (),
    question: Question = LEAVE,
    contexts: tuple[str, ...] = CONTEXTS,
) -> dict[str, Score]:
    return dict(judge.score([row(answer, cited, question, contexts)])[0])


def test_every_metric_says_what_it_is() -> None:
    for name, metric in METRICS.items():
        assert name == metric.name
        assert all((metric.title, metric.short, metric.meaning, metric.formula, metric.source, metric.unscored)), name
        assert metric.needs <= {"reference", "contexts", "citations", "llm"}
    assert len({m.short for m in METRICS.values()}) == len(METRICS)


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


def test_citations_that_carry_the_answer(judge: Judge) -> None:
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


def test_a_citation_counts_when_only_the_union_supports(minilm: SentenceEncoder) -> None:
    class Union(LocalWitness):
        def supports(self, said: Sequence[str], contexts: Sequence[str], *_: object) -> list[Support]:  # type: ignore[override]
            return [Support(s, 1.0, len(contexts) > 1) for s in said]

    witness, cites = Union(JudgeSettings(), minilm), row("Two things together.", (1, 2))
    assert citations.recall(witness, cites).value == 1
    assert citations.precision(witness, cites).value == 1
    assert citations.recall(witness, row("?!", (1, 2))).value is None


def test_what_nobody_said_is_unscored_and_what_must_abstain_is_scored(judge: Judge) -> None:
    unknown, none = scores(judge, "a rock", question=UNKNOWN), scores(judge, "a rock", question=NONE)
    needing = [m for m, metric in METRICS.items() if "reference" in metric.needs]
    assert {unknown[m].reason for m in needing} == {"no reference was given"}
    assert all(unknown[m].value is None for m in needing)
    assert (none["abstention"].value, none["answer_correctness"].value) == (0, None)


def test_noise_is_what_the_contexts_say_and_the_reference_does_not(judge: Judge) -> None:
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


def test_precision_without_a_reference_goes_by_the_answer(judge: Judge) -> None:
    name = "context_precision_without_reference"
    assert scores(judge, "The car park shuts at 22:00.")[name].value == pytest.approx(1 / 3)
    assert scores(judge, "The car park shuts at 22:00.", question=NONE)[name].value == pytest.approx(1 / 3)
    assert scores(judge, "I don't know.")[name].value is None
    assert scores(judge, "27 days", contexts=())[name].value is None


def test_extra_metrics_may_be_chosen(minilm: SentenceEncoder) -> None:
    settings = JudgeSettings(extra_metrics=("rouge_l",))
    few = Judge(LocalWitness(settings, minilm), settings)
    assert list(scores(few, "27 days")) == [
        *(m.name for m in METRICS.values() if m.core and "llm" not in m.needs),
        "rouge_l",
    ]
    assert scores(few, "27 days")["rouge_l"].value == 1
