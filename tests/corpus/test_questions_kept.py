"""Questions written and read back, as a spreadsheet, joined from lists, taken along when documents change, and reviewed."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, write_corpus

from ragtune.cli import main
from ragtune.corpus.found import EvidenceFinder
from ragtune.corpus.load import Corpus, CorpusSettings, load_corpus
from ragtune.corpus.renew import renew
from ragtune.corpus.review import Review, share_reviewed
from ragtune.corpus.saving import write_questions
from ragtune.corpus.sheets import attach, read_sheet, write_sheet
from ragtune.corpus.update import updated
from ragtune.errors import CorpusError
from ragtune.records import AnyOf, Document, Evidence, Question

HANDBOOK = ROOT / "corpora" / "handbook"


def loaded(folder: Path) -> Corpus:
    return load_corpus(CorpusSettings(path=str(folder)))


def test_every_question_is_read_back_as_it_was(tmp_path: Path) -> None:
    corpus = loaded(HANDBOOK)
    tea = Document("tea.md", "Tea at four. Tea at four.")
    odd = (
        Question("a", "Whole?", ("yes",), (Evidence("tea.md", 0, 25),)),
        Question("b", "Second?", ("four",), (AnyOf((Evidence("tea.md", 0, 12, "Tea at four."), Evidence("tea.md", 13, 25, "Tea at four."))),)),
        Question("c", "Part of a word?", ("ea",), (Evidence("tea.md", 1, 3, "Tea at four."),), "dev", ("kind", "tag:x", "rule:x:y")),
        Question("d", "Nobody said."),
        Question("e", "None.", ()),
    )  # fmt: skip
    for questions, documents in ((corpus.questions, corpus.documents), (odd, (tea,))):
        write_questions(tmp_path / "q.jsonl", questions, documents)
        from ragtune.corpus.questions import read_questions

        assert tuple(read_questions(tmp_path / "q.jsonl", documents)) == questions


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_sheet_and_back_loses_nothing(suffix: str, tmp_path: Path) -> None:
    corpus = loaded(HANDBOOK)
    own = tuple(replace(q, tags=(*q.tags, "note:=SUM(A1)"), text=q.text + ' "quoted", 0123') for q in corpus.questions)
    write_sheet(tmp_path / f"q{suffix}", own, corpus.documents)
    back, found, without = read_sheet(tmp_path / f"q{suffix}", corpus.documents, "test")
    assert tuple(back) == own
    assert (found, without) == (0, 0)
    with pytest.raises(CorpusError, match="not overwritten"):
        write_sheet(tmp_path / f"q{suffix}", own, corpus.documents)


def test_a_list_of_questions_and_answers_gets_evidence_by_search(tmp_path: Path) -> None:
    corpus = loaded(HANDBOOK)
    table = tmp_path / "faq.csv"
    with table.open("w", newline="") as out:
        csv.writer(out).writerows(
            [
                ["Query", "Expected Answer"],
                ["How much is the float of the tills?", "150 euros"],
                ["Who is on the moon?", "Armstrong Q. Nobody"],
            ]
        )
    made = attach(corpus.questions, table, corpus.documents, "test")
    assert (made.added, made.replaced, made.found, made.without) == (2, 0, 1, 1)
    found = made.questions[-2]
    assert "found_by:search" in found.tags
    span = found.spans[0]
    text = next(d.text for d in corpus.documents if d.id == span.document_id)
    assert text[span.start : span.end] == "The float is 150 euros, counted by two people."
    again = attach(made.questions, table, corpus.documents, "test")
    assert again.added == 2  # rows without an id are new ones


def test_evidence_that_is_said_in_other_words() -> None:
    documents = [Document("a", "The red boat leaves at nine in the morning. It is old."), Document("b", "Cats sleep.")]
    finder = EvidenceFinder(documents)
    span = finder.find("When does the red boat go?", ["at nine, in the morning, the red boat leaves"])
    assert span is not None
    assert (span.document_id, span.start, span.end) == ("a", 0, 43)
    assert finder.find("When does the red boat go?", ["in spring, perhaps, with luck"]) is None


def test_rows_that_cannot_be_read_name_their_place(tmp_path: Path) -> None:
    documents = [Document("a", "Text.")]
    for text, says in (
        ("answer\nx\n", 'no "question"'),
        ("question,evidence\nWhy?,{broken\n", "not the JSON"),
        ("question\n\n", "no question"),
    ):
        (tmp_path / "q.csv").write_text(text)
        with pytest.raises(CorpusError, match=says):
            read_sheet(tmp_path / "q.csv", documents, "test")
    with pytest.raises(CorpusError, match="no such file"):
        read_sheet(tmp_path / "none.csv", documents, "test")


def test_evidence_moves_with_its_text_or_is_lost(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c")
    source = tmp_path / "new"
    source.mkdir()
    (source / "tea.md").write_text(
        "# Tea\n\nA new sentence comes first. Tea is served  at 15:30 in the green room.\n\nBiscuits are free.\n"
    )
    (source / "harbour.txt").write_text(
        "The boat Sprat carries 12 people. Its captain is Ida Moen.\n\nThe boat Herring carries 30 people.\n"
    )
    made = renew(source, corpus)
    assert (set(made.added), set(made.changed)) == ({"harbour.txt"}, {"tea.md"})
    assert set(made.removed) == {"boats.txt", "keys.csv"}
    now = loaded(corpus)
    by = {q.id: q for q in now.questions}
    text = {d.id: d.text for d in now.documents}
    for name, quote in (("q1", "Tea is served at 15:30"), ("q2", "captain is Ida Moen")):
        span = by[name].spans[0]
        assert " ".join(text[span.document_id][span.start : span.end].split()) == quote
    assert by["q2"].spans[0].document_id == "harbour.txt"
    assert made.lost == ("d1",)
    assert by["d1"].evidence == ()
    assert "lost:evidence" in by["d1"].tags
    assert by["d1"].answers == ("2 euros",)


def test_nothing_changes_where_nothing_is_read(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c")
    before = {p: p.read_bytes() for p in corpus.rglob("*") if p.is_file()}
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="no document"):
        renew(tmp_path / "empty", corpus)
    assert {p: p.read_bytes() for p in corpus.rglob("*") if p.is_file()} == before
    same = loaded(corpus)
    assert updated(same.questions, same.documents, same.documents).questions == same.questions


def test_what_a_person_decides_is_kept_and_can_be_taken_back(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c")
    corpus = loaded(folder)
    file = folder / "questions.jsonl"
    review = Review(file, corpus.documents)
    review.decide("q1", "accept")
    review.decide("q2", "edit", "Who steers the Sprat?", ["Ida Moen", "Captain Moen"])
    review.decide("t3", "drop")
    by = {q.id: q for q in loaded(folder).questions}
    assert "reviewed:yes" in by["q1"].tags
    assert (by["q2"].text, by["q2"].answers) == ("Who steers the Sprat?", ("Ida Moen", "Captain Moen"))
    assert by["q2"].evidence == {q.id: q for q in corpus.questions}["q2"].evidence
    assert "t3" not in by
    log = [json.loads(line) for line in (folder / "questions.review.jsonl").read_text().splitlines()]
    assert [(e["id"], e["decision"]) for e in log] == [("q1", "accept"), ("q2", "edit"), ("t3", "drop")]
    assert log[1]["was"]["question"] == "Who is the captain of the boat Sprat?"
    for name in ("q1", "q2", "t3"):
        review.decide(name, "undo")
    assert loaded(folder).questions == corpus.questions
    made = [replace(q, tags=("made:rules", *(["reviewed:yes"] if n else []))) for n, q in enumerate(corpus.questions)]
    assert share_reviewed(made) == (len(made) - 1, len(made))
    assert share_reviewed(corpus.questions) == (0, 0)


def test_a_file_that_changed_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c")
    file = folder / "questions.jsonl"
    review = Review(file, loaded(folder).documents)
    file.write_text(file.read_text().replace("When is tea served?", "When is tea poured?"))
    now = file.read_bytes()
    with pytest.raises(CorpusError, match="changed meanwhile"):
        review.decide("q1", "drop")
    assert file.read_bytes() == now
    (folder / "documents" / "tea.md").write_text("# Tea\n\nNothing is served.\n")
    entries = {e.id: e for e in Review(file, loaded_documents(folder)).entries}
    assert "does not stand in document" in entries["q1"].problem  # a corpus that changed: told at the question
    assert entries["q2"].problem == ""


def loaded_documents(folder: Path) -> tuple[Document, ...]:
    return load_corpus(CorpusSettings(path=str(folder)), lenient=True).documents


def test_an_edit_that_does_not_fit_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c")
    review = Review(folder / "questions.jsonl", loaded(folder).documents)
    before = (folder / "questions.jsonl").read_bytes()
    with pytest.raises(CorpusError):
        review.decide("nobody", "accept")
    assert (folder / "questions.jsonl").read_bytes() == before
    review.decide("q1", "edit", "Who wins?", [])
    assert {q.id: q for q in loaded(folder).questions}["q1"].unanswerable


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_corpus(tmp_path / "c")
    assert main(["corpus", "sheet", str(folder), str(tmp_path / "q.xlsx")]) == 0
    assert main(["corpus", "attach", str(folder), str(tmp_path / "q.xlsx")]) == 0
    assert "0 questions added, 7 replaced" in capsys.readouterr().out
    assert main(["corpus", "sheet", str(folder), str(tmp_path / "q.doc")]) == 2
    assert '.csv or .xlsx, not ".doc"' in capsys.readouterr().err
    assert main(["corpus", "import", "csv", str(tmp_path / "q.xlsx"), str(folder), "--update"]) == 2
    assert "--update is for folders" in capsys.readouterr().err
    assert main(["corpus", "import", "folder", str(folder / "documents"), str(tmp_path / "none"), "--update"]) == 2
    assert "there is no such corpus folder" in capsys.readouterr().err
    assert main(["corpus", "review", str(tmp_path)]) == 2
    assert main(["corpus", "review", str(folder), "--port", "70000"]) == 2
    assert "port 70000 cannot be used" in capsys.readouterr().err
    assert main(["corpus", "info", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "can show no difference" in out or "show differences of about" in out
    assert "Next: ragtune init" in out
