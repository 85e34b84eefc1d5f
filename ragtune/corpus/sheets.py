"""Questions as a spreadsheet and back without loss; and lists of questions and answers from elsewhere, joined to a corpus."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ragtune.corpus.cells import as_text, is_nothing
from ragtune.corpus.found import FOUND, EvidenceFinder
from ragtune.corpus.questions import parse
from ragtune.corpus.rows import known, read_rows
from ragtune.corpus.saving import row_of
from ragtune.errors import CorpusError
from ragtune.records import Document, Question
from ragtune.store import write_text, writing
from ragtune.text.data import read_json

#: parts several answers in one cell, and tags
JOINT = "||"
#: cell of a question that the documents do not answer; an empty cell: nobody said
NONE = "[]"
OURS = ("id", "question", "answers", "split", "tags", "evidence")
#: what other lists call them
_THEIRS = {
    "question": ("question", "user_input", "query", "prompt", "q"),
    "answers": ("answers", "answer", "reference", "ground_truth", "expected", "expected_answer", "a"),
}


@dataclass(frozen=True)
class Attached:
    """Questions joined to a corpus. ``found``: with evidence that search found; ``without``: answerable, and none was found."""

    questions: tuple[Question, ...]
    added: int
    replaced: int
    found: int
    without: int


def write_sheet(path: Path, questions: Sequence[Question], documents: Sequence[Document]) -> None:
    """Write questions as CSV or XLSX: a column each, evidence as JSON, other columns as they are.

    Raises:
        CorpusError: the suffix is neither, or a file stands there.
    """
    if path.exists():
        raise CorpusError("there is a file here already; it is not overwritten.", where=path, fix="Name another.")
    by_id = {d.id: d for d in documents}
    rows = [_cells(row_of(q, by_id)) for q in questions]
    more = sorted({name for row in rows for name in row} - set(OURS))
    table = [[*OURS, *more], *([row.get(name, "") for name in (*OURS, *more)] for row in rows)]
    if path.suffix.lower() == ".csv":
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(table)
        write_text(path, "\ufeff" + out.getvalue())  # Excel takes it for UTF-8 by this
    elif path.suffix.lower() == ".xlsx":
        _xlsx(path, table)
    else:
        raise CorpusError(f'a sheet is .csv or .xlsx, not "{path.suffix}".', where=path)


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    """A row as texts; answers and tags in one cell."""
    found = {k: str(v) for k, v in row.items() if k not in ("answers", "tags", "evidence")}
    if "answers" in row:
        found["answers"] = f" {JOINT} ".join(row["answers"]) or NONE
    found["tags"] = f" {JOINT} ".join(row.get("tags", []))
    found["evidence"] = json.dumps(row["evidence"], ensure_ascii=False) if "evidence" in row else ""
    return found


def _xlsx(path: Path, table: Sequence[Sequence[str]]) -> None:
    from openpyxl import Workbook
    from openpyxl.utils.exceptions import IllegalCharacterError

    book = Workbook()
    sheet = book.active
    try:
        for n, row in enumerate(table, 1):
            for column, value in enumerate(row, 1):
                cell = sheet.cell(n, column, value or None)
                cell.data_type = "s" if value else "n"  # "=SUM(A1)" and "0123" are texts
    except IllegalCharacterError:
        raise CorpusError(
            "a question holds a control character, which XLSX cannot.", where=path, fix="Use .csv."
        ) from None
    sheet.freeze_panes = "A2"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        book.save(path)


def read_sheet(
    path: Path, documents: Sequence[Document], split: str, taken: Sequence[str] = ()
) -> tuple[list[Question], int, int]:
    """(questions of a list, how many got evidence by search, for how many none was found). Rows with evidence keep theirs.

    Rows without an id get one that is not ``taken``.

    Raises:
        CorpusError: a row has no question, or does not fit the documents.
    """
    if not path.is_file():
        raise CorpusError("there is no such file.", where=path)
    by_id = {d.id: d for d in documents}
    finder: EvidenceFinder | None = None
    names, found, without, made = set(taken), 0, 0, []
    for where, raw in read_rows(path).rows:
        row = _plain(raw, where, split)
        if row is None:
            continue
        if "id" not in row:
            row["id"] = next(n for n in (f"q{i:04}" for i in range(1, 10**6)) if n not in names)
        names.add(row["id"])
        question = parse(row, by_id, where)
        if question.answerable and not question.evidence:
            finder = finder or EvidenceFinder(documents)
            span = finder.find(question.text, question.references)
            found, without = found + bool(span), without + (span is None)
            if span:
                question = replace(question, evidence=(span,), tags=(*question.tags, FOUND))
        made.append(question)
    if not made:
        raise CorpusError("the file holds no question.", where=path)
    return made, found, without


def _plain(raw: Mapping[str, Any], where: str, split: str) -> dict[str, Any] | None:
    """A row of a list as a row of questions.jsonl; None where it is blank."""
    row = {
        k: v
        for k, v in known(raw, [*OURS, *(n for names in _THEIRS.values() for n in names)]).items()
        if not is_nothing(v) and v != ""
    }
    if not row:
        return None
    for ours, theirs in _THEIRS.items():
        name = next((n for n in theirs if n in row), None)
        if name and name != ours:
            row[ours] = row.pop(name)
        for other in theirs:
            if other != ours:
                row.pop(other, None)
    if not as_text(row.get("question")):
        raise CorpusError(
            'this row has no "question".', where=where, fix=f"Name the column {' or '.join(_THEIRS['question'][:3])}."
        )
    answers = row.get("answers")
    if isinstance(answers, str):
        row["answers"] = [] if answers.strip() == NONE else [a.strip() for a in answers.split(JOINT) if a.strip()]
    elif answers is not None and not isinstance(answers, list):
        row["answers"] = [as_text(answers) or ""]
    if isinstance(row.get("tags"), str):
        row["tags"] = [t.strip() for t in row["tags"].replace(";", JOINT).split(JOINT) if t.strip()]
    if isinstance(row.get("evidence"), str):
        try:
            row["evidence"] = read_json(row["evidence"])
        except ValueError:
            raise CorpusError(
                '"evidence" is not the JSON that it was written as.',
                where=where,
                fix="Leave the column as it was, or empty it.",
            ) from None
    return {**row, "id": as_text(row["id"])} if "id" in row else {**row, "split": row.get("split") or split}


def attach(known_questions: Sequence[Question], path: Path, documents: Sequence[Document], split: str) -> Attached:
    """The corpus's questions with those of a list: one whose id is known takes its place, others are added."""
    new, found, without = read_sheet(path, documents, split, [q.id for q in known_questions])
    merged = {q.id: q for q in known_questions}
    replaced = sum(q.id in merged for q in new)
    merged.update((q.id, q) for q in new)
    return Attached(tuple(merged.values()), len(new) - replaced, replaced, found, without)
