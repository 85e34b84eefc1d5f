"""Answers that people labelled as supported by their contexts or not, or as right by their references or not."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragtune.corpus.cells import as_text
from ragtune.corpus.encodings import decode
from ragtune.corpus.rows import json_lines
from ragtune.errors import CorpusError
from ragtune.records import Answer, Chunk, Hit, Question, Row
from ragtune.store import write_text
from ragtune.text.outcome import abstains

_TRUE = {
    "1",
    "1.0",
    "true",
    "yes",
    "supported",
    "consistent",
    "faithful",
    "fully attributable",
    "entailment",
    "attributable",
    "right",
    "correct",
}
_FALSE = {
    "0",
    "0.0",
    "false",
    "no",
    "unsupported",
    "inconsistent",
    "unfaithful",
    "not fully attributable",
    "generic",
    "neutral",
    "contradiction",
    "hallucinated",
    "wrong",
    "incorrect",
}


@dataclass(frozen=True)
class Labelled:
    """An answer with the contexts it should rest on, or the references it should agree with, and what people said:
    ``supported``, or right. ``group`` names items that belong together."""

    row: Row
    supported: bool
    group: str


def labelled(id: str, question: str, answer: str, contexts: Sequence[str], supported: bool, group: str) -> Labelled:
    """A labelled answer from plain texts; nobody said what its reference is."""
    hits = tuple(
        Hit(Chunk(f"{id}/{n}", f"context {n}", 0, len(text), text), 1.0 / n, n) for n, text in enumerate(contexts, 1)
    )
    return Labelled(Row("", 0, Question(id, question or "?"), Answer(answer, hits=hits)), supported, group)


def judged(id: str, question: str, references: Sequence[str], answer: str, right: bool, group: str) -> Labelled:
    """An answer with its references that people called right or not."""
    said = Answer(answer, outcome="abstained" if abstains(answer) else "answered")
    return Labelled(Row("", 0, Question(id, question, tuple(references)), said), right, group)


def read_labelled(path: Path) -> list[Labelled]:
    """Read JSONL: ``answer``, ``contexts`` (or ``context``), ``label``; optionally ``id``, ``question``, ``group``.

    Raises:
        CorpusError: missing file, bad line, missing column or label, or labels of one class only.
    """
    return _read(path, _supported, "supported or not")


def read_judged(path: Path) -> list[Labelled]:
    """Read JSONL: ``question``, ``references`` (or ``answers``, ``reference``), ``answer``, ``label``; optionally ``id``, ``group``.

    Answers to one question are one group unless the file says otherwise.

    Raises:
        CorpusError: as `read_labelled`.
    """
    return _read(path, _judged, "right or not")


def _read(path: Path, line: Callable[[str, str, dict[str, Any], bool], Labelled], labels: str) -> list[Labelled]:
    if not path.is_file():
        raise CorpusError("this is a folder, not a file." if path.is_dir() else "there is no such file.", where=path)
    found = [
        line(where, str(row.get("id", where.rpartition(":")[2])), row, _label(row, where, labels))
        for where, row in json_lines(path)
    ]
    if not found:
        raise CorpusError("the file holds no labelled answers.", where=path)
    if len({x.supported for x in found}) == 1:
        raise CorpusError(
            f"all {len(found)} labels are of one class.", where=path, fix=f"Agreement needs answers of both: {labels}."
        )
    return found


def _label(row: dict[str, Any], where: str, labels: str) -> bool:
    fix = f"Labels are true or false ({labels})."
    if "label" not in row:
        raise CorpusError('the line has no "label".', where=where, fix=fix)
    label = str(row["label"]).strip().lower()
    if label not in _TRUE | _FALSE:
        raise CorpusError(f'unknown label "{row["label"]}".', where=where, fix=fix)
    return label in _TRUE


def _supported(where: str, id: str, row: dict[str, Any], label: bool) -> Labelled:
    contexts = row.get("contexts", row.get("context"))
    if contexts is None or not isinstance(row.get("answer"), str):
        fix = "For answers labelled right or wrong by references: --metric answer_correctness."
        raise CorpusError('a labelled line needs "answer" and "contexts".', where=where, fix=fix)
    contexts = [contexts] if isinstance(contexts, str) else contexts
    if not isinstance(contexts, list) or not all(isinstance(c, str) for c in contexts):
        raise CorpusError('"contexts" must be a text or a list of texts.', where=where)
    return labelled(id, str(row.get("question", "")), row["answer"], contexts, label, str(row.get("group", "")))


def _judged(where: str, id: str, row: dict[str, Any], label: bool) -> Labelled:
    given = row.get("references", row.get("answers", row.get("reference")))
    texts = [as_text(r) for r in (given if isinstance(given, list) else [given])]
    references = [t for t in texts if t and t.strip()]
    question, answer = row.get("question"), as_text(row.get("answer"))
    if not references or not isinstance(question, str) or not isinstance(answer, str):
        raise CorpusError('a line needs "question", "references" and "answer".', where=where)
    return judged(id, question, references, answer, label, str(row.get("group", question)))


def read_begin(path: Path) -> list[Labelled]:
    """A file of BEGIN (Dziri et al. 2022): *fully attributable* against the rest."""
    if not path.is_file():
        raise CorpusError("this is a folder, not a file." if path.is_dir() else "there is no such file.", where=path)
    text = io.StringIO(decode(path.read_bytes(), path), newline="")
    rows = csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE, restval="")
    if not {"knowledge", "message", "response", "begin_label"} <= set(rows.fieldnames or ()):
        raise CorpusError(
            "this is not a BEGIN file.",
            where=path,
            fix="It needs the columns knowledge, message, response, begin_label.",
        )
    return [
        labelled(
            f"{path.stem}-{n}",
            row["message"],
            row["response"],
            (row["knowledge"],),
            row["begin_label"].strip().lower() == "fully attributable",
            row["knowledge"],
        )
        for n, row in enumerate(rows, 1)
    ]


def write_labelled(rows: Sequence[Labelled], path: Path) -> None:
    lines = [
        {
            "id": r.row.question.id,
            "question": r.row.question.text,
            "answer": r.row.answer.text,
            "contexts": list(r.row.answer.contexts),
            "label": r.supported,
            "group": r.group,
        }
        for r in rows
    ]
    write_text(path, "".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines))
