"""Loading a corpus folder: ``documents/`` and, optionally, ``questions.jsonl``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ragtune.corpus import formats
from ragtune.corpus.answers import questions_of, read_answers
from ragtune.corpus.cells import file_name
from ragtune.corpus.changes import apply_changes, notes_of, read_changes
from ragtune.corpus.encodings import decode
from ragtune.corpus.files import SIDE, links_out, listed
from ragtune.corpus.questions import read_questions
from ragtune.corpus.reading import Reading, plain
from ragtune.digests import Digests
from ragtune.errors import CorpusError, RagtuneError
from ragtune.records import Document, Question, question_key, to_json
from ragtune.store import Store, digest
from ragtune.text.data import read_json


class CorpusSettings(BaseModel):
    """Where the corpus is and how strictly it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    path: str = Field(description="the corpus folder: documents/ and, if there are questions, questions.jsonl")
    bad_documents: Literal["skip", "error"] = Field(
        "skip", description="what to do with a document that cannot be read"
    )
    max_document_mb: float = Field(20.0, gt=0, description="largest document file that is read, in MB")
    questions: str | None = Field(
        None,
        description="file of questions over these documents (JSONL); default: questions.jsonl in the corpus folder",
    )
    changes: str | None = Field(
        None,
        description="JSONL of edits made to the documents; questions they concern are tagged changed, the others unchanged",
    )
    answers: tuple[str, ...] = Field((), description="files of answers whose questions are asked, in place of a corpus")
    columns: dict[str, str] = Field(default_factory=dict, description="answers: our column -> the files'")
    allow_leaks: bool = Field(False, description="run even if test questions stand in the train split")

    def unread(self) -> dict[str, str]:
        """The settings that have no effect on what is read, each with the reason."""
        if not self.answers:
            return {"columns": "it needs answers"}
        return dict.fromkeys(
            ("bad_documents", "max_document_mb", "questions", "changes"), "with answers there are no documents"
        )


