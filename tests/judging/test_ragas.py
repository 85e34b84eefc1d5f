"""Parity with ragas: the same scripted model, asked over HTTP by our LLM judge and by ragas's own metrics.

Where the two differ by design is listed in `BY_DESIGN`, each with the reason, and tested as such.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from ragtune.judging.judges import make_judge
from ragtune.judging.settings import JudgeSettings
from ragtune.models.encoder import SentenceEncoder
from ragtune.models.names import resolve
from ragtune.records import Answer, Chunk, Hit, Question, Row, Score
from ragtune.store import Store
from tests.servers import Server

pytest.importorskip("ragas")

METRICS = ("faithfulness", "answer_relevance", "context_precision", "context_recall", "answer_correctness")
#: (metric, kind of case) -> why ours differs
BY_DESIGN = {
    (
        "faithfulness",
        "abstains",
    ): "“I don't know” claims nothing; ragas splits it into statements and calls them unsupported",
    ("faithfulness", "rightly abstains"): "the same",
    (
        "answer_relevance",
        "rightly abstains",
    ): "abstaining was right, so there is no answer that could miss the question; ragas says 0",
    (
        "answer_correctness",
        "abstains",
    ): "withholding an answer that the documents hold is 0; ragas gives a share for the words' cosine",
    (
        "answer_correctness",
        "no statement",
    ): "an answer without a statement is unscored; ragas counts it as wholly right",
    (
        "answer_correctness",
        "unclassified",
    ): "a reply that classifies no statement is the judge's failure; ragas counts it as wholly right",
}


@dataclass
class Case:
    """What the model says when asked about one question; the marks (c12k1, c12s0) tell the server what it is asked about."""

    n: int
    kind: str = ""
    statements: int = 2
    verdicts: list[int] = field(default_factory=list)
    useful: list[int] = field(default_factory=list)
    noncommittal: list[int] = field(default_factory=lambda: [0, 0, 0])
    attributed: list[int] = field(default_factory=lambda: [1])
    classes: tuple[int, int, int] = (1, 1, 0)
    answerable: bool = True

    @property
    def item(self) -> Row:
        abstains = "abstains" in self.kind
        answer = (
            f"I don't know about c{self.n}."
            if abstains
            else f"Part one of c{self.n} is {self.n}. Part two of it is blue."
        )
        question = Question(
            f"q{self.n}",
            f"What is c{self.n} about, and how long is it?",
            (f"It is c{self.n}ref and lasts {self.n} days",) * self.answerable,
        )
        texts = [f"Context c{self.n}k{k} speaks of things." for k in range(len(self.useful))]
        hits = tuple(Hit(Chunk(t, "d", 0, len(t), t), 1.0, n) for n, t in enumerate(texts, 1))
        said = Answer(answer, hits=hits, outcome="abstained" if abstains else "answered")
        return Row("s", 0, question, said)


def cases() -> list[Case]:
    rng = Random(7)
    made = []
    for n in range(40):
        statements, contexts = rng.randint(1, 6), rng.choice([0, 1, 2, 3, 5])
        made.append(
            Case(
                n,
                "",
                statements,
                [rng.randint(0, 1) for _ in range(statements)],
                [rng.randint(0, 1) for _ in range(contexts)],
                rng.choice([[0, 0, 0], [0, 1, 0], [1, 1, 1], [1, 0, 1]]),
                [rng.randint(0, 1) for _ in range(rng.randint(1, 4))],
                (rng.randint(0, 3), rng.randint(0, 3), rng.randint(1, 3)),
            )
        )
    made += [Case(40 + i, "abstains", 1, [0], [1, 0], [1, 1, 1], [1], (0, 1, 1)) for i in range(3)]
    made += [
        Case(43 + i, "rightly abstains", 1, [0], [0, 1], [1, 1, 1], [1], (0, 1, 1), answerable=False) for i in range(3)
    ]
    made += [
        Case(46, "no statement", 0, [], [1], [0, 0, 0], [1], (0, 0, 0)),
        Case(47, "unclassified", 2, [1, 1], [1], [0, 0, 0], [1], (0, 0, 0)),
    ]
    return made


class Script:
    """Says for each prompt, ours or ragas's, what its case has been given."""

    def __init__(self, made: list[Case]) -> None:
        self.cases = {c.n: c for c in made}
        self.asked: Counter[tuple[str, int]] = Counter()

    def __call__(self, message: str) -> object:
        body = message.split("Now perform the same with the following input")[-1]
        case = self.cases[int(re.findall(r"\bc(\d+)", body)[-1])]
        statements = [f"Statement c{case.n}s{i}." for i in range(case.statements)]
        if "Break the answer" in message or "fully understandable statements" in message:
            return {"statements": statements}
        if "inferred directly from the context" in message:
            return {"verdicts": [{"reason": "r", "verdict": v} for v in case.verdicts]}
        if "judge the faithfulness of a series" in message:
            return {
                "statements": [
                    {"statement": s, "reason": "r", "verdict": v}
                    for s, v in zip(statements, case.verdicts, strict=True)
                ]
            }
        if "Write the question" in message or "Generate a question for the given answer" in message:
            side = "ours" if "Write the question" in message else "ragas"
            variant = self.asked[side, case.n] % 3
            self.asked[side, case.n] += 1
            asked = ("What is it about?", "How long does the thing last?", "Where is the blue part kept?")[variant]
            return {"question": asked, "noncommittal": case.noncommittal[variant]}
        if "useful in arriving" in message:
            return {"reason": "r", "verdict": case.useful[int(re.findall(rf"c{case.n}k(\d+)", body)[-1])]}
        if "attributed to" in message:
            return {"classifications": [{"statement": "s", "reason": "r", "attributed": a} for a in case.attributed]}
        tp, fp, fn = case.classes
        return {
            name: [{"statement": "s", "reason": "r"}] * count for name, count in (("TP", tp), ("FP", fp), ("FN", fn))
        }


