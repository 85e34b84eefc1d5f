"""Importers: turn public formats into a corpus folder. Adding one is a function and a line in ``IMPORTERS``."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ragtune.corpus.cells import as_text, is_nothing
from ragtune.corpus.encodings import decode
from ragtune.corpus.files import links_out
from ragtune.corpus.formats import READERS
from ragtune.corpus.load import document_files
from ragtune.corpus.normalise import normalise
from ragtune.corpus.questions import find_quote
from ragtune.corpus.rows import delimited, json_lines, known
from ragtune.errors import CorpusError
from ragtune.store import writing
from ragtune.text.data import read_json

Rows = Iterable[dict[str, Any]]


def _jsonl(path: Path) -> Iterator[dict[str, Any]]:
    return (row for _, row in json_lines(path))


def _write(dest: Path, documents: Rows, questions: Rows) -> None:
    with writing(dest):
        (dest / "documents").mkdir(parents=True, exist_ok=True)
        for name, rows in (("documents/documents.jsonl", documents), ("questions.jsonl", questions)):
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            if text:
                (dest / name).write_text(text, "utf-8")


def _any_of(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Evidence of one item, which each of ``spans`` fulfils."""
    return [{"any": spans}] if len(spans) > 1 else spans


def _squad_data(source: Path) -> Any:
    """The articles of SQuAD JSON; or of one row a line, as Hugging Face writes it, a paragraph for each context."""
    text = decode(source.read_bytes(), source)
    rows = [line for line in text.split("\n") if line.strip()]
    if (len(rows) == 1 and '"data"' in rows[0][:4000]) or not rows or not rows[0].rstrip().endswith("}"):
        return read_json(text)["data"]
    articles: dict[str, dict[str, list[Any]]] = {}
    for _, row in json_lines(source):
        answers = row["answers"]
        found = [{"text": t, "answer_start": s} for t, s in zip(answers["text"], answers["answer_start"], strict=True)]
        asked = {"id": row["id"], "question": row["question"], "answers": found}
        articles.setdefault(str(row.get("title", "")), {}).setdefault(row["context"], []).append(asked)
    return [
        {"title": title, "paragraphs": [{"context": c, "qas": qas} for c, qas in by.items()]}
        for title, by in articles.items()
    ]


def import_squad(source: Path, dest: Path, split: str = "test") -> None:
    """SQuAD v1.1 or v2 JSON (also XQuAD), or JSON lines with a question each as Hugging Face writes them: a Document per paragraph; the places of an answer are alternatives."""
    try:
        data = _squad_data(source)
        articles = [(a.get("title", ""), a["paragraphs"]) for a in data]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CorpusError("this is not SQuAD JSON.", where=source, fix='It needs "data" with "paragraphs".') from None
    documents: list[dict[str, Any]] = []
    questions: list[dict[str, Any]] = []
    for a, (title, paragraphs) in enumerate(articles):
        for p, paragraph in enumerate(paragraphs):
            doc_id = f"{a:03d}-{p:03d}"
            text = normalise(paragraph["context"])
            documents.append({"id": doc_id, "text": text, "article": title.replace("_", " ")})
            for qa in paragraph["qas"]:
                spans = []
                for answer in qa.get("answers", []):
                    span = find_quote(text, answer["text"], answer["answer_start"], whole=False)
                    if span is None:
                        raise CorpusError(
                            f'answer "{answer["text"][:40]}" does not stand in its paragraph.',
                            where=f"{source} question {qa['id']}",
                        )
                    spans.append({"document": doc_id, "start": span[0], "end": span[1]})
                answers = list(dict.fromkeys(x["text"] for x in qa.get("answers", [])))
                kind = "unanswerable" if not answers else "answerable"
                unique = [dict(t) for t in dict.fromkeys(tuple(s.items()) for s in spans)]
                questions.append(
                    {
                        "id": str(qa["id"]),
                        "question": qa["question"],
                        "answers": answers,
                        "evidence": _any_of(unique),
                        "split": split,
                        "tags": [kind],
                    }
                )
    _write(dest, documents, questions)


