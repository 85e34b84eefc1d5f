"""Which chunk holds evidence: by place, by text, any of, all of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import write_corpus
from hypothesis import given
from hypothesis import strategies as st

from ragtune.analysis.causes import Known, cause
from ragtune.corpus.evidence import concerns, fulfils, relevant_chunks, right_chunks, share_fulfilled, span_of
from ragtune.corpus.importers import import_corpus
from ragtune.corpus.load import CorpusSettings, load_corpus
from ragtune.errors import CorpusError
from ragtune.records import Answer, AnyOf, Chunk, Document, Evidence, Hit, Item, Question, Row, question_key
from ragtune.retrieval.measure import measure_retrieval
from ragtune.retrieval.oracle import Oracle
from ragtune.retrieval.settings import RetrievalSettings
from ragtune.store import decode, encode
from ragtune.tuning.recipes import build_items
from ragtune.tuning.settings import TuningSettings

LEAVE = Document("leave", "Staff have 27 days of leave a year. Overtime is approved by the duty manager.")
COPY = Document("copy", "Old news. STAFF have 27 days  of leave a year! Nothing else.")
LIKE = Document("like", "Staff have 2027 days of leave a year.")


def whole(document: Document) -> Chunk:
    return Chunk(f"c-{document.id}", document.id, 0, len(document.text), document.text)


def quoted(document: Document, text: str) -> Evidence:
    start = document.text.index(text)
    return span_of(document, start, start + len(text))


def recall(question: Question, found: list[Chunk], chunks: list[Chunk], k: int) -> float:
    hits = [Hit(c, 1.0 / n, n) for n, c in enumerate(found, 1)]
    return measure_retrieval([question], [hits], chunks)[f"recall@{k}"][0]


def test_a_quote_counts_wherever_it_stands_word_for_word() -> None:
    evidence = quoted(LEAVE, "27 days of leave")
    assert evidence.quote == "27 days of leave"
    assert [fulfils(whole(d), evidence) for d in (LEAVE, COPY, LIKE)] == [True, True, False]
    asked = Question("q", "?", ("27",), (evidence,))
    chunks = [whole(d) for d in (LEAVE, COPY, LIKE)]
    values = measure_retrieval([asked], [[Hit(chunks[1], 1.0, 1)]], chunks)
    assert (values["recall@1"], values["RR@10"], values["success@1"]) == ([1.0], [1.0], [1.0])


def test_a_short_quote_counts_by_its_sentence_and_a_short_sentence_by_its_place() -> None:
    assert quoted(LEAVE, "27").quote == "Staff have 27 days of leave a year."
    assert fulfils(whole(COPY), quoted(LEAVE, "27"))
    assert not fulfils(whole(LIKE), quoted(LEAVE, "27"))
    table = Document("t", "K-1\nshed\n")
    assert quoted(table, "shed") == Evidence("t", 4, 8, "")
    assert not fulfils(whole(Document("u", "The shed is red.")), quoted(table, "shed"))


def test_a_document_alone_is_fulfilled_by_any_of_its_chunks_and_a_copy_is_another_document(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"id": "q", "question": "What?", "evidence": [{"document": "a.txt"}]}]
    write_corpus(tmp_path, {"a.txt": "One red boat sails. Two blue boats rest.", "b.txt": "One red boat sails."}, rows)
    [question] = load_corpus(CorpusSettings(path=str(tmp_path))).questions
    assert fulfils(Chunk("1", "a.txt", 20, 40, "Two blue boats rest."), question.evidence[0])
    assert not fulfils(Chunk("2", "b.txt", 0, 19, "One red boat sails."), question.evidence[0])


def test_any_of_needs_one_and_all_of_needs_every_item(tmp_path: Path) -> None:
    text = "Tea is at noon. Lunch is at one. The cook is Ida."
    places = [{"document": "a.txt", "quote": "noon"}, {"document": "a.txt", "quote": "one"}]
    rows: list[dict[str, object]] = [
        {"id": "any", "question": "When?", "evidence": [{"any": places}]},
        {"id": "all", "question": "When?", "evidence": places},
        {"id": "both", "question": "When?", "evidence": [{"any": places}, {"document": "a.txt", "quote": "Ida"}]},
        {"id": "same", "question": "When?", "evidence": [{"any": [places[0], places[0]]}]},
    ]
    write_corpus(tmp_path, {"a.txt": text}, rows)
    asked = {q.id: q for q in load_corpus(CorpusSettings(path=str(tmp_path))).questions}
    cuts = [(0, 15), (16, 32), (33, len(text))]
    chunks = [Chunk(str(n), "a.txt", a, b, text[a:b]) for n, (a, b) in enumerate(cuts)]
    assert [recall(asked[i], chunks[:1], chunks, 1) for i in ("any", "all", "both", "same")] == [1.0, 0.5, 0.5, 1.0]
    assert [recall(asked["both"], found, chunks, 3) for found in (chunks[:2], chunks[1:], chunks)] == [0.5, 1.0, 1.0]
    by_document = {"a.txt": chunks}
    assert [c.id for c in right_chunks(asked["both"], by_document)] == ["0", "2"]
    shown = Oracle(chunks, RetrievalSettings(source="oracle"), None).hits([asked["all"]])
    assert [h.chunk.id for h in shown[0]] == ["0", "1"]
    assert asked["same"].evidence == (asked["all"].evidence[0],)
    assert decode(Question, encode(asked["both"])) == asked["both"]


@pytest.mark.parametrize(
    "wrong", [{"any": []}, {"any": "x"}, {"any": [{}]}, {"any": [{"document": "a.txt"}], "quote": "x"}]
)
def test_wrong_alternatives_are_one_line(tmp_path: Path, wrong: object) -> None:
    write_corpus(tmp_path, {"a.txt": "Tea."}, [{"id": "q", "question": "?", "evidence": [wrong]}])
    with pytest.raises(CorpusError, match=r"questions\.jsonl:1"):
        load_corpus(CorpusSettings(path=str(tmp_path)))


def test_the_places_of_a_squad_answer_are_alternatives(tmp_path: Path) -> None:
    text = "Denver won in 2016. " + "Filler words stand here. " * 20 + "In 2016 Denver won the Super Bowl."
    places = [
        {"text": "2016", "answer_start": text.index("2016")},
        {"text": "2016", "answer_start": text.rindex("2016")},
    ]
    places.append({"text": "In 2016", "answer_start": text.rindex("In 2016")})
    qas = [{"id": "1", "question": "When?", "answers": places}]
    source = tmp_path / "s.json"
    source.write_text(json.dumps({"data": [{"title": "A", "paragraphs": [{"context": text, "qas": qas}]}]}))
    import_corpus("squad", source, tmp_path / "c")
    corpus = load_corpus(CorpusSettings(path=str(tmp_path / "c")))
    [question], [document] = corpus.questions, corpus.documents
    [item] = question.evidence
    assert len(item.alternatives) == 3
    chunks = [Chunk(str(a), document.id, a, b, text[a:b]) for a, b in ((0, 19), (20, 500), (520, len(text)))]
    assert [recall(question, [c], chunks, 1) for c in chunks] == [1.0, 0.0, 1.0]


def test_references_in_a_context_are_alternatives(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("question,answers,context\nColour?,red||crimson,The door is crimson or red.\n")
    import_corpus("csv", tmp_path / "a.csv", tmp_path / "c")
    [question] = load_corpus(CorpusSettings(path=str(tmp_path / "c"))).questions
    assert [(s.start, s.end) for s in question.spans] == [(23, 26), (12, 19)]
    assert len(question.evidence) == 1


def test_training_counts_a_copy_as_right_and_half_of_the_evidence_as_missing() -> None:
    chunks = [whole(d) for d in (LEAVE, COPY, LIKE)]
    days, manager = quoted(LEAVE, "27 days of leave"), quoted(LEAVE, "by the duty manager")

    def target(evidence: tuple[Item, ...], found: list[Chunk], train_on: str = "contexts") -> tuple[str, list[str]]:
        asked = Question("q", "How many days?", ("27",), evidence, "train")
        hits = [Hit(c, 1.0, n) for n, c in enumerate(found, 1)]
        settings = TuningSettings(train_on=train_on, without_right=1.0)
        [item] = build_items([asked], [hits], chunks, settings, "I don't know.", 0)
        return item.target, [h.chunk.id for h in item.hits]

    assert target((days,), [chunks[2], chunks[1]])[0] == "27 [2]"
    assert target((days, manager), [chunks[1]])[0] == "I don't know."
    assert target((days, manager), [chunks[0]])[0] == "27 [1]"
    assert target((AnyOf((manager, days)),), [chunks[1]])[0] == "27 [1]"
    assert target((days,), chunks, "raft")[1] == ["c-like"]  # a copy is no distractor


def test_keys_of_questions_leave_quotes_out() -> None:
    days = quoted(LEAVE, "27 days of leave")
    place = {"document_id": "leave", "start": days.start, "end": days.end}
    assert question_key(Question("q", "?", None, (days,)))["evidence"] == (place,)
    assert question_key(Question("q", "?", None, (AnyOf((days,)),)))["evidence"] == ({"any": (place,)},)


TEXTS = [LEAVE, COPY, LIKE, Document("tea", "Tea is at noon. Tea is at noon on most days of the year.")]
spans = st.sampled_from(TEXTS).flatmap(
    lambda d: st.tuples(st.integers(0, len(d.text) - 1), st.integers(1, 40)).map(
        lambda at: span_of(d, at[0], min(len(d.text), at[0] + at[1]))
    )
)
items = st.one_of(spans, st.lists(spans, min_size=1, max_size=3).map(lambda s: AnyOf(tuple(s))))
pieces = [
    Chunk(f"{d.id}{n}", d.id, n, min(len(d.text), n + 30), d.text[n : n + 30])
    for d in TEXTS
    for n in range(0, len(d.text), 25)
] + [whole(d) for d in TEXTS]
found = st.lists(st.sampled_from(pieces), unique_by=lambda c: c.id, max_size=6)


@given(st.lists(items, min_size=1, max_size=3), spans, found)
def test_recall_is_a_share_and_no_alternative_lowers_it(
    evidence: list[Item], more: Evidence, hits: list[Chunk]
) -> None:
    asked = Question("q", "?", None, tuple(evidence))
    wider = Question("q", "?", None, (AnyOf((*evidence[0].alternatives, more)), *evidence[1:]))
    for k in (1, 3, 5, 10):
        before, after = (recall(q, hits, pieces, k) for q in (asked, wider))
        assert 0 <= before <= after <= 1
    assert share_fulfilled(asked, hits) == recall(asked, hits, pieces, 10)
    assert relevant_chunks([asked], pieces)["q"] == {c.id for c in pieces if concerns(asked, c)}


def test_a_copy_is_no_distractor_and_no_miss() -> None:
    chunks = [whole(d) for d in (LEAVE, COPY, LIKE)]
    asked = Question("q", "How many days?", ("27",), (quoted(LEAVE, "27 days of leave"),))

    class Search:
        def hits(self, questions: list[Question]) -> list[list[Hit]]:
            return [[Hit(c, 1.0, n) for n, c in enumerate(chunks[::-1], 1)] for _ in questions]

    settings = RetrievalSettings.model_validate({"source": "oracle", "top_k": 3, "oracle": {"distractors": 2}})
    assert [h.chunk.id for h in Oracle(chunks, settings, Search()).hits([asked])[0]] == ["c-leave", "c-like"]
    known = Known([Hit(chunks[1], 1.0, 1)], True, frozenset(), lambda said: False)
    row = Row("s", 0, asked, Answer("", (), (Hit(chunks[1], 1.0, 1),), outcome="abstained"))
    assert cause(row, known) == "abstained_answerable"
    missed = replace(row, answer=replace(row.answer, hits=(Hit(chunks[2], 1.0, 1),)))
    assert cause(missed, known) == "ranked_out"


def test_alternatives_move_with_changes(tmp_path: Path) -> None:
    text = "Tea is at noon in the hall. Tea is at noon in the garden."
    spans = [{"document": "a.txt", "quote": "noon"}, {"document": "a.txt", "quote": "noon in the garden"}]
    write_corpus(tmp_path / "c", {"a.txt": text}, [{"id": "q", "question": "When?", "evidence": [{"any": spans}]}])
    change = {
        "document": "a.txt",
        "find": "Tea is at noon in the hall",
        "replace": "Coffee is at noon in the large hall",
    }
    (tmp_path / "changes.jsonl").write_text(json.dumps(change))
    settings = CorpusSettings(path=str(tmp_path / "c"), changes=str(tmp_path / "changes.jsonl"))
    corpus = load_corpus(settings)
    [item] = corpus.questions[0].evidence
    assert [s.quote for s in item.alternatives] == ["Coffee is at noon in the large hall", "noon in the garden"]


def test_evidence_written_before_there_were_alternatives_is_read() -> None:
    row = {"id": "q", "text": "?", "answers": ["x"], "evidence": [{"document_id": "d", "start": 1, "end": 2}]}
    assert decode(Question, row).evidence == (Evidence("d", 1, 2),)
