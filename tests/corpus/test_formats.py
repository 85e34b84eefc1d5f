from __future__ import annotations

from pathlib import Path

import docx
import pytest
from conftest import write_corpus

from ragtune.corpus.load import CorpusSettings, load_corpus, read_file
from ragtune.errors import CorpusError
from ragtune.records import Document

HANDBOOK = Path(__file__).parents[2] / "corpora" / "handbook"


def read(path: Path) -> list[Document]:
    return read_file(path, path.name, 20)


def test_markdown_front_matter_becomes_metadata(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("---\ntitle: Leave\ndate: 2024-01-02\ntags: [a, b]\n---\n# Other\n\nText.\r\n")
    [d] = read(path)
    assert d.text == "# Other\n\nText."
    assert d.metadata == {"title": "Leave", "date": "2024-01-02", "tags": ["a", "b"]}


def test_broken_front_matter_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("---\ntitle: [unclosed\n---\nText.")
    [d] = read(path)
    assert "unclosed" in d.text


def test_html_keeps_headings_and_tables_and_drops_scripts(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text(
        "<html><head><title>T</title><meta name='owner' content='Ops'><style>x{}</style></head><body><nav>menu</nav><h2>Rates</h2><script>alert(1)</script><table><tr><th>a</th></tr><tr><td>1</td></tr></table></body></html>"
    )
    [d] = read(path)
    assert "## Rates" in d.text
    assert "| a |" in d.text
    assert "alert" not in d.text
    assert "menu" not in d.text
    assert d.metadata == {"title": "T", "owner": "Ops"}


def test_docx_headings_lists_and_tables(tmp_path: Path) -> None:
    source = docx.Document()
    source.add_heading("Keys", 1)
    source.add_paragraph("First", style="List Bullet")
    source.add_paragraph("Second", style="List Bullet")
    table = source.add_table(1, 2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "K-1", "shed"
    source.save(str(tmp_path / "a.docx"))
    [d] = read(tmp_path / "a.docx")
    assert d.text == "# Keys\n\n- First\n- Second\n\n| K-1 | shed |"


def test_pdf_of_the_shipped_corpus_is_read() -> None:
    [d] = read_file(HANDBOOK / "documents" / "safety" / "fire.pdf", "fire.pdf", 20)
    assert "bandstand in Admiralty Park" in d.text
    assert d.metadata["pages"] == 1


def test_csv_with_and_without_text_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text,team\nx,Hello there,ops\n")
    (tmp_path / "key_list.csv").write_text("key,opens\nK-1,shed\n")
    [row] = read(tmp_path / "a.csv")
    assert (row.id, row.text, row.metadata) == ("x", "Hello there", {"team": "ops"})
    [table] = read(tmp_path / "key_list.csv")
    assert table.text == "key: K-1; opens: shed"
    assert table.metadata["title"] == "Key list"


def test_jsonl_rows_and_their_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one", "k": 1}\n\n{"id": "b", "text": "two"}\n')
    assert [(d.id, d.text) for d in read(path)] == [("a.jsonl#1", "one"), ("b", "two")]
    path.write_text('{"text": "one"}\nnot json\n')
    with pytest.raises(CorpusError, match=r"a\.jsonl:2"):
        read(path)
    path.write_text('{"body": "one"}\n')
    with pytest.raises(CorpusError, match="no text"):
        read(path)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Grüße aus Köln, schöne Straße und Übung".encode("latin-1"), "Grüße"),
        ("héllo".encode("utf-16"), "héllo"),
        (b"\xef\xbb\xbfplain", "plain"),
    ],
)
def test_other_encodings_are_read(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    [d] = read(path)
    assert text in d.text


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.pdf", b"%PDF-1.4 broken", "cannot be read"),
        ("a.docx", b"PK broken", "cannot be read"),
        ("a.txt", b"", "empty"),
        ("a.txt", b"   \n", "no text"),
        ("a.xyz", b"x", "no reader"),
        ("a.txt", b"\x80\x00\xff" * 50, "not text"),
    ],
)
def test_bad_files_are_one_line_errors(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=says) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_bad_documents_among_good_ones_are_skipped_and_counted(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c")
    (folder / "documents" / "zero.pdf").write_bytes(b"")
    (folder / "documents" / "broken.pdf").write_bytes(b"%PDF nonsense")
    (folder / "documents" / "big.txt").write_text("x" * 2_000_000)
    corpus = load_corpus(CorpusSettings(path=str(folder), max_document_mb=1))
    assert len(corpus.documents) == 3
    assert {s.path for s in corpus.skipped} == {"zero.pdf", "broken.pdf", "big.txt"}
    with pytest.raises(CorpusError):
        load_corpus(CorpusSettings(path=str(folder), bad_documents="error"))


def test_side_metadata_is_added(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c")
    (folder / "documents" / "boats.txt.meta.json").write_text('{"team": "sea"}')
    corpus = load_corpus(CorpusSettings(path=str(folder)))
    assert next(d for d in corpus.documents if d.id == "boats.txt").metadata["team"] == "sea"