@dataclass(frozen=True)
class Skipped:
    """A file that gave no document, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Corpus:
    """Documents and questions, versioned by the hash of their content. ``notes``: what was read otherwise than written."""

    path: Path
    documents: tuple[Document, ...]
    questions: tuple[Question, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def documents_hash(self) -> str:
        return digest([(d.id, d.text, sorted(d.metadata.items(), key=lambda kv: kv[0])) for d in self.documents])

    @cached_property
    def hash(self) -> str:
        return digest(self.documents_hash, [question_key(q) for q in self.questions])

    def split(self, name: str) -> list[Question]:
        return [q for q in self.questions if q.split == name]


def document_files(folder: Path) -> list[Path]:
    """Files below ``folder`` that are documents."""
    return [file.path for file in listed(folder)]


def read_file(path: Path, doc_id: str, max_mb: float) -> list[Document]:
    """The Documents of `read_whole`."""
    return list(read_whole(path, doc_id, max_mb).documents)


def read_whole(path: Path, doc_id: str, max_mb: float) -> Reading:
    """The Documents of one file that hold text, with the metadata beside it, and what is to be said of reading it.

    Raises:
        CorpusError: unknown suffix, too large, broken or empty.
    """
    reader = formats.READERS.get(path.suffix.lower())
    if reader is None:
        raise CorpusError(
            f'no reader for "{path.suffix}".', where=path, fix=f"Known: {' '.join(sorted(formats.READERS))}."
        )
    size = path.stat().st_size
    if size == 0:
        raise CorpusError("the file is empty.", where=path, fix="Remove it or fill it.")
    if size > max_mb * 1e6:
        raise CorpusError(
            f"{size / 1e6:.0f} MB is over the limit of {max_mb:g} MB.",
            where=path,
            fix="Split it or raise corpus.max_document_mb.",
        )
    side = path.with_name(path.name + SIDE)
    extra = {}
    if side.exists() and not side.is_symlink():
        try:
            extra = plain(read_json(decode(side.read_bytes(), side)))
        except ValueError:
            raise CorpusError("this side metadata is not JSON.", where=side) from None
        if not isinstance(extra, dict):
            raise CorpusError("this side metadata is not a JSON object.", where=side)
    reading = reader(path, doc_id)
    filled = tuple(Document(d.id, d.text, {**d.metadata, **extra}) for d in reading.documents if d.text)
    if not filled:
        raise CorpusError("there is no text in this file.", where=path, fix="Remove it, or export it with its text.")
    return Reading(filled, reading.notes)


def _read_documents(
    folder: Path, settings: CorpusSettings, store: Store | None
) -> tuple[list[Document], list[Skipped], tuple[str, ...]]:
    documents: list[Document] = []
    notes: dict[str, list[str]] = {}
    skipped: list[Skipped] = []
    for name in links_out(folder):
        why = f"{folder / name}: this link leads out of the folder and is not followed. Put a copy in its place."
        skipped.append(Skipped(file_name(name), why))
    log = store.log("read", f"v{formats.VERSION}") if store else None
    fresh = {}
    digests = Digests(store.root / "digests.json") if store else None
    for file in listed(folder):
        doc_id, path = file_name(file.name), file.path
        key = ""
        if log is not None and digests and file.status.st_size <= settings.max_document_mb * 1e6:
            side = digests.of(f"{path}{SIDE}", file.side) if file.side else ""
            key = digest(doc_id, digests.of(path, file.status), side)
            if key in log.items:
                stored = log.items[key]
                documents += [Document(d["id"], d["text"], d["metadata"]) for d in stored["documents"]]
                for note in stored["notes"]:
                    notes.setdefault(note, []).append(doc_id)
                continue
        try:
            read = read_whole(path, doc_id, settings.max_document_mb)
        except RagtuneError as error:
            if settings.bad_documents == "error":
                raise
            skipped.append(Skipped(doc_id, str(error)))
            continue
        if key:
            fresh[key] = {"documents": [to_json(d) for d in read.documents], "notes": list(read.notes)}
        documents += read.documents
        for note in read.notes:
            notes.setdefault(note, []).append(doc_id)
    if log is not None and fresh:
        log.add(fresh)
    if digests:
        digests.save()
    return documents, skipped, tuple(f"{_some(names)}: {note}" for note, names in notes.items())


def _some(names: Sequence[str], shown: int = 3) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def load_corpus(settings: CorpusSettings, store: Store | None = None, lenient: bool = False) -> Corpus:
    """Read a corpus folder. With a store, files read before are not parsed again. ``lenient``: questions that do not fit the
    documents (which may have changed since) are left out, all of them, and the notes say why.

    Raises:
        CorpusError: the folder is missing or holds no readable document; two documents share an id; a
            question or a change is wrong; a document is bad and ``bad_documents`` is ``error``.
    """
    path = Path(settings.path)
    if settings.answers:
        files = [read_answers(Path(name), settings.columns) for name in settings.answers]
        return Corpus(
            path, (), tuple(questions_of(files)), notes=tuple(f"{f.path}: {n}" for f in files for n in f.notes)
        )
    folder = path / "documents"
    if not path.is_dir():
        raise CorpusError("there is no such corpus folder.", where=path, fix="Make one with `ragtune corpus import`.")
    if not folder.is_dir():
        raise CorpusError(
            "the corpus has no documents/ folder.",
            where=path,
            fix="Put the documents there, or use `ragtune corpus import folder`.",
        )
    documents, skipped, notes = _read_documents(folder, settings, store)
    if not documents:
        why = f" ({skipped[0].reason})" if skipped else ""
        raise CorpusError(
            f"the corpus is empty: no document could be read{why}.",
            where=folder,
            fix="Add .txt, .md, .html, .pdf, .docx, .jsonl, .csv or .tsv files.",
        )
    seen: set[str] = set()
    for document in documents:
        if document.id in seen:
            raise CorpusError(f'two documents share the id "{document.id}".', where=folder, fix="Give each its own id.")
        seen.add(document.id)
    file = Path(settings.questions) if settings.questions else path / "questions.jsonl"
    try:
        if settings.questions and not file.is_file():
            raise CorpusError(
                "there is no such file of questions.", where=file, fix="Mend corpus.questions, or leave it out."
            )
        questions = read_questions(file, documents) if file.exists() else []
    except CorpusError as error:
        if not lenient:
            raise
        questions, notes = [], (*notes, f"the questions are left out: {error}")
    if settings.changes:
        changes = read_changes(Path(settings.changes), {d.id: d for d in documents})
        notes = (*notes, *notes_of(changes))
        documents, questions = apply_changes(documents, questions, changes)
    return Corpus(path, tuple(documents), tuple(questions), tuple(skipped), notes)
