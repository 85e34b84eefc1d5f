"""Answers that people labelled as supported or not: reading and writing them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ragtune.corpus.formats import json_lines
from ragtune.errors import CorpusError
from ragtune.records import Answer, Chunk, Hit, Question, Row
from ragtune.store import write_text

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
}


@dataclass(frozen=True)
class Labelled:
    """An answer with the contexts it should rest on, and what people said. ``group`` names items that belong together."""

    row: Row
    supported: bool
    group: str


def labelled(id: str, question: str, answer: str, contexts: Sequence[str], supported: bool, group: str) -> Labelled:
    """A labelled answer from plain texts; nobody said what its reference is."""
    hits = tuple(
        Hit(Chunk(f"{id}/{n}", f"context {n}", 0, len(text), text), 1.0 / n, n) for n, text in enumerate(contexts, 1)
    )
    return Labelled(Row("", 0, Question(id, question or "?"), Answer(answer, hits=hits)), supported, group)


def read_labelled(path: Path) -> list[Labelled]:
    """Read JSONL: ``answer``, ``contexts`` (or ``context``), ``label``; optionally ``id``, ``question``, ``group``.

    Raises:
        CorpusError: missing file, bad line, missing column or label, or labels of one class only.
    """
    if not path.is_file():
        raise CorpusError("there is no such file.", where=path)
    found = []
    for where, row in json_lines(path):
        contexts = row.get("contexts", row.get("context"))
        if contexts is None or not isinstance(row.get("answer"), str):
            raise CorpusError('a labelled line needs "answer" and "contexts".', where=where)
        contexts = [contexts] if isinstance(contexts, str) else contexts
        if "label" not in row:
            raise CorpusError(
                'the line has no "label".', where=where, fix="Labels are true or false (supported or not)."
            )
        label = str(row["label"]).strip().lower()
        if label not in _TRUE | _FALSE:
            raise CorpusError(
                f'unknown label "{row["label"]}".', where=where, fix="Labels are true or false (supported or not)."
            )
        found.append(
            labelled(
                str(row.get("id", where.rpartition(":")[2])),
                str(row.get("question", "")),
                row["answer"],
                tuple(map(str, contexts)),
                label in _TRUE,
                str(row.get("group", "")),
            )
        )
    if not found:
        raise CorpusError("the file holds no labelled answers.", where=path)
    if len({x.supported for x in found}) == 1:
        raise CorpusError(
            f"all {len(found)} labels are of one class.",
            where=path,
            fix="Agreement needs supported and unsupported answers.",
        )
    return found


def read_begin(path: Path) -> list[Labelled]:
    """A file of BEGIN (Dziri et al. 2022): *fully attributable* against the rest."""
    rows = csv.DictReader(io.StringIO(path.read_text("utf-8")), delimiter="\t", quoting=csv.QUOTE_NONE)
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
