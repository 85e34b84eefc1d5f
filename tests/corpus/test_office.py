"""DOCX and PDF, made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from ragtune.corpus.load import read_whole
from ragtune.corpus.pdf import read_pdf, unwrap
from ragtune.corpus.reading import Reading

NS = nsdecls("w")
RUN = "<w:r><w:t xml:space='preserve'>{}</w:t></w:r>"


def word(tmp_path: Path, *inner: str) -> str:
    """The text of a DOCX whose body holds the given XML."""
    source = docx.Document()
    for xml in inner:
        head, _, rest = xml.partition(">")
        source.element.body.insert(len(source.element.body) - 1, parse_xml(f"{head} {NS}>{rest}"))
    return saved(source, tmp_path)


def saved(source: Any, tmp_path: Path) -> str:
    source.save(str(tmp_path / "a.docx"))
    return read_whole(tmp_path / "a.docx", "a.docx", 20).documents[0].text


def test_content_controls_insertions_links_and_boxes_are_read(tmp_path: Path) -> None:
    text = word(
        tmp_path,
        f"<w:sdt><w:sdtContent><w:p>{RUN.format('In a control.')}</w:p></w:sdtContent></w:sdt>",
        f"<w:p>{RUN.format('Pay ')}<w:sdt><w:sdtContent>{RUN.format('40 euros')}</w:sdtContent></w:sdt>"
        f"<w:ins>{RUN.format(' on Friday')}</w:ins><w:del><w:r><w:delText> on Monday</w:delText></w:r></w:del>"
        f"<w:hyperlink>{RUN.format(' here')}</w:hyperlink><w:r><w:rPr><w:strike/></w:rPr><w:t>old</w:t></w:r></w:p>",
        f"<w:p>{RUN.format('Beside.')}<w:r><w:pict><w:txbxContent><w:p>{RUN.format('In a box.')}</w:p></w:txbxContent></w:pict></w:r></w:p>",
        "<w:p><w:r><w:t>10</w:t></w:r><w:r><w:rPr><w:vertAlign w:val='superscript'/></w:rPr><w:t>6</w:t></w:r></w:p>",
    )
    assert text == "In a control.\n\nPay 40 euros on Friday here\n\nBeside.\n\nIn a box.\n\n10⁶"


def test_footnotes_follow_their_paragraph(tmp_path: Path) -> None:
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    source = docx.Document()
    source.add_paragraph("A claim.")._p.append(parse_xml(f"<w:r {NS}><w:footnoteReference w:id='2'/></w:r>"))
    xml = f"<w:footnotes {NS}><w:footnote w:type='separator' w:id='0'><w:p/></w:footnote><w:footnote w:id='2'><w:p>{RUN.format('Its source.')}</w:p></w:footnote></w:footnotes>"
    part = Part(PackURI("/word/footnotes.xml"), "application/xml", xml.encode(), source.part.package)
    source.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
    assert saved(source, tmp_path) == "A claim.\n\nIts source."


def test_merged_nested_and_huge_tables(tmp_path: Path) -> None:
    source = docx.Document()
    table = source.add_table(3, 3)
    for n, cell in enumerate(c for row in table.rows for c in row.cells):
        cell.text = f"c{n}"
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    table.cell(1, 0).merge(table.cell(2, 0)).text = "tall"
    table.cell(1, 2).add_table(1, 1).cell(0, 0).text = "inner"
    assert saved(source, tmp_path) == (
        "| wide |  | c2 |\n| --- | --- | --- |\n| tall | c4 | c5 inner |\n|  | c7 | c8 |"
    )
    cell = f"<w:tc><w:tcPr><w:gridSpan w:val='99999999'/></w:tcPr><w:p>{RUN.format('x')}</w:p></w:tc>"
    assert word(tmp_path, f"<w:tbl><w:tr>{cell}</w:tr></w:tbl>") == "| x |"


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("a power-\nenhancing drug", "a power-enhancing drug"),
        ("the infor-\nmation desk", "the information desk"),
        ("the co\u00ad\noperation and the in\u00adside", "the cooperation and the inside"),
        ("ein Haus-\nhaltsbuch", "ein Haushaltsbuch"),
        ("the North-\nSouth line", "the North-South line"),
        ("the oﬃce has a ﬂat ﬁnish", "the office has a flat finish"),
        ("it is open,\nand free", "it is open, and free"),
        ("Heading\nText", "Heading\nText"),
        ("turbo-fizzler and turbo fizzler, turbo-\nfizzler", "turbo-fizzler and turbo fizzler, turbo-fizzler"),
    ],
)
def test_lines_that_a_page_broke_are_joined(broken: str, whole: str) -> None:
    assert unwrap(broken) == whole


def pdf(path: Path, title: str, *, pages: int = 1, text: str = "Tea at noon.", algorithm: str = "") -> Reading:
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    for n in range(pages):
        page = writer.add_blank_page(200, 200)
        if n:
            continue
        font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"), NameObject("/BaseFont"): NameObject("/Helvetica")})  # fmt: skip
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    writer.add_metadata({"/Title": title})
    if algorithm:
        writer.encrypt("", "owner", algorithm=algorithm)
    writer.write(str(path))
    return read_pdf(path, "a.pdf")


@pytest.mark.parametrize(
    ("title", "kept"),
    [("Microsoft Word - Document1.docx", None), ("report_final.docx", None), ("Untitled", None), ("Tea rota", "Tea rota")],
)  # fmt: skip
def test_a_title_that_a_program_gave_is_none(tmp_path: Path, title: str, kept: str | None) -> None:
    [document] = pdf(tmp_path / "a.pdf", title).documents
    assert document.metadata.get("title") == kept


def test_pages_without_text_are_said(tmp_path: Path) -> None:
    reading = pdf(tmp_path / "a.pdf", "T", pages=3)
    assert "page(s) 2, 3 of 3 hold no text" in reading.notes[0]
    assert pdf(tmp_path / "a.pdf", "T").notes == ()


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_permissions_alone_need_no_password(tmp_path: Path, algorithm: str) -> None:
    assert pdf(tmp_path / "a.pdf", "T", algorithm=algorithm).documents[0].text == "Tea at noon."
