"""What the page's script reads: every question with every answer, contexts and reasons stored once each."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ragtune.analysis.causes import CAUSES
from ragtune.experiment.folder import Run
from ragtune.judging.metrics import METRICS
from ragtune.records import Question, Row, Score


def script_json(value: Any) -> Markup:
    """JSON that may stand inside a script element: nothing in it can end the element or start another."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)


#: characters of JSON from which the page holds it packed, so that 10,000 questions stay under 10 MB
PACKED_FROM = 1_000_000


@dataclass(frozen=True)
class PageData:
    """The text of the page's data element: JSON, or (``packed``) the same JSON, gzip'd, in base64."""

    text: Markup
    packed: bool = False


def packed(text: Markup) -> PageData:
    """The data as they are, or packed where they are long."""
    if len(text) < PACKED_FROM:
        return PageData(text)
    # fixed time: the same Run makes the same page
    return PageData(Markup(base64.b64encode(gzip.compress(text.encode("utf-8"), mtime=0)).decode("ascii")), True)


class _Distinct:
    """Distinct values by number, so that repeated contexts and reasons are stored once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._at: dict[str, int] = {}

    def add(self, key: str, value: Any) -> int:
        if key not in self._at:
            self._at[key] = len(self.values)
            self.values.append(value)
        return self._at[key]


def page_data(run: Run) -> Markup:
    """The data as JSON; the script's names for its parts are short, since they stand in every answer."""
    setups, metrics = list(run.summary.setups), run.summary.metrics
    contexts, reasons, scores = _Distinct(), _Distinct(), _Distinct()
    answers: dict[str, list[list[Any]]] = {}
    questions: dict[str, Question] = {}
    for row in run.rows:
        questions.setdefault(row.question.id, row.question)
        answers.setdefault(row.question.id, []).append(_answer(row, setups, metrics, contexts, reasons, scores))
    return script_json(
        {
            "name": run.summary.name,
            "run": f"{run.summary.name}/{run.about.corpus.hash[:12]}",  # labels are kept under it
            "setups": list(run.summary.setups.values()),
            "metrics": [METRICS[m].title for m in metrics],
            "keys": list(metrics),
            "causes": {name: title for name, (title, *_) in CAUSES.items()},
            "contexts": contexts.values,
            "reasons": reasons.values,
            "scores": scores.values,  # value and number of the reason: few differ, and they are most of a long list
            "questions": [
                {
                    "id": q.id,
                    "q": q.text,
                    "ref": None if q.answers is None else list(q.answers),
                    "tags": list(q.tags),
                    "ev": [[e.document_id, e.start, e.end] for e in q.spans],
                    "a": answers[q.id],
                }
                for q in questions.values()
            ],
        }
    )


def _answer(
    row: Row, setups: list[str], metrics: tuple[str, ...], contexts: _Distinct, reasons: _Distinct, scores: _Distinct
) -> list[Any]:
    answer, chunks = row.answer, [h.chunk for h in row.answer.hits]
    return [
        setups.index(row.setup),
        row.seed,
        answer.text if answer.outcome != "none" else f"(no answer came: {answer.missing})",
        {"answered": 0, "abstained": 1, "none": 2}[answer.outcome],
        list(answer.citations),
        [contexts.add(c.id, [c.document_id, c.start, c.title, c.text]) for c in chunks],
        [_score(row.scores.get(m), reasons, scores) for m in metrics],
        [
            answer.tokens.prompt + answer.tokens.before_prompt,
            answer.tokens.answer + answer.tokens.before_answer,
        ],
        round(row.times.total, 4),
        answer.dropped,
        answer.finish,
        row.cause,
        answer.thought,
        list(answer.queries),
        answer.examples,
    ]


def _score(score: Score | None, reasons: _Distinct, scores: _Distinct) -> int:
    """The number of the score's value and reason; a metric that was not scored for this answer at all has neither."""
    reason = score.reason if score else ""
    value = round(score.value, 4) if score and score.value is not None else None
    return scores.add(f"{value} {reason}", [value, reasons.add(reason, reason)])
