from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import DATA

from ragtune.corpus.importers import import_corpus
from ragtune.corpus.load import CorpusSettings, load_corpus
from ragtune.errors import CorpusError


def load(folder: Path):  # type: ignore[no-untyped-def]
    return load_corpus(CorpusSettings(path=str(folder)))


def test_squad_spans_and_unanswerable(tmp_path: Path) -> None:
    qas = [
        {
            "id": "1",
            "question": "When?",
            "answers": [{"text": "1931", "answer_start": 14}, {"text": "1931", "answer_start": 14}],
        },
        {"id": "2", "question": "Who?", "answers": []},
    ]
    source = tmp_path / "s.json"
    source.write_text(
        json.dumps({"data": [{"title": "A_B", "paragraphs": [{"context": "It  opened in 1931.", "qas": qas}]}]})
    )
    import_corpus("squad", source, tmp_path / "c")
    corpus = load(tmp_path / "c")
    first, second = corpus.questions
    [e] = first.evidence
    assert corpus.documents[0].text[e.start : e.end] == "1931"
    assert corpus.documents[0].metadata == {"article": "A B"}
    assert not second.answerable


def test_beir_uses_relevant_documents_as_evidence(tmp_path: Path) -> None:
    source = tmp_path / "beir"
    (source / "qrels").mkdir(parents=True)
    (source / "corpus.jsonl").write_text(
        '{"_id": "d1", "title": "T", "text": "Cats purr."}\n{"_id": "d2", "text": "Dogs bark."}\n'
    )
    (source / "queries.jsonl").write_text('{"_id": "q1", "text": "what purrs"}\n{"_id": "q2", "text": "unjudged"}\n')
    (source / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\n")
    import_corpus("beir", source, tmp_path / "c")
    [q] = load(tmp_path / "c").questions
    assert (q.id, q.evidence[0].document_id, q.evidence[0].end) == ("q1", "d1", 10)


def test_jsonl_and_csv_make_documents_of_contexts(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"question": "Colour?", "answer": "red", "context": "The door is red."}\n{"user_input": "Size?", "reference": "ten", "context": "The door is red."}\n'
    )
    import_corpus("jsonl", tmp_path / "a.jsonl", tmp_path / "c1")
    corpus = load(tmp_path / "c1")
    assert len(corpus.documents) == 1
    assert corpus.questions[0].evidence[0].start == 12
    (tmp_path / "a.csv").write_text("question,answers,context,tags\nColour?,red||crimson,The door is red.,a;b\n")
    import_corpus("csv", tmp_path / "a.csv", tmp_path / "c2", "train")
    [q] = load(tmp_path / "c2").questions
    assert (q.answers, q.tags, q.split) == (("red", "crimson"), ("a", "b"), "train")


def test_folder_keeps_subfolders(tmp_path: Path) -> None:
    (tmp_path / "src" / "sub").mkdir(parents=True)
    (tmp_path / "src" / "sub" / "a.md").write_text("# A\n\nText")
    (tmp_path / "src" / "sub" / "a.md.meta.json").write_text('{"k": 1}')
    (tmp_path / "src" / "b.png").write_bytes(b"x")
    import_corpus("folder", tmp_path / "src", tmp_path / "c")
    [d] = load(tmp_path / "c").documents
    assert (d.id, d.metadata["k"]) == ("sub/a.md", 1)


@pytest.mark.parametrize(
    ("kind", "content", "says"),
    [
        ("nope", "x", "unknown kind"),
        ("squad", "{}", "not SQuAD"),
        ("squad", "x", "not SQuAD"),
        ("jsonl", "{bad", "not JSON"),
        ("jsonl", "[1]", "not a JSON object"),
        ("jsonl", '{"answer": "x"}', 'no "question"'),
        ("jsonl", '{"question": "x"}', "no documents"),
        ("beir", "x", "not a BEIR"),
        ("folder", "x", "not a folder"),
    ],
)
def test_wrong_sources(tmp_path: Path, kind: str, content: str, says: str) -> None:
    source = tmp_path / "s"
    source.write_text(content)
    with pytest.raises(CorpusError, match=says):
        import_corpus(kind, source, tmp_path / "c")


def test_what_failed_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    source = tmp_path / "bad.jsonl"
    source.write_text('{"question": "When?", "answers": ["9"]}\n')
    for dest in (tmp_path / "new", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(CorpusError, match="no row has"):
            import_corpus("jsonl", source, dest)
        assert not dest.exists() or not list(dest.iterdir())
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A")
    with pytest.raises(CorpusError, match="lies in the source"):
        import_corpus("folder", tmp_path / "docs", tmp_path / "docs" / "inner")


def test_a_reference_that_nobody_gave_is_unknown(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    rows = [{"question": f"Q{n}?", "context": "Cats purr.", **more} for n, more in enumerate(({}, {"answers": []}))]
    source.write_text("".join(json.dumps(r) + "\n" for r in rows))
    import_corpus("jsonl", source, tmp_path / "c")
    assert [q.answers for q in load(tmp_path / "c").questions] == [None, ()]


def test_destination_must_be_free_and_source_there(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such file"):
        import_corpus("squad", tmp_path / "none", tmp_path / "c")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "x").write_text("x")
    (tmp_path / "s").write_text("{}")
    with pytest.raises(CorpusError, match="not empty"):
        import_corpus("squad", tmp_path / "s", tmp_path / "c")
    (tmp_path / "e").mkdir()
    with pytest.raises(CorpusError, match="holds no document"):
        import_corpus("folder", tmp_path / "e", tmp_path / "c2")


@pytest.mark.skipif(not (DATA / "xquad").exists(), reason="XQuAD is not at hand")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_xquad_spans_hold_their_answers(tmp_path: Path, language: str) -> None:
    import_corpus("squad", DATA / "xquad" / f"xquad.{language}.json", tmp_path / "c")
    corpus = load(tmp_path / "c")
    text = {d.id: d.text for d in corpus.documents}
    assert (len(corpus.documents), len(corpus.questions)) == (240, 1190)
    for q in corpus.questions:
        spans = {" ".join(text[e.document_id][e.start : e.end].split()) for e in q.evidence}
        assert spans == {" ".join(a.split()) for a in q.answers}
