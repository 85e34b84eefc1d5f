"""Document formats: one reader per file suffix. A reader turns a file into a Reading or raises CorpusError."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ragtune.corpus.encodings import read_text
from ragtune.corpus.markdown import render
from ragtune.corpus.normalise import normalise
from ragtune.corpus.office import read_docx
from ragtune.corpus.outline import headings
from ragtune.corpus.pdf import read_pdf
from ragtune.corpus.reading import Reading, front_matter, plain
from ragtune.corpus.rows import delimited, json_lines, known
from ragtune.errors import CorpusError
from ragtune.records import Document

#: bump when a reader's result changes, so that stored readings are made anew
VERSION = 3


def read_markdown(path: Path, doc_id: str) -> Reading:
    """Markdown as the text that a person sees; front matter becomes metadata."""
    source = read_text(path.read_bytes(), path)
    front = front_matter(source.text.replace("\r\n", "\n").replace("\r", "\n"))
    rendered, notes = render(front.body)
    text, metadata = normalise(rendered), dict(front.metadata)
    first = next(iter(headings(text)), None)
    if "title" not in metadata and first and first[:2] == (0, 1):
        metadata["title"] = first[2]
    return Reading((Document(doc_id, text, metadata),), (*source.notes, *front.notes, *notes))


def read_plain(path: Path, doc_id: str) -> Reading:
    """Text as it stands; front matter becomes metadata."""
    source = read_text(path.read_bytes(), path)
    front = front_matter(source.text.replace("\r\n", "\n").replace("\r", "\n"))
    return Reading((Document(doc_id, normalise(front.body), front.metadata),), (*source.notes, *front.notes))


def read_html(path: Path, doc_id: str) -> Reading:
    """HTML as the text that a person sees; title and meta elements become metadata."""
    from ragtune.corpus.markup import parse, seen_text

    source = read_text(path.read_bytes(), path, markup=True)
    root = parse(source.text)
    metadata: dict[str, Any] = {}
    title = root.find(".//head/title") if root is not None else None
    if title is not None and title.text and title.text.strip():
        metadata["title"] = " ".join(title.text.split())
    for tag in root.iter("meta") if root is not None else ():
        name, content = tag.get("name"), tag.get("content")
        if name and content is not None and name.lower() != "viewport":
            metadata[name.lower()] = content
    return Reading((Document(doc_id, normalise(seen_text(root)), metadata),), source.notes)


def _documents(rows: Sequence[dict[str, Any]], path: Path, doc_id: str) -> tuple[Document, ...]:
    found = []
    for n, row in enumerate(rows, 1):
        own, text = row.get("id"), row.get("text")
        if not isinstance(text, str):
            raise CorpusError(f"row {n} has no text.", where=path, fix='Each row needs "text".')
        name = f"{doc_id}#{n}" if own is None or str(own).strip() == "" else str(own)
        found.append(Document(name, normalise(text), plain({k: v for k, v in row.items() if k not in ("id", "text")})))
    return tuple(found)


def read_jsonl(path: Path, doc_id: str) -> Reading:
    """One Document a line."""
    return Reading(_documents([row for _, row in json_lines(path)], path, doc_id))


def read_csv(path: Path, doc_id: str) -> Reading:
    """With a ``text`` column: one Document per row. Without: the table as one Document, a line per row."""
    found = delimited(path)
    rows = [known(row, ("id", "text", "title")) for _, row in found.rows]
    if rows and "text" in rows[0]:
        return Reading(_documents(rows, path, doc_id), found.notes)
    lines = ["; ".join(f"{k}: {' '.join(v.split())}" for k, v in row.items() if v.strip()) for _, row in found.rows]
    title = path.stem.replace("-", " ").replace("_", " ").capitalize()
    return Reading((Document(doc_id, normalise("\n".join(lines)), {"title": title}),), found.notes)


Reader = Callable[[Path, str], Reading]
READERS: dict[str, Reader] = {
    ".txt": read_plain,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".jsonl": read_jsonl,
    ".csv": read_csv,
    ".tsv": read_csv,
}
