"""A Run as tables: its rows for pandas, its setups for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from ragtune.analysis.summary import Summary
from ragtune.records import Row
from ragtune.store import encode

if TYPE_CHECKING:
    import pandas as pd


def frame(rows: Sequence[Row], metrics: Sequence[str]) -> pd.DataFrame:
    """One row per setup, seed and question: scores as columns (NaN where unscored, with the reason by metric in ``unscored``),
    ``seconds`` of compute in all."""
    import pandas as pd

    return pd.DataFrame([_flat(row) for row in rows]).astype(dict.fromkeys(metrics, "float64"))


def _flat(row: Row) -> dict[str, Any]:
    question, answer = row.question, row.answer
    return {
        "setup": row.setup,
        "seed": row.seed,
        "question_id": question.id,
        "question": question.text,
        "tags": list(question.tags),
        "split": question.split,
        "answer": answer.text,
        "abstained": answer.abstained,
        "citations": list(answer.citations),
        "contexts": list(answer.contexts),
        "dropped": answer.dropped,
        "reference": None if question.answers is None else list(question.answers),
        "evidence": [encode(e) for e in question.evidence],
        "cause": row.cause,
        "finish": answer.finish,
        "confidence": answer.confidence,
        **{m: s.value for m, s in row.scores.items()},
        "unscored": {m: s.reason for m, s in row.scores.items() if s.value is None},
        "prompt_tokens": answer.tokens.prompt,
        "answer_tokens": answer.tokens.answer,
        "seconds": row.times.total,
    }


def in_short(summary: Summary, waiting: Sequence[str] = ()) -> str:
    """A Run in one line."""
    left = f"; still to come: {', '.join(waiting)}" if waiting else ""
    return f"<Run {summary.name}: {', '.join(summary.setups)} on {summary.questions} questions{left}>"


def as_html(summary: Summary, waiting: Sequence[str] = ()) -> str:
    """A Run as a small table: the setups by the core metrics in percent with their 95 % intervals, and the verdict."""
    from ragtune.judging.metrics import METRICS

    shown = [METRICS[m] for m in summary.metrics if m in METRICS and METRICS[m].core]
    head = "".join(f"<th>{escape(m.title)}</th>" for m in shown)
    rows = []
    for name, title in summary.setups.items():
        cells = []
        for metric in shown:
            e = summary.scores[name].get(metric.name)
            known = "–"
            if e is not None and e.mean is not None and e.low is not None and e.high is not None:
                known = f"{100 * e.mean:.1f} <small>[{100 * e.low:.0f}, {100 * e.high:.0f}]</small>"
            cells.append(f"<td>{known}</td>")
        rows.append(f"<tr><th>{escape(title)}</th>{''.join(cells)}</tr>")
    left = f"<p><b>Unfinished.</b> Still to come: {escape(', '.join(waiting))}.</p>" if waiting else ""
    table = f"<table><thead><tr><th>Setup</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f"<p><b>{escape(summary.name)}</b>, {summary.questions} questions</p>{left}{table}<p>{escape(summary.decision.text)}</p>"
