from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ragtune.cli import main
from ragtune.corpus.answers import read_answers
from ragtune.errors import CorpusError
from ragtune.experiment.folder import load_run
from ragtune.records import Score
from ragtune.text.outcome import abstains

ROWS = [
    {
        "user_input": "When is tea?",
        "response": "Tea is at 15:30 [1].",
        "retrieved_contexts": ["Tea is served at 15:30.", "Biscuits cost 2 euros."],
        "reference": "15:30",
    },
    {
        "user_input": "What do biscuits cost?",
        "response": "3 euros",
        "retrieved_contexts": ["Biscuits cost 2 euros."],
        "reference": "2 euros",
    },
    {
        "user_input": "Who pours tea?",
        "response": "I'm sorry, the context does not mention it.",
        "retrieved_contexts": ["Tea is served at 15:30."],
        "reference": "Ola Brand",
    },
]


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    return path


def score(tmp_path: Path, *arguments: str) -> int:
    places = ["--out", str(tmp_path / "run"), "--report", str(tmp_path / "r.html"), "--store", str(tmp_path / "store")]
    return main(["score", *arguments, *places])


def test_ragas_columns_are_scored_without_running_anything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert score(tmp_path, str(write(tmp_path / "a.jsonl", ROWS))) == 0
    run = load_run(tmp_path / "run")
    answers = run.answers.set_index("question_id")
    assert answers.loc["When is tea?", "faithfulness"] == 1.0
    assert answers.loc["What do biscuits cost?", "faithfulness"] == 0.0
    assert answers.loc["Who pours tea?", "abstained"]
    assert list(answers["cause"]) == ["", "contradicted", "abstained_answerable"]
    assert "ragtune score" in (tmp_path / "r.html").read_text("utf-8")
    assert "a " in capsys.readouterr().out


def test_two_files_are_compared_by_question(tmp_path: Path) -> None:
    better = [{**ROWS[0]}, {**ROWS[1], "response": "2 euros"}, {**ROWS[2], "response": "Ola Brand"}]
    assert score(tmp_path, str(write(tmp_path / "old.jsonl", ROWS)), str(write(tmp_path / "new.jsonl", better))) == 0
    found = [d for d in load_run(tmp_path / "run").summary.differences if d.metric == "answer_correctness"]
    assert [(d.a, d.b, d.wins, d.losses) for d in found] == [("old", "new", 2, 0)]


def test_csv_mapping_and_texts_for_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        sheet = csv.writer(out)
        sheet.writerow(["q", "said", "contexts"])
        sheet.writerow(["When is tea?", "15:30", "Tea is served at 15:30."])
        sheet.writerow(["And cake?", "", '["Cake is at 16:00.", "Tea is at 15:30."]'])
    assert score(tmp_path, str(path), "--map", "question=q", "--map", "answer=said") == 0
    told = capsys.readouterr().err
    assert told.count("read as one context") == 1
    assert told.count("No references were given") == 1
    rows = load_run(tmp_path / "run").rows
    assert [len(r.answer.contexts) for r in rows] == [1, 2]
    assert rows[0].scores["answer_correctness"] == Score("answer_correctness", None, "no reference was given")
    assert rows[1].answer.abstained