def import_beir(source: Path, dest: Path, split: str = "test") -> None:
    """A BEIR folder (corpus.jsonl, queries.jsonl, qrels/*.tsv): evidence is each relevant document as a whole."""
    if not (source / "corpus.jsonl").exists() or not (source / "queries.jsonl").exists():
        raise CorpusError(
            "this is not a BEIR folder.", where=source, fix="It needs corpus.jsonl, queries.jsonl and qrels/."
        )
    documents = [
        {"id": str(r["_id"]), "text": r["text"], "title": r.get("title", "")} for r in _jsonl(source / "corpus.jsonl")
    ]
    filled = {d["id"] for d in documents if normalise(d["text"])}
    relevant: dict[str, list[str]] = {}
    names = {"train": "train", "dev": "dev", "test": "test"}
    split_of: dict[str, str] = {}
    for file in sorted((source / "qrels").glob("*.tsv")):
        for row in csv.reader(io.StringIO(decode(file.read_bytes(), file), newline=""), delimiter="\t"):
            if len(row) == 3 and row[2].lstrip("-").isdigit() and int(row[2]) > 0 and row[1] in filled:
                relevant.setdefault(row[0], []).append(row[1])
                split_of[row[0]] = names.get(file.stem, split)
    questions = [
        {
            "id": str(r["_id"]),
            "question": r["text"],
            "split": split_of[str(r["_id"])],
            "tags": ["retrieval-only"],
            "evidence": [{"document": d} for d in relevant[str(r["_id"])]],
        }
        for r in _jsonl(source / "queries.jsonl")
        if str(r["_id"]) in relevant
    ]
    _write(dest, documents, questions)


_NAMES = ("id", "question", "user_input", "answers", "answer", "reference", "context", "split", "tags")


def _question_rows(rows: Rows, split: str, where: Path, joint: str | None) -> Rows:
    """Rows as questions; ``joint`` is what parts several answers in one text, where that is the format's custom."""
    for n, raw in enumerate(rows, 1):
        row = {k: v for k, v in known(raw, _NAMES).items() if not is_nothing(v)}
        text = row.get("question") or row.get("user_input")
        if not text:
            raise CorpusError(f'row {n} has no "question".', where=where)
        for name, value in (("question", text), ("context", row.get("context") or "")):
            if not isinstance(value, str):
                raise CorpusError(f'"{name}" in row {n} must be a text.', where=where)
        found: dict[str, Any] = {
            "id": as_text(row.get("id")) or f"q{n:05d}",
            "question": text,
            "split": row.get("split") or split,
        }
        answers = _given(row, n, where, joint)
        if answers is not None:
            found["answers"] = answers
        tags = row.get("tags") or []
        found["tags"] = tags.split(";") if isinstance(tags, str) else tags
        if row.get("context"):
            found["_context"] = row["context"]
        yield found


def _given(row: dict[str, Any], n: int, where: Path, joint: str | None) -> list[str] | None:
    """The answers of the first column that gives any; ``[]`` says that there is none, an empty text says nothing."""
    given = [row[k] for k in ("answers", "answer", "reference") if row.get(k, "") != ""]
    answers = next((g for g in given if g != []), given[0] if given else None)
    if answers is None or answers == []:
        return answers
    parts = answers.split(joint) if joint and isinstance(answers, str) else answers
    texts = [as_text(a) for a in (parts if isinstance(parts, list) else [parts])]
    if any(t is None for t in texts):
        raise CorpusError(f'"answers" in row {n} must be a text or a list of texts.', where=where)
    return [t.strip() for t in texts if t and t.strip()] or None


