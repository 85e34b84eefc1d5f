"""Tables in files: CSV with any delimiter, JSON lines and lists, gzip, Parquet, XLSX; each row with the place where it stands."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ragtune.corpus.encodings import Text, decode, read_text
from ragtune.errors import CorpusError
from ragtune.text.data import Unreadable, read_json

_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Rows:
    """("file:line", row) of every row that is not blank, the columns' names, and notes on what is not as it should be."""

    rows: tuple[tuple[str, dict[str, Any]], ...]
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()


def folded(name: str) -> str:
    """A column's name as people mean it: ``" User Input"`` is ``user_input``."""
    return "_".join(name.replace("-", " ").replace("_", " ").lower().split())


def known(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The row with columns under the given ``names`` where they are meant, whatever their capitals and spaces."""
    meant = {n: n for n in names if n in row}
    for key in row:
        if folded(key) in names:
            meant.setdefault(folded(key), key)
    ours = {theirs: ours for ours, theirs in meant.items()}
    return {ours.get(key, key): value for key, value in row.items()}


def unpacked(path: Path) -> bytes:
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
    for n, line in enumerate(decode(unpacked(path), path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}:{n}"
        try:
            row = read_json(line)
        except Unreadable as error:
            said = "" if error.what == "it is not JSON" else f" ({error.what})"
            raise CorpusError(
                f"this line is not JSON{said}.", where=where, fix="Write one JSON object per line."
            ) from None
        if not isinstance(row, dict):
            raise CorpusError("this line is not a JSON object.", where=where, fix="Write one JSON object per line.")
        yield where, row


def delimited(path: Path) -> Rows:
    """CSV: the delimiter is told from the first line; cells may hold line ends and be of any length.

    Cells beyond the last column belong to its text; columns of one name are told apart by a number.

    Raises:
        CorpusError: a quote is opened and never closed.
    """
    text = read_text(unpacked(path), path)
    records = _records(text, path)
    if not records:
        return Rows((), (), text.notes)
    names, doubled = _distinct(records[0][1])
    rows: list[tuple[str, dict[str, Any]]] = []
    ragged: list[int] = []
    delimiter = _delimiter(text.text, path)
    for line, cells in records[1:]:
        if len(cells) != len(names):
            ragged.append(line)
        if len(cells) > len(names):
            cells = [*cells[: len(names) - 1], delimiter.join(cells[len(names) - 1 :])]
        rows.append((f"{path}:{line}", dict(zip(names, [*cells, *[""] * len(names)], strict=False))))
    notes = [*text.notes]
    if doubled:
        notes.append(f"two columns bear one name ({', '.join(doubled)}): the later are numbered")
    if ragged and len(names) > 1:
        notes.append(
            f"{len(ragged)} row(s) do not have {len(names)} cells, first in line {ragged[0]}: quote cells that hold the delimiter"
        )
    return Rows(tuple(rows), tuple(names), tuple(notes))


def _delimiter(text: str, path: Path) -> str:
    """The mark that stands most often in the first line outside quotes."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    head = next((line for line in io.StringIO(text) if line.strip()), "")
    bare = "".join(head.split('"')[::2])
    return max(_DELIMITERS, key=bare.count)


def _records(text: Text, path: Path) -> list[tuple[int, list[str]]]:
    csv.field_size_limit(2**31 - 1)
    delimiter = _delimiter(text.text, path)
    for strict in (True, False):
        reader = csv.reader(io.StringIO(text.text, newline=""), delimiter=delimiter, strict=strict)
        found, start = [], 1
        try:
            for cells in reader:
                if any(c.strip() for c in cells):
                    found.append((start, cells))
                start = reader.line_num + 1
        except csv.Error as error:
            if "end of data" in str(error):
                raise CorpusError(
                    "a quote is opened here and never closed.",
                    where=f"{path}:{start}",
                    fix='Close it, or write "" for one.',
                ) from None
            continue
        return found
    return found


def _distinct(names: Sequence[str]) -> tuple[list[str], list[str]]:
    found: list[str] = []
    doubled: dict[str, None] = {}
    for n, raw in enumerate(names, 1):
        name = own = raw.strip() or f"column {n}"
        count = 1
        while own in found:
            doubled[name] = None
            count += 1
            own = f"{name} {count}"
        found.append(own)
    return found, list(doubled)


def _list(path: Path) -> Rows:
    """A JSON list of objects, or JSON lines under that name."""
    text = decode(unpacked(path), path)
    try:
        data = read_json(text)
    except ValueError:
        return _lines(path)
    if isinstance(data, dict):
        lists = [v for v in data.values() if isinstance(v, list)]
        data = lists[0] if len(lists) == 1 else [data]
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise CorpusError("this is no JSON list of objects.", where=path, fix='Write [{"question": ..., ...}, ...].')
    return _named([(f"{path} row {n}", row) for n, row in enumerate(data, 1)])


def _lines(path: Path) -> Rows:
    return _named(list(json_lines(path)))


def _typed(value: Any) -> Any:
    """A typed cell as JSON has it: days and times as ISO 8601 writes them, a day without its midnight."""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() and not value.tzinfo else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")  # its own digits: a number of ours would round them
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {str(k): _typed(v) for k, v in value.items()}
    return [_typed(v) for v in value] if isinstance(value, list | tuple) else value


def _parquet(path: Path) -> Rows:
    import pyarrow.parquet as parquet

    try:
        data = parquet.read_table(path).to_pylist()
    except Exception as error:  # pyarrow raises many kinds on broken files
        raise CorpusError("this Parquet file cannot be read.", where=path, fix="Write it again.") from error
    return _named([(f"{path} row {n}", {k: _typed(v) for k, v in row.items()}) for n, row in enumerate(data, 1)])


def _sheet(path: Path) -> Rows:
    """The first sheet; formulas as the value that was last computed, percentages as they are shown."""
    import openpyxl

    try:
        with closing(openpyxl.load_workbook(path, read_only=True, data_only=True)) as book:
            cells = [[_shown(cell) for cell in row] for row in book.worksheets[0].iter_rows()]
        with closing(openpyxl.load_workbook(path, read_only=True)) as book:
            written = book.worksheets[0].iter_rows(values_only=True)
            pairs = ((w, c) for row, own in zip(written, cells, strict=False) for w, c in zip(row, own, strict=False))
            unknown = sum(c is None and w is not None for w, c in pairs)
    except Exception as error:  # openpyxl raises many kinds on broken files
        raise CorpusError("this .xlsx cannot be read.", where=path, fix="Save it again.") from error
    names, _ = _distinct(["" if c is None else str(c) for c in (cells[0] if cells else ())])
    rows = [(f"{path} row {n}", dict(zip(names, row, strict=False))) for n, row in enumerate(cells[1:], 2)]
    found = _named([(where, row) for where, row in rows if any(v is not None for v in row.values())])
    note = (
        f"{unknown} formula(s) without a computed value are empty: open the file in a spreadsheet program and save it"
    )
    return replace(found, notes=(note,)) if unknown else found


def _shown(cell: Any) -> Any:
    value = _typed(cell.value)
    if isinstance(value, int | float) and not isinstance(value, bool) and "%" in str(cell.number_format):
        return f"{round(100 * value, 10):g}%"
    return value


def _named(rows: Sequence[tuple[str, dict[str, Any]]]) -> Rows:
    return Rows(tuple(rows), tuple(dict.fromkeys(k for _, row in rows for k in row)))


#: readers of rows by suffix; what is not among them is read as JSON lines
ROWS: dict[str, Callable[[Path], Rows]] = {
    ".csv": delimited,
    ".tsv": delimited,
    ".json": _list,
    ".parquet": _parquet,
    ".xlsx": _sheet,
}


def read_rows(path: Path) -> Rows:
    """The rows of a file by its suffix.

    Raises:
        CorpusError: the file is not of its suffix's kind, or the package that reads it is not installed.
    """
    return ROWS.get(path.suffix.lower(), _lines)(path)
