"""Tables of documents, asked by SQL: read right, written never, bounded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import refused, write_corpus

import ragtune
from ragtune.errors import ExperimentError
from ragtune.experiment.progress import Silent
from ragtune.records import Document, Question
from ragtune.retrieval import tables
from ragtune.retrieval.sql import Sql
from ragtune.retrieval.tables import Database, tables_of
from tests.experiment.test_query import served

DOCUMENTS = [
    Document(
        "rooms.md",
        "# Rooms\n\n| Room | Seats | 2024 price |\n| --- | --- | --- |\n| Green | 12 | 4.5 |\n| Red \\| small | 30 | 7 |\n\nEnd.",
    ),
    Document("keys.csv", "key: K-1; opens: shed; copies: 3\nkey: K-2; opens: office; copies: 5"),
    Document("tea.md", "Tea: hot; strong."),
]


@pytest.fixture
def database() -> Database:
    return Database(tables_of(DOCUMENTS), rows=2, seconds=2)


def test_tables_are_read_from_grids_and_from_records(database: Database) -> None:
    assert [(t.name, t.document, t.columns) for t in database.tables] == [
        ("rooms_1", "rooms.md", ("room", "seats", "_2024_price")),
        ("keys_2", "keys.csv", ("key", "opens", "copies")),
    ]
    assert database.schema().startswith("rooms_1(room, seats, _2024_price)\n  Green | 12 | 4.5\n")


def test_one_select_gives_its_rows_with_their_document(database: Database) -> None:
    found = database.select("SELECT room FROM rooms_1 WHERE seats > 20;")
    assert (found.text, found.document, found.refused) == ("room\nRed \\| small", "rooms.md", "")
    assert database.select("WITH x AS (SELECT copies FROM keys_2) SELECT sum(copies) AS n FROM x").text == "n\n8"
    many = database.select("SELECT * FROM range(5)")
    assert many.text.split("\n")[1:] == ["0", "1", "..."]


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE rooms_1",
        "DELETE FROM rooms_1",
        "INSERT INTO keys_2 VALUES ('a', 'b', 1)",
        "SELECT 1; DROP TABLE rooms_1",
        "CREATE TABLE x AS SELECT 1",
        "COPY rooms_1 TO '/tmp/part.csv'",
        "SET enable_external_access = true",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "PRAGMA database_list",
        "EXPLAIN ANALYZE DELETE FROM rooms_1",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT nothing FROM rooms_1",
        "I don't know.",
        "",
    ],
)
def test_what_is_no_select_or_reaches_outside_is_refused_and_changes_nothing(query: str, database: Database) -> None:
    found = database.select(query)
    assert found.refused
    assert "\n" not in found.refused
    assert found.text == ""
    assert database.select("SELECT count(*) AS n FROM rooms_1").text == "n\n2"
    [[hit]] = Sql(database).hits([Question("q", "?")], [(query,)])
    assert hit.chunk.text == f"(no result: {found.refused})"


def test_a_query_that_takes_too_long_is_ended() -> None:
    database = Database(tables_of(DOCUMENTS), rows=2, seconds=0.2)
    found = database.select("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 5")
    assert "nterrupt" in found.refused
    assert database.select("SELECT 1 AS one").text == "one\n1"


def test_too_many_cells_and_no_tables_are_refused_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_CELLS", 11)
    with pytest.raises(ExperimentError, match="the tables hold 12 cells, and source: sql reads at most 11"):
        tables_of(DOCUMENTS)
    with pytest.raises(ExperimentError, match="hold no tables"):
        tables_of(DOCUMENTS[2:])


def test_a_setup_answers_from_the_rows_that_a_query_gives(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus")

    def say(system: str, user: str) -> str:
        if "SQL query" in system:
            assert "keys_1(key, opens, copies)" in system
            return "DROP TABLE keys_1" if "moon" in user else "```sql\nSELECT sum(copies) AS copies FROM keys_1\n```"
        return "8 [1]"

    with served(say) as (url, asked):
        (tmp_path / "e.yaml").write_text(
            f"corpus: {tmp_path}/corpus\ngenerator: {{model: m, endpoint: '{url}', retries: 0, concurrency: 1}}\n"
            "latency: {sample: 1}\nsetups: {sql: {retrieval: {source: sql}}}\n"
        )
        options = {"out": tmp_path / "run", "store": tmp_path / "store", "progress": Silent()}
        made = ragtune.run(tmp_path / "e.yaml", **options)  # type: ignore[arg-type]
        answers = {r.question.id: r.answer for r in made.rows}
        [hit] = answers["q1"].hits
        assert (hit.chunk.text, hit.chunk.document_id) == ("copies\n8", "keys.csv")
        assert hit.chunk.title == "SELECT sum(copies) AS copies FROM keys_1"
        assert answers["q1"].queries == ("SELECT sum(copies) AS copies FROM keys_1",)
        assert answers["q3"].hits[0].chunk.text == "(no result: only one SELECT is run)"
        assert made.summary.retrieval == {}
        before = len(asked)
        again = ragtune.run(tmp_path / "e.yaml", **options)  # type: ignore[arg-type]
        assert len(asked) == before
        assert [r.answer for r in again.rows] == [r.answer for r in made.rows]
        [row] = ragtune.ask(tmp_path / "run", "How many copies?", setup="sql", store=tmp_path / "store")
        assert row.answer.hits[0].chunk.text == "copies\n8"
    assert json.loads((tmp_path / "run" / "work.json").read_text())["stages"]["query"]["computed"] == 0


@pytest.mark.parametrize(
    ("setup", "why"),
    [
        ("{retrieval: {query: sql}}", "query: sql and source: sql go together"),
        ("{retrieval: {source: sql, query: hyde}}", "query: sql and source: sql go together"),
        ("{retrieval: {source: sql}, generator: {model: extractive}}", "needs a language model to write queries"),
        ("{retrieval: {sql: {rows: 3}}}", "rows has no effect: it needs source: sql"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    setup: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert why in refused(setup, tmp_path, capsys)
