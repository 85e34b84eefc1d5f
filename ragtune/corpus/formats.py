"""Document formats: one reader per file suffix. A reader turns a file into Documents or raises CorpusError."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from ragtune.corpus.normalise import normalise
from ragtune.errors import CorpusError
from ragtune.records import Document

#: bump when a reader's result changes, so that stored readings are made anew
VERSION = 1
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.S)


def decode(data: bytes, where: Path) -> str:
    """UTF-8 (with or without BOM), UTF-16 with BOM, else the most likely encoding of the bytes."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

        if b"\x00" in data[:4096]:
            raise CorpusError(
                "this is not text.", where=where, fix="Remove the file or give it its true suffix."
            ) from None
        best = from_bytes(data).best()
        if best is None:
            raise CorpusError("cannot tell the text encoding.", where=where, fix="Save the file as UTF-8.") from None
        return str(best)


def plain(value: Any) -> Any:
    """Metadata as JSON types: dates and other YAML objects become text."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def front_matter(text: str) -> tuple[str, dict[str, Any]]:
    """(body, metadata) of a text that may begin with a YAML block between ``---`` lines."""
    match = _FRONT_MATTER.match(text)
    if not match:
        return text, {}
    try:
        data = yaml.safe_load(match[1])
    except yaml.YAMLError:
        return text, {}
    return (text[match.end() :], plain(data)) if isinstance(data, dict) else (text, {})


def read_markdown(path: Path, doc_id: str) -> Iterable[Document]:
    body, metadata = front_matter(decode(path.read_bytes(), path).replace("\r\n", "\n"))
    text = normalise(body)
    if "title" not in metadata and (heading := re.match(r"# (.+)", text)):
        metadata["title"] = heading[1].strip()
    return [Document(doc_id, text, metadata)]


def read_text(path: Path, doc_id: str) -> Iterable[Document]:
    body, metadata = front_matter(decode(path.read_bytes(), path).replace("\r\n", "\n"))
    return [Document(doc_id, normalise(body), metadata)]


def read_html(path: Path, doc_id: str) -> Iterable[Document]:
    """HTML as Markdown (headings and tables survive); scripts, styles and navigation are left out."""
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    soup = BeautifulSoup(decode(path.read_bytes(), path), "lxml")
    metadata: dict[str, Any] = {}
    if soup.title and soup.title.string:
        metadata["title"] = soup.title.string.strip()
    for tag in soup.find_all("meta"):
        name, content = tag.get("name"), tag.get("content")
        if isinstance(name, str) and isinstance(content, str) and name.lower() != "viewport":
            metadata[name.lower()] = content
    for tag in soup(["script", "style", "nav", "template", "noscript", "title", "head"]):
        tag.decompose()
    text = MarkdownConverter(
        heading_style="ATX",
        bullets="-",
        strip=["a", "img"],
        escape_misc=False,
        escape_underscores=False,
        escape_asterisks=False,
    ).convert_soup(soup.body or soup)
    return [Document(doc_id, normalise(text), metadata)]


def read_pdf(path: Path, doc_id: str) -> Iterable[Document]:
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise CorpusError("this PDF needs a password.", where=path, fix="Save it without one.")
        text = "\n\n".join(page.extract_text() or "" for page in reader.pages)
        info = reader.metadata
        metadata = {"title": str(info.title)} if info and info.title else {}
    except CorpusError:
        raise
    except Exception as error:  # pypdf raises many kinds of error on broken files
        raise CorpusError(
            f"this PDF cannot be read ({error}).", where=path, fix="Export it again or remove it."
        ) from error
    return [Document(doc_id, normalise(_unwrap(text)), {**metadata, "pages": len(reader.pages)})]


def _unwrap(text: str) -> str:
    """Join the lines that a PDF broke inside a sentence."""
    return re.sub(r"(?<=[a-z,;])-?\n(?=[a-z(])", lambda m: "" if m[0][0] == "-" else " ", text)


def read_docx(path: Path, doc_id: str) -> Iterable[Document]:
    import docx
    from docx.table import Table

    try:
        source = docx.Document(str(path))
    except Exception as error:  # python-docx lets zipfile and lxml errors through
        raise CorpusError("this DOCX cannot be read.", where=path, fix="Save it again or remove it.") from error
    blocks: list[str] = []
    for item in source.iter_inner_content():
        if isinstance(item, Table):
            blocks.append(
                "\n".join(
                    "| " + " | ".join(c.text.strip().replace("\n", " ") for c in row.cells) + " |" for row in item.rows
                )
            )
            continue
        style = (item.style.name or "") if item.style else ""
        level = re.fullmatch(r"Heading (\d)", style)
        prefix = (
            "#" * int(level[1]) + " "
            if level
            else "# "
            if style == "Title"
            else "- "
            if style.startswith("List")
            else ""
        )
        if item.text.strip():
            blocks.append(prefix + item.text.strip())
    text = re.sub(r"(?m)^(- .*)\n\n(?=- )", r"\1\n", "\n\n".join(blocks))
    title = source.core_properties.title
    return [Document(doc_id, normalise(text), {"title": title} if title else {})]


def _rows(rows: Iterable[dict[str, Any]], path: Path, doc_id: str) -> list[Document]:
    found = []
    for n, row in enumerate(rows, 1):
        text = row.get("text")
        if not isinstance(text, str):
            raise CorpusError(f"row {n} has no text.", where=path, fix='Each row needs "text".')
        own = str(row.get("id") or f"{doc_id}#{n}")
        found.append(Document(own, normalise(text), plain({k: v for k, v in row.items() if k not in ("id", "text")})))
    return found


def _unpacked(path: Path) -> bytes:
    raw = path.read_bytes()
    if path.suffix != ".gz":
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error):
        raise CorpusError("this file cannot be unpacked: it is not gzip, or damaged.", where=path) from None


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """("file:line", object) of every line of a JSONL file (``.gz``: gzipped) that is not blank.

    Raises:
        CorpusError: the file is not gzip though its name says so; a line is not a JSON object; the message names file and line.
    """
    for n, line in enumerate(decode(_unpacked(path), path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}:{n}"
        try:
            row = json.loads(line)
        except ValueError:
            raise CorpusError("this line is not JSON.", where=where, fix="Write one JSON object per line.") from None
        if not isinstance(row, dict):
            raise CorpusError("this line is not a JSON object.", where=where, fix="Write one JSON object per line.")
        yield where, row


def read_jsonl(path: Path, doc_id: str) -> Iterable[Document]:
    return _rows([row for _, row in json_lines(path)], path, doc_id)


def read_csv(path: Path, doc_id: str) -> Iterable[Document]:
    """With a ``text`` column: one Document per row. Without: the table as one Document, a line per row."""
    rows = list(csv.DictReader(io.StringIO(decode(path.read_bytes(), path), newline="")))
    if rows and "text" in rows[0]:
        return _rows(rows, path, doc_id)
    lines = [
        "; ".join(f"{k}: {(v or '').strip()}" for k, v in row.items() if k and isinstance(v, str) and v.strip())
        for row in rows
    ]
    title = path.stem.replace("-", " ").replace("_", " ").capitalize()
    return [Document(doc_id, normalise("\n".join(lines)), {"title": title})]


Reader = Callable[[Path, str], Iterable[Document]]
READERS: dict[str, Reader] = {
    ".txt": read_text,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".jsonl": read_jsonl,
    ".csv": read_csv,
}
