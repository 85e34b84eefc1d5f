"""Documents that change: texts, evidence and references together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import write_corpus

from ragtune.corpus.load import Corpus, CorpusSettings, load_corpus
from ragtune.errors import CorpusError

ROOT = Path(__file__).parent.parent.parent


def changed(tmp_path: Path, *rows: dict[str, object]) -> Corpus:
    write_corpus(tmp_path / "corpus")
    (tmp_path / "changes.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return load_corpus(CorpusSettings(path=str(tmp_path / "corpus"), changes=str(tmp_path / "changes.jsonl")))


def test_text_evidence_and_references_move_together(tmp_path: Path) -> None:
    corpus = changed(
        tmp_path,
        {
            "document": "tea.md",
            "find": "Tea is served at 15:30",
            "replace": "Tea, coffee and cake are served at 16:00",
            "answers": ["16:00", "4 pm"],
        },
        {"document": "boats.txt", "find": "Tor Lie", "replace": "Eva Ro"},
    )
    text = {d.id: d.text for d in corpus.documents}
    assert "cake are served at 16:00 in the green room" in text["tea.md"]
    assert "15:30" not in text["tea.md"]
    by_id = {q.id: q for q in corpus.questions}
    assert by_id["q1"].answers == by_id["t1"].answers == ("16:00", "4 pm")
    assert by_id["q1"].tags == ("single fact", "seen", "changed")
    assert by_id["q2"].answers == ("Ida Moen",)
    assert by_id["q2"].tags[-1] == "unchanged"
    spans = {q.id: [text[e.document_id][e.start : e.end] for e in q.evidence] for q in corpus.questions}
    assert spans["q1"] == ["Tea, coffee and cake are served at 16:00"]
    assert spans["d1"] == ["Biscuits cost 2 euros"]  # after the change, moved
    assert spans["q2"] == ["captain is Ida Moen"]


def test_a_change_of_other_words_leaves_the_reference(tmp_path: Path) -> None:
    corpus = changed(
        tmp_path, {"document": "boats.txt", "find": "boat Herring carries", "replace": "ship Herring now carries"}
    )
    asked = next(q for q in corpus.questions if q.id == "t2")
    assert asked.answers == ("30",)
    assert asked.tags[-1] == "unchanged"
    text = next(d.text for d in corpus.documents if d.id == "boats.txt")
    assert text[asked.evidence[0].start : asked.evidence[0].end] == "ship Herring now carries 30 people"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"document": "tea.md", "find": "coffee", "replace": "x"}, "does not stand"),
        ({"document": "none.md", "find": "a", "replace": "b"}, "no document"),
        ({"document": "tea.md", "replace": "b"}, "needs the texts"),
        ({"document": "tea.md", "find": "Tea", "replace": "b", "answers": "x"}, "list of texts"),
    ],
)
def test_wrong_changes_are_named_with_their_line(tmp_path: Path, row: dict[str, object], says: str) -> None:
    with pytest.raises(CorpusError, match=says) as error:
        changed(tmp_path, row)
    assert "changes.jsonl:1" in str(error.value)


def test_changes_must_exist_and_not_overlap(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="overlap"):
        changed(
            tmp_path,
            {"document": "boats.txt", "find": "Tor Lie", "replace": "x"},
            {"document": "boats.txt", "find": "is Tor", "replace": "y"},
        )
    with pytest.raises(CorpusError, match="no such file of changes"):
        load_corpus(CorpusSettings(path=str(tmp_path / "corpus"), changes=str(tmp_path / "nothing.jsonl")))


def test_the_shipped_changes_change_test_and_train_questions() -> None:
    path = ROOT / "corpora/handbook"
    corpus = load_corpus(CorpusSettings(path=str(path), changes=str(path / "changes.jsonl")))
    for split, least in (("train", 60), ("test", 28)):
        own = [q for q in corpus.split(split) if "changed" in q.tags]
        assert len(own) >= least
        texts = {d.id: d.text for d in corpus.documents}
        for q in own:
            shown = " ".join(texts[e.document_id][e.start : e.end] for e in q.evidence).lower()
            assert any(a.lower() in shown for a in q.answers), q.id