@pytest.fixture(scope="module")
def both(
    minilm: SentenceEncoder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[tuple[Case, dict[str, Score], dict[str, Score]]]]:
    made = cases()
    server = Server(Script(made))
    found: list[dict[str, dict[str, Score]]] = []
    for name in ("llm", "ragas"):
        settings = JudgeSettings(name=name, model="m", endpoint=server.url, concurrency=1, retries=0)
        judge = make_judge(settings, minilm, resolve, Store(tmp_path_factory.mktemp(name)))
        found.append(
            {c.item.question.id: dict(s) for c, s in zip(made, judge.score([c.item for c in made]), strict=True)}
        )
    yield [(c, found[0][c.item.question.id], found[1][c.item.question.id]) for c in made]
    server.http.shutdown()


def same(ours: Score, theirs: Score) -> bool:
    if ours.value is None or theirs.value is None:
        return ours.value is theirs.value
    return abs(ours.value - theirs.value) < 1e-6


@pytest.mark.parametrize("metric", METRICS)
def test_our_llm_judge_agrees_with_ragas(
    both: list[tuple[Case, dict[str, Score], dict[str, Score]]], metric: str
) -> None:
    agreed = 0
    values = set()
    for case, ours, theirs in both:
        if (metric, case.kind) in BY_DESIGN:
            continue
        assert same(ours[metric], theirs[metric]), (case, ours[metric], theirs[metric])
        agreed += 1
        values.add(ours[metric].value)
    assert agreed >= 40
    assert len(values) >= 4  # varied, and not all unscored


@pytest.mark.parametrize(("metric", "kind"), list(BY_DESIGN))
def test_where_we_differ_it_is_by_design(
    both: list[tuple[Case, dict[str, Score], dict[str, Score]]], metric: str, kind: str
) -> None:
    own = [(ours[metric], theirs[metric]) for case, ours, theirs in both if case.kind == kind]
    assert own
    assert all(not same(ours, theirs) for ours, theirs in own), BY_DESIGN[metric, kind]


def test_ragas_never_yields_nan_or_a_traceback(minilm: SentenceEncoder, tmp_path: Path) -> None:
    server = Server(lambda message: "no JSON at all" if "Generate a question" in message else {"statements": []})
    judge = make_judge(
        JudgeSettings(name="ragas", model="m", endpoint=server.url, retries=0), minilm, resolve, Store(tmp_path)
    )
    [found] = judge.score([cases()[1].item])
    assert found["answer_relevance"].value is None
    assert found["answer_relevance"].failed
    assert "could not be read" in found["answer_relevance"].reason
    assert all(s.value is None or 0 <= s.value <= 1 for s in found.values())
    json.dumps({m: s.value for m, s in found.items()}, allow_nan=False)
    server.http.shutdown()
