"""Tables of documents in a database, and what one SELECT finds in them: DuckDB in memory, without files, net or writing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from threading import Timer
from typing import Any

from ragtune.corpus.outline import tables
from ragtune.errors import ExperimentError
from ragtune.records import Document

#: cells of all tables together
MOST_CELLS = 10_000_000
#: rows of a table that a model is shown
EXAMPLES = 2
_RULE = re.compile(r"\|(?:\s*:?-+:?\s*\|)+")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Table:
    """One table: its name in the database, the document it stands in, its columns and rows of texts."""

    name: str
    document: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables_of(documents: Sequence[Document]) -> list[Table]:
    """The tables of Markdown, HTML and DOCX (``| a | b |``), and of CSV and other rows (``a: 1; b: 2`` a line).

    Raises:
        ExperimentError: there are none, or they hold too many cells.
    """
    found: list[Table] = []
    for document in documents:
        for columns, rows in (*_grids(document.text), *_records(document.text)):
            name = f"{_word(document.id.rsplit('/')[-1].rsplit('.')[0])}_{len(found) + 1}"
            found.append(Table(name, document.id, _distinct(columns), tuple(rows)))
    if not found:
        raise ExperimentError("the documents hold no tables.", where="retrieval.source", fix="Take source: chunks.")
    cells = sum(len(t.columns) * len(t.rows) for t in found)
    if cells > MOST_CELLS:
        raise ExperimentError(
            f"the tables hold {cells:,} cells, and source: sql reads at most {MOST_CELLS:,}.",
            where="retrieval.source",
            fix="Give it a database of its own, as a system.",
        )
    return found


def _grids(text: str) -> Iterator[tuple[list[str], list[tuple[str, ...]]]]:
    for table in tables(text):
        columns = _cells(table.head.split("\n")[-1])
        lines = text[table.rows : table.end].strip().split("\n")
        rows = [tuple(row) for row in map(_cells, lines) if len(row) == len(columns)]
        if rows:
            yield columns, rows


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] if line.strip() else []


def _records(text: str) -> Iterator[tuple[list[str], list[tuple[str, ...]]]]:
    """Lines that name the same two columns or more, at least two in a row."""
    pairs = [[part.partition(": ") for part in line.split("; ")] for line in text.split("\n")]
    named = [(tuple(k for k, sep, _ in line) if all(sep for _, sep, _ in line) else (), line) for line in pairs]
    for columns, lines in groupby(named, key=lambda pair: pair[0]):
        rows = [tuple(value for _, _, value in line) for _, line in lines]
        if len(columns) > 1 and len(rows) > 1:
            yield list(columns), rows


def _word(text: str) -> str:
    found = re.sub(r"\W+", "_", text).strip("_").lower() or "column"
    return f"_{found}" if found[0].isdigit() else found


def _distinct(columns: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for column in map(_word, columns):
        found.append(column if column not in found else f"{column}_{len(found) + 1}")
    return tuple(found)


@dataclass(frozen=True)
class Selected:
    """What a query gave: a table of texts and the document it comes from, or why there is none."""

    text: str
    document: str = ""
    refused: str = ""


class Database:
    """The tables in DuckDB; a column of numbers alone is a column of numbers."""

    def __init__(self, tables: Sequence[Table], rows: int, seconds: float) -> None:
        self.tables = list(tables)
        self._rows, self._seconds = rows, seconds

    @cached_property
    def _connection(self) -> Any:
        duckdb = engine()
        made = duckdb.connect(":memory:", config={"enable_external_access": "false", "threads": "1"})
        for table in self.tables:
            kinds = [_kind([row[n] for row in table.rows]) for n in range(len(table.columns))]
            declared = ", ".join(f'"{c}" {k}' for c, k in zip(table.columns, kinds, strict=True))
            made.execute(f'CREATE TABLE "{table.name}" ({declared})')
            places = ", ".join("?" for _ in table.columns)
            values = [[cell or None for cell in row] for row in table.rows]
            made.executemany(f'INSERT INTO "{table.name}" VALUES ({places})', values)
        made.execute("SET lock_configuration = true")
        return made

    def schema(self) -> str:
        """The tables as a model is told of them: names, columns, and the first rows."""
        lines = []
        for table in self.tables:
            lines.append(f"{table.name}({', '.join(table.columns)})")
            lines += [f"  {' | '.join(row)}" for row in table.rows[:EXAMPLES]]
        return "\n".join(lines)

    def select(self, query: str) -> Selected:
        """What one SELECT gives; anything else is refused, and so is what takes too long."""
        duckdb, connection = engine(), self._connection
        try:
            statements = connection.extract_statements(query)
        except duckdb.Error as error:
            return Selected("", refused=_line(error))
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            return Selected("", refused="only one SELECT is run")
        timer = Timer(self._seconds, connection.interrupt)
        timer.start()
        try:
            done = connection.execute(statements[0])
            rows = done.fetchmany(self._rows + 1)
            columns = [d[0] for d in done.description]
        except duckdb.Error as error:
            return Selected("", refused=_line(error))
        finally:
            timer.cancel()
        lines = [" | ".join(map(_shown, row)) for row in (columns, *rows[: self._rows])]
        more = ["..."] if len(rows) > self._rows else []
        used = next(
            (t.document for t in self.tables if re.search(rf"\b{re.escape(t.name)}\b", query, re.IGNORECASE)), ""
        )
        return Selected("\n".join([*lines, *more]), used)


def engine() -> Any:
    """DuckDB.

    Raises:
        ExperimentError: it is not installed.
    """
    try:
        import duckdb
    except ImportError:
        raise ExperimentError(
            "source: sql needs DuckDB.", where="retrieval.source", fix='Install it: pip install "ragtune[sql]".'
        ) from None
    return duckdb


def _kind(cells: Sequence[str]) -> str:
    said = [cell for cell in cells if cell]
    return "DOUBLE" if said and all(map(_NUMBER.fullmatch, said)) else "VARCHAR"


def _shown(cell: Any) -> str:
    return "" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell)


def _line(error: Exception) -> str:
    return str(error).split("\n")[0][:200]