def _questions_with_contexts(rows: Rows, dest: Path, split: str, source: Path, joint: str | None = None) -> None:
    documents: dict[str, dict[str, Any]] = {}
    questions = []
    for row in _question_rows(rows, split, source, joint):
        context = row.pop("_context", None)
        if context:
            text = normalise(context)
            document = documents.setdefault(text, {"id": f"d{len(documents):05d}", "text": text})
            spans = filter(None, (find_quote(text, answer) for answer in row.get("answers") or ()))
            parts = [{"document": document["id"], "start": start, "end": end} for start, end in dict.fromkeys(spans)]
            row["evidence"] = _any_of(parts) or [{"document": document["id"]}]
        questions.append(row)
    if not documents:
        raise CorpusError(
            'no row has a "context", so there are no documents.',
            where=source,
            fix="Add a context column, or import the documents with `folder`.",
        )
    _write(dest, documents.values(), questions)


def import_jsonl(source: Path, dest: Path, split: str = "test") -> None:
    """JSONL rows with question, answers (or answer, reference) and context; the contexts become documents."""
    _questions_with_contexts(_jsonl(source), dest, split, source)


def import_csv(source: Path, dest: Path, split: str = "test") -> None:
    """CSV with the columns question, answers (several joined by ``||``), context; optional id, split, tags."""
    _questions_with_contexts((row for _, row in delimited(source).rows), dest, split, source, "||")


def import_folder(source: Path, dest: Path, split: str = "test") -> None:
    """Any folder of documents, subfolders kept; files without a reader are left out. No questions.

    Raises:
        CorpusError: a link in it leads out of it: what stands there may not be meant to be read.
    """
    if not source.is_dir():
        raise CorpusError("this is not a folder.", where=source)
    if links := links_out(source):
        raise CorpusError(
            f"{len(links)} link(s) lead out of this folder, the first {links[0]}.",
            where=source,
            fix="Put copies in their place, or remove them.",
        )
    files = [p for p in document_files(source) if p.suffix.lower() in READERS]
    if not files:
        raise CorpusError(
            "the folder holds no document.", where=source, fix=f"Known kinds: {' '.join(sorted(READERS))}."
        )
    for path in files:
        target = dest / "documents" / path.relative_to(source)
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            side = path.with_name(path.name + ".meta.json")
            if side.exists():
                shutil.copyfile(side, target.with_name(side.name))


IMPORTERS: dict[str, Callable[[Path, Path, str], None]] = {
    "squad": import_squad,
    "beir": import_beir,
    "jsonl": import_jsonl,
    "csv": import_csv,
    "folder": import_folder,
}


def import_corpus(kind: str, source: Path, dest: Path, split: str = "test") -> None:
    """Import ``source`` of the given kind into the new corpus folder ``dest``.

    Raises:
        CorpusError: unknown kind, missing source, existing destination, or wrong content.
    """
    if kind not in IMPORTERS:
        raise CorpusError(f'unknown kind "{kind}".', fix=f"Known: {', '.join(IMPORTERS)}.")
    if not source.exists():
        raise CorpusError("there is no such file or folder.", where=source)
    if kind in ("jsonl", "csv") and source.is_dir():
        raise CorpusError("this is a folder, not a file.", where=source, fix="Name a file in it, or use `folder`.")
    if dest.exists() and any(dest.iterdir() if dest.is_dir() else [dest]):
        raise CorpusError("the destination is not empty.", where=dest, fix="Choose a new folder or remove it first.")
    if kind == "folder" and dest.resolve().is_relative_to(source.resolve()):
        raise CorpusError("the destination lies in the source.", where=dest, fix="Choose a folder outside it.")
    existed = dest.exists()
    try:
        _imported(kind, source, dest, split)
    except BaseException:
        for left in [*dest.iterdir()] if existed else [dest]:  # what is half imported would stand in the next try's way
            shutil.rmtree(left, ignore_errors=True)
        raise


def _imported(kind: str, source: Path, dest: Path, split: str) -> None:
    try:
        IMPORTERS[kind](source, dest, split)
    except KeyError as error:
        raise CorpusError(f'an entry lacks "{error.args[0]}".', where=source) from None
    except (TypeError, AttributeError, ValueError, IndexError):  # texts, lists and numbers in one another's place
        raise CorpusError(f"an entry is not built as {kind} has it.", where=source) from None
