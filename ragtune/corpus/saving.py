"""Questions as files: JSON lines that `questions.read_questions` reads back as they were."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ragtune.corpus.questions import find_quote, meant
from ragtune.records import Document, Evidence, Question
from ragtune.store import write_text


def row_of(question: Question, documents: Mapping[str, Document]) -> dict[str, Any]:
    """The question as a row: evidence by its quote where that leads to the span, so that it is found again when the text moves."""
    row: dict[str, Any] = {"id": question.id, "question": question.text}
    if question.answers is not None:
        row["answers"] = list(question.answers)
    if question.evidence:
        items = [[_span(s, documents) for s in item.alternatives] for item in question.evidence]
        row["evidence"] = [spans[0] if len(spans) == 1 else {"any": spans} for spans in items]
    row["split"] = question.split
    columns = _columns(question.tags)
    if tags := [t for t in question.tags if t.split(":", 1)[0] not in columns]:
        row["tags"] = tags
    row.update(columns)
    return row


def _columns(tags: Sequence[str]) -> dict[str, str]:
    """The tags ``key:value`` that stand as columns of their own: those behind all others, of one value each."""
    found: dict[str, str] = {}
    keys = [t.split(":", 1)[0] for t in tags]
    for tag in reversed(tags):
        key, sep, value = tag.partition(":")
        plain = key.isidentifier() and not meant(key) and value.strip() == value != ""
        if not sep or not plain or keys.count(key) > 1:
            break
        found[key] = value
    return dict(reversed(found.items()))


def _span(span: Evidence, documents: Mapping[str, Document]) -> dict[str, Any]:
    document = documents[span.document_id]
    if not span.quote and (span.start, span.end) == (0, len(document.text)):
        return {"document": span.document_id}
    quote = document.text[span.start : span.end]
    if find_quote(document.text, quote, span.start) == (span.start, span.end):
        return {"document": span.document_id, "quote": quote, "near": span.start}
    return {"document": span.document_id, "start": span.start, "end": span.end}


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as JSON lines, all or none."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_questions(path: Path, questions: Sequence[Question], documents: Sequence[Document]) -> None:
    """Write questions as a file that `read_questions` reads."""
    by_id = {d.id: d for d in documents}
    write_rows(path, (row_of(q, by_id) for q in questions))
