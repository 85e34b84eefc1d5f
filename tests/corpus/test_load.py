from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from conftest import QUESTIONS, write_corpus

from ragtune.corpus import formats
from ragtune.corpus.check import corpus_info, find_leaks, refuse_leaks
from ragtune.corpus.importers import import_corpus
from ragtune.corpus.load import CorpusSettings, load_corpus
from ragtune.corpus.questions import find_quote
from ragtune.errors import CorpusError
from ragtune.records import Question
from ragtune.report.terminal import corpus_table
from ragtune.store import Store

HANDBOOK = Path(__file__).parents[2] / "corpora" / "handbook"


def load(folder: Path, **settings: object):  # type: ignore[no-untyped-def]
    return load_corpus(CorpusSettings(path=str(folder), **settings))  # type: ignore[arg-type]


def test_quotes_become_exact_spans(corpus: Path) -> None:
    loaded = load(corpus)
    text = {d.id: d.text for d in loaded.documents}
    question = next(q for q in loaded.questions if q.id == "q1")
    [e] = question.evidence
    assert text[e.document_id][e.start : e.end] == "Tea is served at 15:30"


@pytest.mark.parametrize(
    ("text", "quote", "found"),
    [
        ("He said “Tea isn’t served” at nine.", 'said "Tea isn\'t served" at', "said “Tea isn’t served” at"),
        ('He said "ten".', "“ten”", '"ten"'),
        ("Um drei „Tee“ gab es", '"Tee"', "„Tee“"),
        ("open 9–10 — “daily”", '9-10 - "daily"', "9–10 — “daily”"),
        ("we don´t know", "don't know", "don´t know"),
        ("THE TEA’S COLD", "the tea's cold", "THE TEA’S COLD"),
        ("'a' and ‘a’", "‘a’", "‘a’"),  # letter for letter comes first
    ],
)
def test_quotes_and_dashes_of_any_shape_are_found(text: str, quote: str, found: str) -> None:
    span = find_quote(text, quote)
    assert span is not None
    assert text[slice(*span)] == found


def test_the_hash_follows_content(corpus: Path) -> None:
    before = load(corpus)
    (corpus / "documents" / "boats.txt").write_text(before.documents[0].text + " More.")
    rows = [q for q in QUESTIONS if q["id"] in ("q1", "q3")]
    (corpus / "questions.jsonl").write_text("".join(json.dumps(q) + "\n" for q in rows))
    after = load(corpus)
    assert before.documents_hash != after.documents_hash
    assert before.hash != after.hash


def test_stored_readings_are_reused_and_equal(corpus: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    settings = CorpusSettings(path=str(corpus))
    first = load_corpus(settings, store)
    size = (tmp_path / "store" / "read" / f"v{formats.VERSION}.jsonl").stat().st_size
    assert load_corpus(settings, store).hash == first.hash
    assert (tmp_path / "store" / "read" / f"v{formats.VERSION}.jsonl").stat().st_size == size


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"id": "q1", "question": "x?"}, "stands twice"),
        (
            {"id": "n", "question": "x?", "evidence": [{"document": "tea.md", "quote": "coffee at dawn"}]},
            "does not stand",
        ),
        (
            {
                "id": "n",
                "question": "x?",
                "evidence": [
                    {"document": "boats.txt", "quote": "Sprat carries twelve people, its captain being Ida Moen"}
                ],
            },
            r'Copy it from .*; nearest there: "(The boat )?Sprat carries 12 people\. Its captain is Ida Moen',
        ),
        (
            {"id": "n", "question": "x?", "evidence": [{"document": "tea.md", "quote": "Tea", "near": "x"}]},
            '"near" must',
        ),
        ({"id": "n", "question": "x?", "evidence": [{"document": "no.md", "quote": "x"}]}, "does not hold"),
        ({"id": "n", "question": "x?", "evidence": [{"document": "tea.md", "start": 5, "end": 99999}]}, "lies outside"),
        ({"id": "n", "question": "x?", "evidence": ["tea.md"]}, "evidence needs"),
        ({"id": "n", "question": "x?", "evidence": "tea"}, "must be a list"),
        ({"id": "n", "question": "  "}, "missing or empty"),
        ({"id": "n", "question": "x?", "split": "exam"}, "not one of"),
        ({"id": "n", "question": "x?", "answer": "y"}, "unknown key"),
        ({"id": "n", "question": "x?", "answers": [{}]}, "list of texts"),
        ({"id": "n", "question": "x?", "answers": [""]}, "nothing but an empty text"),
        ("nonsense", "not a JSON object"),
    ],
)
def test_wrong_questions_name_file_and_line(corpus: Path, row: object, says: str) -> None:
    with (corpus / "questions.jsonl").open("a") as handle:
        handle.write(json.dumps(row) + "\n")
    with pytest.raises(CorpusError, match=says) as caught:
        load(corpus)
    assert "questions.jsonl:8" in str(caught.value)


