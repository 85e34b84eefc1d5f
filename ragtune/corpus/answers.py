"""Reading answers of any system: JSONL, JSON, CSV, Parquet or XLSX, with our columns or RAGAS's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ragtune.corpus.cells import as_text, is_nothing, listed
from ragtune.corpus.rows import folded, read_rows
from ragtune.errors import CorpusError
from ragtune.records import Question

#: our column -> other names for it (RAGAS 0.4 and earlier first)
COLUMNS: dict[str, tuple[str, ...]] = {
    "question": ("user_input", "query", "input", "prompt"),
    "answer": ("response", "output", "prediction", "generated_answer"),
    "contexts": ("retrieved_contexts", "context", "passages", "documents"),
    "reference": ("references", "ground_truth", "ground_truths", "answers", "reference_answer", "expected"),
    "id": ("question_id", "qid"),
    "tags": ("tag",),
    "unanswerable": ("is_impossible",),
    "document": ("document_id",),
}
REQUIRED = ("question", "answer")


@dataclass(frozen=True)
class GivenAnswer:
    """One answer to score. ``references`` is empty where none was given; ``unanswerable`` says that there is none to give."""

    id: str
    question: str
    answer: str
    contexts: tuple[str, ...]
    references: tuple[str, ...]
    tags: tuple[str, ...]
    unanswerable: bool
    document: str

    @property
    def record(self) -> Question:
        """The question that was asked; its answers are None where the file holds no reference."""
        tags = (*self.tags, "unanswerable") if self.unanswerable else self.tags
        answers = () if self.unanswerable else self.references or None
        return Question(self.id, self.question, answers, (), "test", tuple(dict.fromkeys(tags)))


@dataclass(frozen=True)
class AnswersFile:
    """``notes`` say what was read in another way than written, once each."""

    path: Path
    rows: tuple[GivenAnswer, ...]
    columns: Mapping[str, str]
    notes: tuple[str, ...]


def columns_of(present: Sequence[str], mapping: Mapping[str, str], path: Path) -> dict[str, str]:
    """Our column -> the file's column.

    Raises:
        CorpusError: a mapped column is absent or unknown, or a required one is found under no name.
    """
    for ours, theirs in mapping.items():
        if ours not in COLUMNS:
            raise CorpusError(f'"{ours}" is no column of ours.', where="--map", fix=f"Ours: {', '.join(COLUMNS)}.")
        if theirs not in present:
            raise CorpusError(f'there is no column "{theirs}".', where=path, fix=f"It has: {', '.join(present)}.")
    found = dict(mapping)
    for ours, others in COLUMNS.items():
        if ours not in found:
            match = next((p for n in (ours, *others) for p in present if p == n or folded(p) == n), None)
            if match:
                found[ours] = match
    for ours in REQUIRED:
        if ours not in found:
            fix = f"It has: {', '.join(present) or 'no columns'}. Map one with --map {ours}=COLUMN."
            raise CorpusError(
                f'there is no column for "{ours}" (looked for {", ".join((ours, *COLUMNS[ours]))}).',
                where=path,
                fix=fix,
            )
    return found


def _texts(value: Any, name: str, where: str, notes: dict[str, None]) -> tuple[str, ...]:
    """A list of texts; a list written in a text is read as one; a plain text counts as a list of one, and is said."""
    value = listed(value)
    if is_nothing(value) or value == "":
        return ()
    if not isinstance(value, list):
        if name == "contexts":
            notes['"contexts" is a text in some rows, not a list: read as one context.'] = None
        value = [value]
    texts = [as_text(v) for v in value]
    if any(t is None for t in texts):
        raise CorpusError(f'"{name}" must be a text or a list of texts.', where=where)
    return tuple(t for t in texts if t and t.strip())


def _flag(value: Any, where: str) -> bool:
    text = str("" if is_nothing(value) else value).strip().lower()
    if text in {"1", "1.0", "true", "yes"}:
        return True
    if text in {"", "0", "0.0", "false", "no", "none", "null"}:
        return False
    raise CorpusError(f'"unanswerable" is "{text}".', where=where, fix="Write true or false.")


def read_answers(path: Path, mapping: Mapping[str, str] | None = None) -> AnswersFile:
    """Read a file of answers.

    Raises:
        CorpusError: missing, empty, of no kind that is read, without a needed column, or with a bad row.
    """
    if path.is_dir():
        raise CorpusError(
            "this is a folder; a file of answers is needed.",
            where=path,
            fix="Name a .jsonl, .csv, .json, .parquet or .xlsx in it.",
        )
    if not path.is_file():
        raise CorpusError("there is no such file.", where=path)
    read = read_rows(path)
    records = read.rows
    if not records:
        raise CorpusError("the file holds no answers.", where=path)
    columns = columns_of(read.columns, mapping or {}, path)
    notes: dict[str, None] = dict.fromkeys(read.notes)
    rows, seen = [], set()
    for where, record in records:
        get = {ours: record.get(theirs) for ours, theirs in columns.items()}
        for name in REQUIRED:
            if as_text(get[name]) is None and not (name == "answer" and is_nothing(get[name])):
                raise CorpusError(f'"{columns[name]}" must be a text.', where=where)
        question, answer = ((as_text(get[name]) or "").strip() for name in REQUIRED)
        if not question:
            raise CorpusError("the question is empty.", where=where)
        if not answer:
            notes["Empty answers count as abstaining."] = None
        name = as_text(get.get("id")) or question
        if name in seen:
            raise CorpusError(
                f'the {"id" if as_text(get.get("id")) else "question"} "{name[:60]}" stands twice.',
                where=where,
                fix="Give every row its own id.",
            )
        seen.add(name)
        references = _texts(get.get("reference"), "reference", where, notes)
        flag = _flag(get.get("unanswerable"), where)
        if flag and references:
            raise CorpusError(
                f'"{name[:60]}" is marked unanswerable and has a reference.', where=where, fix="Remove one of the two."
            )
        if listed(get.get("reference")) == [] and not flag:
            flag = True
            notes["An empty list of references says that the documents hold no answer: there, abstaining is right."] = (
                None
            )
        rows.append(
            GivenAnswer(
                name,
                question,
                answer,
                _texts(get.get("contexts"), "contexts", where, notes),
                references,
                _texts(get.get("tags"), "tags", where, notes),
                flag,
                as_text(get.get("document")) or "",
            )
        )
    return AnswersFile(path, tuple(rows), columns, tuple(notes))


def questions_of(files: Sequence[AnswersFile]) -> list[Question]:
    """The questions that the files answer, each once, in their order; references of all files count.

    Raises:
        CorpusError: two files share no question, or ask the same id differently.
    """
    found: dict[str, Question] = {}
    for file in files:
        for row in file.rows:
            own, known = row.record, found.get(row.id)
            if known is None:
                found[row.id] = own
                continue
            if known.text != own.text:
                raise CorpusError(
                    f'"{row.id}" is another question in the other file.',
                    where=file.path,
                    fix="Use the same ids for the same questions.",
                )
            if known.answers is not None and own.answers is not None and known.answerable != own.answerable:
                raise CorpusError(
                    f'"{row.id}" has a reference in one file and is unanswerable in the other.',
                    where=file.path,
                    fix="Say the same of a question in every file.",
                )
            merged = (*known.references, *own.references)
            answers = None if known.answers is None and own.answers is None else tuple(dict.fromkeys(merged))
            found[row.id] = replace(known, answers=answers, tags=tuple(dict.fromkeys((*known.tags, *own.tags))))
    if len(files) > 1 and not set.intersection(*({r.id for r in f.rows} for f in files)):
        raise CorpusError(
            "the files share no question.",
            where=files[1].path,
            fix="Pairing goes by id, or by the question's text where there is no id.",
        )
    return list(found.values())
