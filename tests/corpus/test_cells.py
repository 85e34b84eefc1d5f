"""Values of rows: numbers, truth values, nothing, lists in texts, names of files."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from conftest import write_corpus

from ragtune.corpus.answers import read_answers
from ragtune.corpus.cells import as_text, by_name, listed
from ragtune.corpus.importers import import_corpus
from ragtune.corpus.load import Corpus, CorpusSettings, load_corpus
from ragtune.corpus.rows import json_lines
from ragtune.errors import CorpusError
from ragtune.records import Question
from ragtune.retrieval.retriever import matches


def test_values_as_texts() -> None:
    assert [as_text(v) for v in (0, False, 2.5, "", "x", None, float("nan"), [])] == [
        "0", "false", "2.5", "", "x", None, None, None,
    ]  # fmt: skip


def test_lists_in_texts() -> None:
    assert listed("['a', \"it's\"]") == ["a", "it's"]
    assert listed('["a", "b"]') == ["a", "b"]
    assert [listed(v) for v in ("[1] a source", "[sic]", "plain", ["x"])] == ["[1] a source", "[sic]", "plain", ["x"]]


def load(folder: Path, *rows: dict[str, Any], **settings: Any) -> Corpus:
    write_corpus(folder, questions=list(rows))
    return load_corpus(CorpusSettings(path=str(folder), **settings))


def test_questions_may_bear_numbers(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {"id": 0, "question": "How many?", "answers": [0], "document": "tea.md"},
        {"id": 7, "question": "Is it?", "answers": [False]},
        {"id": "x", "question": "Nothing?", "answers": float("nan")},
    )
    assert [(q.id, q.answers) for q in loaded.questions] == [("0", ("0",)), ("7", ("false",)), ("x", None)]


def test_evidence_names_a_file_as_any_system_writes_it(tmp_path: Path) -> None:
    name = "häuser/über.txt"
    parted = unicodedata.normalize("NFD", name)
    assert parted != name
    path = tmp_path / "documents" / parted
    path.parent.mkdir(parents=True)
    path.write_text("The roof is red.")
    names = (name, parted, name.replace("/", "\\"), f"./{name}")
    rows = [
        {"id": n, "question": "Colour?", "evidence": [{"document": name, "quote": "red"}]}
        for n, name in enumerate(names)
    ]
    loaded = load(tmp_path, *rows)
    assert {q.spans[0].document_id for q in loaded.questions} == {"häuser/über.txt"}
    assert by_name({"a": 1}, "b") is None


def questions(tmp_path: Path, kind: str, text: str) -> list[Question]:
    source = tmp_path / f"source.{kind}"
    source.write_text(text, "utf-8")
    import_corpus(kind, source, tmp_path / "new")
    return list(load_corpus(CorpusSettings(path=str(tmp_path / "new"))).questions)


def test_bars_part_answers_in_csv_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    [split] = questions(tmp_path / "one", "csv", "Question;Answers;Context\nWhich?;a || b;a and b\n")
    assert split.answers == ("a", "b")
    row = {"question": "Which sign is or?", "answers": "a || b", "context": "Or is a || b.", "id": 0}
    [whole] = questions(tmp_path / "two", "jsonl", json.dumps(row) + "\n")
    assert (whole.id, whole.answers) == ("0", ("a || b",))


def test_answers_of_nought_and_no_are_answers(tmp_path: Path) -> None:
    rows = [
        {"question": "How many?", "answer": 0, "context": "There are 0."},
        {"question": "Is it?", "answer": False, "context": "It is false."},
        {"question": "None?", "answers": [], "context": "Nothing."},
        {"question": "Unknown?", "answers": [""], "context": "Something."},
    ]
    found = questions(tmp_path, "jsonl", "".join(json.dumps(r) + "\n" for r in rows))
    assert [q.answers for q in found] == [("0",), ("false",), (), None]


def test_csv_cells_with_line_ends_are_imported_whole(tmp_path: Path) -> None:
    questions(tmp_path, "csv", 'question,answers,context\nWhat?,tea,"Tea\nat noon\u2028sharp"\n')
    [(_, document)] = json_lines(tmp_path / "new" / "documents" / "documents.jsonl")
    assert document["text"] == "Tea\nat noon\nsharp"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "Question;Answer;Contexts;Reference\nWhen?;noon;\"['Tea at noon.', 'Tea.']\";\"['noon', '12']\"\n"),
        (
            "a.jsonl",
            '{"question": "When?", "answer": "noon", "contexts": "[\'Tea at noon.\', \'Tea.\']", "reference": ["noon", 12]}\n',
        ),
        (
            "a.json",
            '[{"user input": "When?", "response": "noon", "contexts": ["Tea at noon.", "Tea."], "reference": "[\\"noon\\", 12]"}]',
        ),
    ],
)
def test_answers_are_read_however_a_table_program_wrote_them(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    [row] = read_answers(tmp_path / name).rows
    assert (row.question, row.answer, row.contexts) == ("When?", "noon", ("Tea at noon.", "Tea."))
    assert row.references == ("noon", "12")


def test_an_empty_cell_is_no_answer_called_nan(tmp_path: Path) -> None:
    rows = [
        {"id": 0, "question": "a?", "answer": float("nan"), "reference": float("nan"), "unanswerable": float("nan")},
        {"id": 1, "question": "b?", "answer": 0, "reference": 0},
        {"id": 2, "question": "c?", "answer": False, "reference": [""]},
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    found = read_answers(tmp_path / "a.jsonl").rows
    assert [(r.id, r.answer, r.references, r.unanswerable) for r in found] == [
        ("0", "", (), False), ("1", "0", ("0",), False), ("2", "false", (), False),
    ]  # fmt: skip


def test_a_parquet_file_of_answers_is_scored(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    row = {"question": "When?", "answer": "noon", "contexts": ["Tea at noon."], "reference": "noon"}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "a.parquet")
    [found] = read_answers(tmp_path / "a.parquet").rows
    assert (found.contexts, found.references) == (("Tea at noon.",), ("noon",))


def test_filters_match_values_however_they_are_written() -> None:
    import datetime

    day = datetime.date(2024, 1, 2)
    assert matches({"date": "2024-01-02"}, {"date": day})
    assert matches({"year": "2024"}, {"year": 2024})
    assert matches({"year": 2024}, {"year": ["2023", "2024"]})
    assert matches({"done": "True"}, {"done": True})
    assert matches({"years": [2023.0, 2024]}, {"years": 2023})
    assert not matches({"year": "2024"}, {"year": 24})
    assert not matches({"year": "1"}, {"year": True})
    assert not matches({}, {"year": 2024})


def changed(tmp_path: Path, text: str, find: str) -> Corpus:
    write_corpus(tmp_path, {"a.txt": text}, [])
    row = {"document": "a.txt", "find": find, "replace": "15"}
    (tmp_path / "changes.jsonl").write_text(json.dumps(row) + "\n")
    return load_corpus(CorpusSettings(path=str(tmp_path), changes=str(tmp_path / "changes.jsonl")))


def test_changes_find_whole_words_and_say_how_often(tmp_path: Path) -> None:
    once = changed(tmp_path, "Since 2012 it holds 12.5 litres at 12:30 for 12 people.", "12")
    assert once.documents[0].text == "Since 2012 it holds 12.5 litres at 12:30 for 15 people."
    assert once.notes == ()
    twice = changed(tmp_path, "The 12 boats carry 12.", "12")
    assert twice.documents[0].text == "The 15 boats carry 12."
    assert "stands 2 times in a.txt" in twice.notes[0]
    with pytest.raises(CorpusError, match="does not stand"):
        changed(tmp_path, "Since 2012.", "12")
