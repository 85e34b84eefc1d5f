"""DOCX, read from its XML: what Word shows with all changes accepted, wherever in the file it is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ragtune.corpus.grid import Cell, laid_out
from ragtune.corpus.markup import shifted
from ragtune.corpus.normalise import normalise
from ragtune.corpus.reading import Reading
from ragtune.errors import CorpusError
from ragtune.records import Document

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_ALTERNATE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
#: what deleted, moved away or computed: nothing that is shown
_UNSEEN = {f"{_W}{n}" for n in "del moveFrom instrText delText pPr rPr sdtPr sdtEndPr tblPr tblGrid trPr tcPr".split()}
_NOTES = {f"{_W}footnoteReference": "footnotes", f"{_W}endnoteReference": "endnotes"}


def read_docx(path: Path, doc_id: str) -> Reading:
    import docx

    try:
        source = docx.Document(str(path))
        text = "\n".join(_Word(source).blocks(source.element.body))
        title = source.core_properties.title
    except Exception as error:  # python-docx lets zipfile and lxml errors through
        raise CorpusError("this DOCX cannot be read.", where=path, fix="Save it again or remove it.") from error
    return Reading((Document(doc_id, normalise(text), {"title": title} if title else {}),))


class _Word:
    """One DOCX: its styles' names and its notes beside its body."""

    def __init__(self, source: Any) -> None:
        self._styles = {s.style_id: s.name or "" for s in source.styles}
        self._notes = {
            (kind, note.get(f"{_W}id")): note for kind in ("footnotes", "endnotes") for note in _part(source, kind)
        }

    def blocks(self, parent: Any) -> Iterator[str]:
        """Paragraphs and tables in order, each with the line ends that part it from the next."""
        for kind, element in _each(parent, (f"{_W}p", f"{_W}tbl")):
            if kind == f"{_W}tbl":
                if table := self._table(element):
                    yield f"\n{table}\n"
            else:
                yield from self._paragraph(element)

    def _paragraph(self, paragraph: Any) -> Iterator[str]:
        said, beside = self._said(paragraph)
        text = said.strip()
        if text:
            prefix = self._prefix(paragraph)
            one_line = " ".join(text.split()) if prefix.startswith("#") else text
            yield f"{prefix}{one_line}" if prefix == "- " else f"\n{prefix}{one_line}\n"
        for box in beside:
            yield from self.blocks(box)

    def _prefix(self, paragraph: Any) -> str:
        settings = paragraph.find(f"{_W}pPr")
        style = settings.find(f"{_W}pStyle") if settings is not None else None
        name = self._styles.get(style.get(f"{_W}val"), "") if style is not None else ""
        if level := re.fullmatch(r"Heading (\d)", name):
            return "#" * min(6, int(level[1])) + " "
        if name == "Title":
            return "# "
        numbered = settings is not None and settings.find(f"{_W}numPr") is not None
        return "- " if name.startswith("List") or numbered else ""

    def _said(self, paragraph: Any) -> tuple[str, list[Any]]:
        """The paragraph's words, and what stands beside it: text boxes and notes."""
        words: list[str] = []
        beside: list[Any] = []
        stack = [paragraph]
        while stack:
            element = stack.pop()
            tag = element.tag
            if tag in _UNSEEN or (tag == f"{_W}r" and _is_off(element)):
                continue
            if tag == f"{_W}txbxContent":
                beside.append(element)
            elif tag in _NOTES:
                note = self._notes.get((_NOTES[tag], element.get(f"{_W}id")))
                beside += [] if note is None else [note]
            elif tag in (f"{_W}t", _MATH):
                words.append(_run_text(element, "".join(words[-3:])[-1:]))
            elif tag in (f"{_W}br", f"{_W}cr"):
                words.append("\n")
            elif tag == f"{_W}tab":
                words.append(" ")
            elif tag == f"{_W}noBreakHyphen":
                words.append("-")
            else:
                stack += reversed(_children(element))
        return "".join(words), beside

    def _table(self, table: Any) -> str:
        rows: list[list[Cell]] = []
        named = _flag(table.find(f"{_W}tblPr/{_W}tblLook"))
        for _, row in _each(table, (f"{_W}tr",)):
            if row.find(f"{_W}trPr/{_W}del") is not None:
                continue
            named |= not rows and row.find(f"{_W}trPr/{_W}tblHeader") is not None
            before = row.find(f"{_W}trPr/{_W}gridBefore")
            cells = [Cell("", across=_number(before))] if before is not None else []
            for _, cell in _each(row, (f"{_W}tc",)):
                merged = cell.find(f"{_W}tcPr/{_W}vMerge")
                covered = merged is not None and merged.get(f"{_W}val") != "restart"
                text = "" if covered else " ".join(map(_in_cell, self.blocks(cell)))
                cells.append(Cell(text, across=_number(cell.find(f"{_W}tcPr/{_W}gridSpan"))))
            rows.append(cells)
        return laid_out(rows, headed=named)


def _in_cell(block: str) -> str:
    """A block inside a table's cell: the words alone of a table that is nested there."""
    block = block.strip()
    return " ".join(w for w in block.split() if w not in ("|", "---")) if block.startswith("| ") else block


def _each(parent: Any, wanted: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """The wanted elements below ``parent``, through content controls, insertions and other wrappers."""
    stack = list(reversed(_children(parent)))
    while stack:
        element = stack.pop()
        if element.tag in wanted:
            yield element.tag, element
        elif element.tag not in _UNSEEN:
            stack += reversed(_children(element))


def _children(element: Any) -> list[Any]:
    """The children; of alternatives the first."""
    found = [child for child in element if isinstance(child.tag, str)]
    return found[:1] if element.tag == _ALTERNATE else found


def _run_text(element: Any, before: str) -> str:
    run = element.getparent()
    mark = run.find(f"{_W}rPr/{_W}vertAlign")
    how = mark.get(f"{_W}val") if mark is not None else ""
    text = element.text or ""
    return shifted(text, before, how == "superscript") if how in ("superscript", "subscript") and text else text


def _is_off(run: Any) -> bool:
    """Struck through or hidden."""
    marks = [run.find(f"{_W}rPr/{_W}{name}") for name in ("strike", "dstrike", "vanish")]
    return any(m is not None and m.get(f"{_W}val") not in ("0", "false", "off") for m in marks)


def _flag(look: Any) -> bool:
    """The table's style gives its first row a look of its own."""
    if look is None:
        return False
    value = look.get(f"{_W}val") or "0"
    bits = int(value, 16) if re.fullmatch(r"[0-9A-Fa-f]+", value) else 0
    return look.get(f"{_W}firstRow") in ("1", "true") or bool(bits & 0x20)


def _number(element: Any) -> int:
    value = element.get(f"{_W}val") if element is not None else None
    return int(value) if value and value.isdigit() else 1


def _part(source: Any, kind: str) -> Iterable[Any]:
    from lxml import etree

    for relation in source.part.rels.values():
        if relation.reltype.endswith(f"/{kind}"):
            root = etree.fromstring(relation.target_part.blob)
            return [n for n in root if n.get(f"{_W}type") in (None, "normal")]
    return []
