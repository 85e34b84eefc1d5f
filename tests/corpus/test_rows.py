from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet
import pytest

from ragtune.corpus.load import read_whole
from ragtune.corpus.reading import Reading
from ragtune.corpus.rows import delimited, json_lines, read_rows
from ragtune.errors import CorpusError


def read(path: Path, text: str) -> Reading:
    path.write_text(text, "utf-8", newline="")
    return read_whole(path, path.name, 20)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "thing;price\nbolt;10,50\nnut;0,20\n"),
        ("a.csv", "thing\tprice\nbolt\t10,50\nnut\t0,20\n"),
        ("a.tsv", "thing\tprice\nbolt\t10,50\nnut\t0,20\n"),
        ("a.csv", 'thing,price\nbolt,"10,50"\nnut,"0,20"\n'),
        ("a.csv", "\ufeffthing|price\r\nbolt|10,50\r\n\r\nnut|0,20\r\n"),
    ],
)
def test_any_delimiter_is_read(tmp_path: Path, name: str, text: str) -> None:
    reading = read(tmp_path / name, text)
    assert reading.documents[0].text == "thing: bolt; price: 10,50\nthing: nut; price: 0,20"
    assert reading.notes == ()


def test_cells_may_be_long_and_hold_line_ends(tmp_path: Path) -> None:
    long = "x" * 200_000
    [first, second] = read(tmp_path / "a.csv", f'id,text\n1,"one\ntwo\u2028three"\n2,{long}\n').documents
    assert (first.id, first.text) == ("1", "one\ntwo\nthree")
    assert second.text == long
    [(where, _), (below, _)] = delimited(tmp_path / "a.csv").rows
    assert (where[-2:], below[-2:]) == (":2", ":4")


def test_ragged_rows_keep_their_words_and_are_said(tmp_path: Path) -> None:
    reading = read(tmp_path / "a.csv", "id,team,text\n1,ops,Tea, then biscuits\n2,ops\n3,it,Fine\n")
    assert "2 row(s) do not have 3 cells, first in line 2" in reading.notes[0]
    assert [d.text for d in reading.documents] == ["Tea, then biscuits", "Fine"]
    [alone] = read(tmp_path / "b.csv", "text\nHello, world, again\n").documents
    assert alone.text == "Hello, world, again"


def test_columns_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    reading = read(tmp_path / "a.csv", "note,note,\na,b,c\n")
    assert reading.documents[0].text == "note: a; note 2: b; column 3: c"
    assert "bear one name (note)" in reading.notes[0]


def test_column_names_are_meant_whatever_their_capitals_and_spaces(tmp_path: Path) -> None:
    [document] = read(tmp_path / "a.csv", " ID , Text ,Team\n0,Hello,ops\n").documents
    assert (document.id, document.text, document.metadata) == ("0", "Hello", {"Team": "ops"})


def test_a_quote_that_is_never_closed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"a\.csv:3: a quote is opened here and never closed"):
        read(tmp_path / "a.csv", 'id,text\n1,one\n2,"two\n3,three\n')


def test_lines_of_json_end_at_line_ends_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 0, "text": "one\u2028two\u0085three\x0bfour"}\n'.replace("\x0b", "\\u000b"), "utf-8")
    [(_, row)] = json_lines(path)
    assert row["text"] == "one\u2028two\u0085three\x0bfour"
    assert read_whole(path, "a.jsonl", 20).documents[0].id == "0"


def test_lists_of_json_and_parquet_are_rows(tmp_path: Path) -> None:

    rows = [{"question": "q", "n": 1}, {"question": "r", "n": 2}]
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=1))
    (tmp_path / "b.json").write_text(json.dumps({"data": rows}))
    (tmp_path / "c.json").write_text("".join(json.dumps(r) + "\n" for r in rows))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    for name in ("a.json", "b.json", "c.json", "a.parquet"):
        assert [row for _, row in read_rows(tmp_path / name).rows] == rows
    (tmp_path / "d.json").write_text("[1, 2]")
    with pytest.raises(CorpusError, match="no JSON list of objects"):
        read_rows(tmp_path / "d.json")
    (tmp_path / "d.parquet").write_text("no")
    with pytest.raises(CorpusError, match="cannot be read"):
        read_rows(tmp_path / "d.parquet")


def test_sheets_are_read(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["id", "question", "since", "n", "share"], [7, "q", datetime(2024, 2, 29), 0, 0.5], [], [8, "r\ns"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    rows = read_rows(tmp_path / "a.xlsx")
    assert rows.columns == ("id", "question", "since", "n", "share")
    assert [(where.rpartition(" ")[2], row) for where, row in rows.rows] == [
        ("2", {"id": 7, "question": "q", "since": "2024-02-29", "n": 0, "share": 0.5}),
        ("4", {"id": 8, "question": "r\ns", "since": None, "n": None, "share": None}),
    ]
    book = openpyxl.Workbook()
    for line in (["answer"], ["=1+1"], [0.255], [timedelta(hours=2)]):
        book.active.append(line)
    book.active["A3"].number_format = "0.0%"
    book.save(tmp_path / "d.xlsx")
    found = read_rows(tmp_path / "d.xlsx")
    assert [row["answer"] for _, row in found.rows] == ["25.5%", "2:00:00"]
    assert "1 formula(s) without a computed value" in found.notes[0]
    (tmp_path / "b.xlsx").write_bytes(b"no sheet")
    with pytest.raises(CorpusError, match="cannot be read"):
        read_rows(tmp_path / "b.xlsx")
    book = openpyxl.Workbook()
    book.save(tmp_path / "c.xlsx")
    assert read_rows(tmp_path / "c.xlsx").rows == ()


def test_typed_cells_are_read_as_text_writes_them(tmp_path: Path) -> None:
    row = {"day": date(2024, 2, 29), "at": datetime(2024, 2, 29, 8, 30), "fee": Decimal("12.50"), "n": Decimal("3")}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "a.parquet")
    assert read_rows(tmp_path / "a.parquet").rows[0][1] == {
        "day": "2024-02-29",
        "at": "2024-02-29T08:30:00",
        "fee": "12.50",
        "n": "3",
    }
