"""Questions as a spreadsheet and back without loss; and lists of questions and answers from elsewhere, joined to a corpus."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ragtune.corpus.cells import as_text, is_nothing
from ragtune.corpus.found import FOUND, EvidenceFinder
from ragtune.corpus.questions import parse
from ragtune.corpus.rows import folded, known, read_rows
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
    "question": ("user_input", "query", "prompt", "q"),
    "answers": ("answer", "reference", "ground_truth", "expected", "expected_answer", "a"),
}


@dataclass(frozen=True)
class Attached:
    """Questions joined to a corpus: so many ``added``, changed (``replaced``), and the ``same`` as before. ``found``: with evidence that
    search found; ``without``: answerable, and none was found."""

    questions: tuple[Question, ...]
    added: int
    replaced: int
    same: int
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
    more = list(dict.fromkeys(name for row in rows for name in row if name not in OURS))
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
        found["answers"] = _joined(row["answers"]) or NONE
    found["tags"] = _joined(row.get("tags", []))
    found["evidence"] = json.dumps(row["evidence"], ensure_ascii=False) if "evidence" in row else ""
    return found


def _joined(texts: Sequence[str]) -> str:
    """Several texts in one cell; as a JSON list where a text holds what would part it."""
    plain = all(JOINT not in t and ";" not in t and not t.startswith("[") and t == t.strip() for t in texts)
    return f" {JOINT} ".join(texts) if plain else json.dumps(list(texts), ensure_ascii=False)


def _parted(cell: str, *marks: str) -> list[str]:
    """The texts of one cell, as `_joined` joins them, or parted by one of ``marks``."""
    if cell.strip().startswith("["):
        try:
            told = read_json(cell)
        except ValueError:
            told = None
        if isinstance(told, list) and all(isinstance(t, str) for t in told):
            return told
    for mark in marks:
        if mark in cell:
            return [t.strip() for t in cell.split(mark) if t.strip()]
    return [cell.strip()] if cell.strip() else []


def _xlsx(path: Path, table: Sequence[Sequence[str]]) -> None:
    from openpyxl import Workbook
    from openpyxl.utils.exceptions import IllegalCharacterError

    book = Workbook()
    sheet = book.active
    try:
        for n, row in enumerate(table, 1):
            for column, value in enumerate(row, 1):
                if len(value) > 32_767:
                    raise CorpusError(
                        "a cell would hold over 32,767 characters, which XLSX cannot.", where=path, fix="Use .csv."
                    )
                cell = sheet.cell(n, column, value or None)
                cell.number_format = "@"  # a text, also when it is edited: "=SUM(A1)", "007"
                cell.data_type = "s" if value else "n"
    except IllegalCharacterError:
        raise CorpusError(
            "a question holds a control character, which XLSX cannot.", where=path, fix="Use .csv."
        ) from None
    sheet.freeze_panes = "A2"
    aside = path.with_name(f".{path.name}.part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        book.save(aside)
        aside.replace(path)


def read_sheet(
    path: Path, documents: Sequence[Document], split: str, known_questions: Sequence[Question] = ()
) -> tuple[list[Question], int, int]:
    """(questions of a list, how many got evidence by search, for how many none was found).

    A row is one of ``known_questions`` by its id, or without one by its text: what it has no column for stays as it was. Of others
    evidence is searched for where the row gives none.

    Raises:
        CorpusError: a row has no question or does not fit the documents, two rows have one id, or an id looks like a known one that a
            spreadsheet program has shortened.
    """
    if not path.is_file():
        raise CorpusError("there is no such file.", where=path)
    by_id, mine = {d.id: d for d in documents}, {q.id: q for q in known_questions}
    by_text = {" ".join(q.text.split()): q for q in known_questions}
    finder: EvidenceFinder | None = None
    names, found, without = set(mine), 0, 0
    made: dict[str, Question] = {}
    rows = read_rows(path)
    columns = {folded(c) for c in rows.columns}
    for where, raw in rows.rows:
        row = _plain(raw, where, columns)
        if row is None:
            continue
        was = (
            mine.get(row.get("id", "")) if "id" in row else by_text.get(" ".join(str(row.get("question", "")).split()))
        )
        if was:
            row = {**{k: v for k, v in row_of(was, by_id).items() if folded(k) not in columns}, **row, "id": was.id}
        row.setdefault("split", split)
        if "id" in row and not was:
            _refuse_shortened(row["id"], mine, where)
        if "id" not in row:
            row["id"] = next(n for n in (f"q{i:04}" for i in range(1, 10**6)) if n not in names)
        if row["id"] in made:
            raise CorpusError(
                f'question id "{row["id"]}" stands twice.', where=where, fix="Give each question its own id."
            )
        names.add(row["id"])
        question = parse(row, by_id, where)
        if question.answerable and not question.evidence and not was:
            finder = finder or EvidenceFinder(documents)
            span = finder.find(question.text, question.references)
            found, without = found + bool(span), without + (span is None)
            if span:
                question = replace(question, evidence=(span,), tags=(*question.tags, FOUND))
        made[question.id] = question
    if not made:
        raise CorpusError("the file holds no question.", where=path)
    return list(made.values()), found, without


def _refuse_shortened(name: str, mine: Mapping[str, Question], where: str) -> None:
    """Refuse an id that is a known one without its leading zeros."""
    if name.isdigit() and (near := next((n for n in mine if n.isdigit() and int(n) == int(name)), None)):
        raise CorpusError(
            f'id "{name}" is not known, but "{near}" is: a spreadsheet program has taken it for a number.',
            where=where,
            fix="Make the column a text, or mend the id.",
        )


def _plain(raw: Mapping[str, Any], where: str, columns: Set[str]) -> dict[str, Any] | None:
    """A row of a list as a row of questions.jsonl; None where it is blank. Names that others use count where ours is no column."""
    row = {k: v for k, v in known(raw, OURS).items() if not is_nothing(v) and v != ""}
    if not row:
        return None
    for ours, theirs in _THEIRS.items():
        if ours not in columns and (name := next((n for n in theirs if n in columns), None)):
            row = {(ours if folded(k) == name else k): v for k, v in row.items()}
    if not as_text(row.get("question")):
        raise CorpusError(
            'this row has no "question".',
            where=where,
            fix=f"Name the column question or {' or '.join(_THEIRS['question'][:2])}.",
        )
    answers = row.get("answers")
    if isinstance(answers, str):
        row["answers"] = [] if answers.strip() == NONE else _parted(answers, JOINT)
    elif answers is not None and not isinstance(answers, list):
        row["answers"] = [as_text(answers) or ""]
    if isinstance(row.get("tags"), str):
        row["tags"] = _parted(row["tags"], JOINT, ";")
    if isinstance(row.get("evidence"), str):
        try:
            row["evidence"] = read_json(row["evidence"])
        except ValueError:
            raise CorpusError(
                '"evidence" is not the JSON that it was written as.',
                where=where,
                fix="Leave the column as it was, or empty it.",
            ) from None
    return {**row, "id": as_text(row["id"])} if "id" in row else row


def attach(known_questions: Sequence[Question], path: Path, documents: Sequence[Document], split: str) -> Attached:
    """The corpus's questions with those of a list: one that is known takes its place, others are added."""
    new, found, without = read_sheet(path, documents, split, known_questions)
    merged = {q.id: q for q in known_questions}
    same = sum(merged.get(q.id) == q for q in new)
    replaced = sum(q.id in merged for q in new) - same
    merged.update((q.id, q) for q in new)
    return Attached(tuple(merged.values()), len(new) - replaced - same, replaced, same, found, without)