def test_long_answers_and_unanswerable_rows(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {
            "id": "1",
            "question": "When is tea?",
            "answer": "Tea is at 15:30. " * 2500,
            "contexts": ["Tea is at 15:30."],
            "reference": "15:30",
        },
        {
            "id": "2",
            "question": "What is the moon?",
            "answer": "Cheese.",
            "contexts": ["Tea is at 15:30."],
            "unanswerable": True,
        },
    ]
    assert score(tmp_path, str(write(tmp_path / "a.jsonl", rows))) == 0
    found = load_run(tmp_path / "run").rows
    assert found[0].value("faithfulness") == 1.0
    assert found[1].cause == "answered_unanswerable"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no answers"),
        ("{", "not JSON"),
        ("[1]\n", "not a JSON object"),
        ('{"question": "q"}\n', 'no column for "answer"'),
        ('{"question": "", "answer": "a"}\n', "question is empty"),
        ('{"question": "q", "answer": ["a"]}\n', "must be a text"),
        ('{"question": "q", "answer": "a", "contexts": [{}]}\n', "list of texts"),
        ('{"question": "q", "answer": "a"}\n{"question": "q", "answer": "b"}\n', "stands twice"),
    ],
)
def test_bad_files_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, says: str) -> None:
    (tmp_path / "a.jsonl").write_text(content, "utf-8")
    assert score(tmp_path, str(tmp_path / "a.jsonl")) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_bad_mappings_and_pairs_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write(tmp_path / "a.jsonl", ROWS))
    for arguments, says in (
        ([str(tmp_path / "none.jsonl")], "no such file"),
        ([path, "--map", "question"], "OURS=THEIRS"),
        ([path, "--map", "colour=x"], "no column of ours"),
        ([path, "--map", "question=x"], 'no column "x"'),
        ([path, str(write(tmp_path / "b.jsonl", [{**ROWS[0], "user_input": "Another?"}]))], "share no question"),
        ([path, "--judge", "oracle"], "unknown judge"),
    ):
        assert score(tmp_path, *arguments) == 2, says
        assert says in capsys.readouterr().err
    same_id = [{"id": "1", "question": "A?", "answer": "a"}], [{"id": "1", "question": "B?", "answer": "a"}]
    assert score(tmp_path, *(str(write(tmp_path / f"{n}.jsonl", r)) for n, r in enumerate(same_id))) == 2  # type: ignore[arg-type]
    assert "another question" in capsys.readouterr().err


def test_ways_of_withholding_an_answer() -> None:
    for text in (
        "",
        "I don't know.",
        "I cannot answer this from the context.",
        "Sorry, there is no information on that.",
        "The provided context does not say.",
        "N/A",
    ):
        assert abstains(text), text
    for text in ("27 days", "No later than Friday", "I don't need a ticket", "The document does what it says"):
        assert not abstains(text), text


def test_an_empty_list_of_references_says_that_there_is_no_answer(tmp_path: Path) -> None:
    rows = [
        {"question": "a?", "answer": "I don't know.", "reference": []},
        {"question": "b?", "answer": "b"},
        {"question": "c?", "answer": "c", "unanswerable": "false", "reference": "c"},
    ]
    read = read_answers(write(tmp_path / "a.jsonl", rows))
    assert [row.record.answers for row in read.rows] == [(), None, ("c",)]
    assert any("abstaining is right" in note for note in read.notes)
    for wrong, says in (
        ({"unanswerable": "maybe"}, "Write true or false"),
        ({"unanswerable": True, "reference": "x"}, "marked unanswerable and has a reference"),
    ):
        with pytest.raises(CorpusError, match=says):
            read_answers(write(tmp_path / "b.jsonl", [{"question": "a?", "answer": "x", **wrong}]))


def test_references_may_be_a_list(tmp_path: Path) -> None:
    made = read_answers(write(tmp_path / "a.jsonl", [{"question": "q", "answer": "a", "answers": ["x", "y"]}]))
    assert made.rows[0].references == ("x", "y")
    with pytest.raises(CorpusError, match="there is no such file"):
        read_answers(tmp_path / "b")


def test_thoughts_are_kept_apart_and_never_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, object]] = [
        {**ROWS[0], "response": "<think>I don't know. 16:00?</think>Tea is at 15:30 [1]."},
        {**ROWS[1], "response": "<think>Biscuits cost 2 euros, or"},
    ]
    assert score(tmp_path, str(write(tmp_path / "a.jsonl", rows))) == 0
    run = load_run(tmp_path / "run")
    first, second = (row.answer for row in run.rows)
    assert (first.text, first.thought, first.outcome) == ("Tea is at 15:30.", "I don't know. 16:00?", "answered")
    assert run.rows[0].value("faithfulness") == 1.0
    assert (second.text, second.thought, second.outcome) == ("", "Biscuits cost 2 euros, or", "none")
    assert (second.finish, run.rows[1].value("faithfulness")) == ("thinking", None)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "16:00?" in page
    assert "(no answer came: thinking)" in page
    # a Run of before has no thoughts, and opens
    path = tmp_path / "run" / "answers.jsonl"
    kept = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for row in kept:
        del row["answer"]["thought"], row["answer"]["tokens"]["thought"]
    path.write_text("".join(json.dumps(row) + "\n" for row in kept), "utf-8")
    assert [row.answer.thought for row in load_run(tmp_path / "run").rows] == ["", ""]
