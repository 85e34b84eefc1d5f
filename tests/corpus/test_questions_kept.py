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
from ragtune.errors import CorpusError, StoreError
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
    first = own[0]
    odd = {"answers": ("a || b", "[]", "c; d"), "tags": ("x; y", "z"), "evidence": ()}
    own += (
        replace(first, id="007", **odd),
        replace(
            first, id="none", answers=None, evidence=(), tags=("prompt:p", "reference:page 12", "q:1", "expected:no")
        ),
    )
    write_sheet(tmp_path / f"q{suffix}", own, corpus.documents)
    back, found, without = read_sheet(tmp_path / f"q{suffix}", corpus.documents, "test", own)
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
    assert (again.added, again.replaced, again.same) == (0, 0, 2)  # the same texts are the same questions


def test_what_a_sheet_has_no_column_for_stays(tmp_path: Path) -> None:
    corpus = loaded(write_corpus(tmp_path / "c"))
    (tmp_path / "q.csv").write_text("id,question\nt1,At what time is tea?\n")
    made = attach(corpus.questions, tmp_path / "q.csv", corpus.documents, "test")
    was, now = ({q.id: q for q in qs}["t1"] for qs in (corpus.questions, made.questions))
    assert now == replace(was, text="At what time is tea?")
    (tmp_path / "new.csv").write_text("id,question,answers\nx1,Who pours the tea?,Mr. Ola Brand\n")
    found = attach(corpus.questions, tmp_path / "new.csv", corpus.documents, "train").questions[-1]
    assert (found.id, found.split) == ("x1", "train")


@pytest.mark.parametrize(
    ("rows", "says"),
    [("7,Who?\n", 'id "7" is not known, but "007" is'), ("a,Who?\na,Why?\n", 'question id "a" stands twice')],
)
def test_ids_that_would_be_lost_are_refused(rows: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("id,question\n" + rows)
    with pytest.raises(CorpusError, match=says):
        attach([Question("007", "Bond?")], tmp_path / "q.csv", [Document("a", "Text.")], "test")


def test_a_bare_yes_is_looked_for_nowhere() -> None:
    documents = [Document("a", "Yes, students get 20 % off. Laptops must be encrypted. No bikes.")]
    assert EvidenceFinder(documents).find("Must laptops be encrypted?", ["Yes"]) is None


def test_evidence_stands_where_the_question_leads() -> None:
    text = (
        "Ada Berg founded the firm in 1990. "
        + "It grew. " * 8
        + "\n\nAda Berg retired as leader in 2011, the end of an era."
    )
    span = EvidenceFinder([Document("a", text), Document("b", "Cats.")]).find(
        "Who was the leader that retired in 2011?", ["Ada Berg"]
    )
    assert span is not None
    assert text[span.start : span.end].startswith("Ada Berg retired")


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


def test_a_cell_moves_with_its_row_alone(tmp_path: Path) -> None:
    old = Document("p.md", "| Plan | Price |\n|---|---|\n| Basic | $9 |\n| Pro | $29 |")
    at = old.text.index("$29")
    question = Question("q", "Price of Pro?", ("$29",), (Evidence("p.md", at, at + 3, ""),))
    dearer = Document("p.md", "| Plan | Price |\n|---|---|\n| Basic | $29 |\n| Pro | $39 |")
    assert updated([question], [old], [dearer]).lost == ("q",)
    moved = Document("p.md", "# Prices\n\n" + old.text)
    found = updated([question], [old], [moved]).questions[0].spans[0]
    assert moved.text[found.start : found.end] == "$29"
    assert moved.text[: found.start].endswith("| Pro | ")
    whole = Question("w", "Which?", ("x",), (Evidence("p.md", 0, len(old.text)),))
    renamed = updated([whole], [old], [Document("prices.md", old.text)])
    assert (renamed.moved, renamed.lost) == (("w",), ())


def test_an_update_that_cannot_be_written_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = write_corpus(tmp_path / "c")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "other.txt").write_text("Nothing of the kind.")
    before = {p: p.read_bytes() for p in corpus.rglob("*") if p.is_file()}

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    for broken in ("ragtune.corpus.renew.write_questions", "pathlib.Path.replace"):
        with monkeypatch.context() as patch:
            patch.setattr(broken, full)
            with pytest.raises((OSError, StoreError)):
                renew(tmp_path / "new", corpus)
        assert {p: p.read_bytes() for p in corpus.rglob("*") if p.is_file()} == before
    renew(tmp_path / "new", corpus)
    assert (corpus / "questions.jsonl~1").read_bytes() == before[corpus / "questions.jsonl"]


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
    later = Review(file, corpus.documents)  # another day: what was decided is remembered
    assert {e.id: e.decision for e in later.entries if e.decision} == {"q1": "accept", "q2": "edit", "t3": "drop"}
    for name in ("q1", "q2", "t3"):
        later.decide(name, "undo")
    assert {q.id: q for q in loaded(folder).questions} == {q.id: q for q in corpus.questions}
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


def test_an_edit_of_the_question_alone_leaves_the_rest(tmp_path: Path) -> None:
    row = {"id": "u", "question": "Wen is tea?", "evidence": [{"document": "tea.md", "quote": "15:30"}]}
    folder = write_corpus(tmp_path / "c", None, [row])
    Review(folder / "questions.jsonl", loaded(folder).documents).decide("u", "edit", "When is tea?", [""])
    [found] = loaded(folder).questions
    assert (found.text, found.answers, len(found.evidence)) == ("When is tea?", None, 1)


@pytest.mark.parametrize("rows", [[{"id": "a", "question": "x"}] * 2, [{"question": "x"}]])
def test_rows_that_cannot_be_told_apart_are_refused(rows: list[dict[str, object]], tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    with pytest.raises(CorpusError, match=r"stands twice|has no id"):
        Review(tmp_path / "q.jsonl", [])


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
    assert "0 questions added, 0 changed, 7 as they were" in capsys.readouterr().out
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
    assert "Power" in out
    assert "Next: ragtune init" in out