def test_references_may_be_unknown_none_or_given_and_other_columns_are_kept(corpus: Path) -> None:
    rows = [
        {"id": "a", "question": "What do biscuits cost?", "document": "tea.md", "kind": "exact", "page": 3},
        {"id": "b", "question": "What do boats cost?", "answers": [], "evidence": [{"document": "tea.md"}] * 2},
        {"id": "c", "question": "What does tea cost?", "answers": None},
    ]
    with (corpus / "questions.jsonl").open("a") as handle:
        handle.writelines(json.dumps(row) + "\n" for row in rows)
    loaded = load(corpus)
    found = {q.id: q for q in loaded.questions}
    assert [found[i].answers for i in "abc"] == [None, (), None]
    text = next(d.text for d in loaded.documents if d.id == "tea.md")
    assert [(e.document_id, e.start, e.end) for e in found["a"].evidence] == [("tea.md", 0, len(text))]
    assert found["b"].evidence == found["a"].evidence
    assert found["a"].tags == ("kind:exact", "page:3")
    info = corpus_info(loaded, [1] * len(loaded.documents))
    assert (info.unanswerable, info.without_reference) == (3, 2)
    assert "2 with no reference known" in corpus_table(info)


def test_missing_and_empty_corpora(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such corpus"):
        load(tmp_path / "none")
    (tmp_path / "bare").mkdir()
    with pytest.raises(CorpusError, match="no documents/ folder"):
        load(tmp_path / "bare")
    (tmp_path / "bare" / "documents").mkdir()
    with pytest.raises(CorpusError, match="corpus is empty"):
        load(tmp_path / "bare")


def test_duplicate_document_ids(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c", {"a.jsonl": '{"id": "x", "text": "1"}\n{"id": "x", "text": "2"}\n'}, [])
    with pytest.raises(CorpusError, match="share the id"):
        load(folder)


def test_not_json_line(corpus: Path) -> None:
    (corpus / "questions.jsonl").write_text("{oops\n")
    with pytest.raises(CorpusError, match=r"questions\.jsonl:1: this line is not JSON"):
        load(corpus)


def test_leaks_are_found_but_near_misses_are_not() -> None:
    questions = [
        Question("a", "Who runs the depot in Hull?", ("Ann",), split="train"),
        Question("b", "who runs the depot in Hull", ("Ann",)),
        Question("c", "Who runs the depot in Leeds?", ("Bob",)),
        Question("d", "What is the weather?", ("wet",)),
    ]
    assert [(k.test_id, k.train_id) for k in find_leaks(questions)] == [("b", "a")]


def test_leaks_are_an_error_unless_allowed(tmp_path: Path) -> None:
    rows = [QUESTIONS[0], {**QUESTIONS[0], "id": "copy", "split": "train"}]
    loaded = load(write_corpus(tmp_path / "c", questions=rows))
    with pytest.raises(CorpusError, match="stand in the train split"):
        refuse_leaks(loaded, allow=False)
    assert len(refuse_leaks(loaded, allow=True)) == 1


def test_info_counts(tmp_path: Path) -> None:
    rows = [*QUESTIONS, {**QUESTIONS[0], "id": "again", "split": "train"}]
    loaded = load(write_corpus(tmp_path / "c", questions=rows))
    info = corpus_info(loaded, [10, 70, 5000])
    assert (info.documents, info.questions, info.unanswerable) == (3, 8, 2)
    assert info.histogram == [(0, 64, 1), (64, 128, 1), (4096, 10**9, 1)]
    assert info.same_question == [("q1", "again")]
    text = corpus_table(info)
    assert "1 leaks" in text
    assert "4096 and more" in text


def test_the_shipped_corpus_keeps_its_promises() -> None:
    loaded = load(HANDBOOK)
    kinds = {d.id.rsplit(".", 1)[1] for d in loaded.documents}
    assert 60 <= len(loaded.documents) <= 100
    assert {"md", "html", "pdf", "docx", "csv"} <= kinds
    assert not loaded.skipped
    assert find_leaks(loaded.questions) == []
    tags = {t for q in loaded.questions for t in q.tags}
    assert {"single fact", "paraphrase", "two documents", "comparison", "unanswerable", "seen", "unseen"} <= tags
    single = [q for q in loaded.questions if "single fact" in q.tags or "paraphrase" in q.tags]
    facts = {s: {t for q in single if q.split == s for t in q.tags if t.startswith("fact:")} for s in ("train", "test")}
    assert 0.4 <= len(facts["train"]) / len(facts["train"] | facts["test"]) <= 0.6
    unseen = {t for q in single if "unseen" in q.tags for t in q.tags if t.startswith("fact:")}
    assert not unseen & facts["train"]


def test_the_small_set_of_questions_is_part_of_the_whole() -> None:
    whole = load(HANDBOOK)
    small = load_corpus(CorpusSettings(path=str(HANDBOOK), questions=str(HANDBOOK / "small.jsonl")))
    assert small.documents_hash == whole.documents_hash
    assert set(small.questions) < set(whole.questions)
    kinds = Counter(next(t for t in q.tags if not t.startswith("fact:")) for q in small.split("test"))
    assert kinds == {"paraphrase": 28, "single fact": 26, "two documents": 8, "comparison": 8, "unanswerable": 14}
    taught = {t for q in small.split("train") for t in q.tags if t.startswith("fact:")}
    single = [q for q in small.split("test") if {"paraphrase", "single fact"} & set(q.tags)]
    assert all(("seen" in q.tags) == bool(taught & set(q.tags)) for q in single)


def test_questions_may_lie_elsewhere(corpus: Path, tmp_path: Path) -> None:
    other = tmp_path / "mine.jsonl"
    other.write_text('{"id": "p", "question": "Who pours the tea?", "answers": ["Ola Brand"]}\n')
    found = load_corpus(CorpusSettings(path=str(corpus), questions=str(other))).questions
    assert [q.text for q in found] == ["Who pours the tea?"]
    with pytest.raises(CorpusError, match=r"none\.jsonl: there is no such file of questions\. Mend corpus\.questions"):
        load_corpus(CorpusSettings(path=str(corpus), questions=str(tmp_path / "none.jsonl")))


def test_links_that_lead_out_of_the_documents_are_not_followed_and_said(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("A password.")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.txt").write_text("Another.")
    folder = corpus / "documents"
    before = load(corpus)
    (folder / "a.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "sub").symlink_to(tmp_path / "more")
    (folder / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    found = load(corpus)
    assert found.hash == before.hash
    said = {s.path: s.reason for s in found.skipped}
    assert set(said) == {"a.txt", "sub", "gone.txt"}
    assert all("leads out of the folder and is not followed" in why for why in said.values())
    inside = next(p for p in folder.iterdir() if p.is_file() and not p.is_symlink())
    (folder / "again.md").symlink_to(inside)
    (folder / "round").symlink_to(folder)
    (folder / "circle.md").symlink_to(folder / "circle.md")
    again = load(corpus)
    assert "again.md" in {d.id for d in again.documents}
    assert {s.path for s in again.skipped} == {"a.txt", "sub", "gone.txt"}
    with pytest.raises(CorpusError, match="lead out of this folder"):
        import_corpus("folder", folder, tmp_path / "made")


def test_skipped_files_stand_one_a_line(corpus: Path) -> None:
    for n in range(22):
        (corpus / "documents" / f"empty{n:02}.txt").write_text(" \n")
    table = corpus_table(corpus_info(load(corpus), [1] * len(load(corpus).documents)))
    assert "22 files skipped:\n  empty00.txt: there is no text in this file\n" in table
    assert "  empty19.txt: there is no text in this file\n  and 2 more (all of them with --json)" in table
