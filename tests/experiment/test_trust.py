"""What a set of questions can be trusted with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conftest import write_corpus

import ragtune
from ragtune.corpus.load import Corpus, CorpusSettings, load_corpus
from ragtune.experiment.progress import Silent
from ragtune.experiment.trust import findings
from ragtune.records import Evidence


def told(corpus: Corpus, **options: object) -> list[str]:
    return [f.text for f in findings(corpus, **options)]  # type: ignore[arg-type]


def loaded(folder: Path) -> Corpus:
    return load_corpus(CorpusSettings(path=str(write_corpus(folder))))


def test_references_away_from_their_evidence_and_questions_without(tmp_path: Path) -> None:
    corpus = loaded(tmp_path)
    moved = tuple(
        replace(q, answers=("Zeus of Olympus",)) if q.id == "q2" else replace(q, evidence=()) if q.id == "q1" else q
        for q in corpus.questions
    )
    found = {f.text: f.ids for f in findings(Corpus(corpus.path, corpus.documents, moved))}
    assert found["1 reference does not stand in its evidence"] == ("q2",)
    assert found["1 answerable question without evidence: retrieval is not measured on them"] == ("q1",)
    assert not any("reference" in text and "does not stand" in text for text in told(corpus))


def test_lopsided_sets_and_what_would_help(tmp_path: Path) -> None:
    corpus = loaded(tmp_path)
    base = corpus.questions[0]
    many = tuple(replace(base, id=f"n{n}", text=f"{base.text} {n}") for n in range(12))
    texts = told(Corpus(corpus.path, corpus.documents, many))
    assert any("12 of 12 questions with evidence ask about one document (tea.md)" in t for t in texts)
    assert any("whether a setup invents answers is not measured" in t for t in texts)
    assert texts[-1].startswith("What would help most: questions that the documents do not answer")
    spread = tuple(replace(q, evidence=(Evidence(("tea.md", "boats.txt")[n % 2], 0, 5),)) for n, q in enumerate(many))
    assert not any("one document" in t for t in told(Corpus(corpus.path, corpus.documents, spread)))


def test_no_question_of_the_split(tmp_path: Path) -> None:
    corpus = loaded(tmp_path)
    assert told(Corpus(corpus.path, corpus.documents, ()), split="test") == ["No question stands in the split test."]


def test_a_run_tells_which_questions_tell_setups_apart(tmp_path: Path) -> None:
    corpus = loaded(tmp_path / "c")
    (tmp_path / "e.yaml").write_text(
        f"name: e\ncorpus: {tmp_path / 'c'}\nlatency: {{sample: 0}}\njudge: {{embedder: 'bundled:minilm'}}\nsetups:\n"
        "  one: {generator: {model: extractive}, retrieval: {dense: false, lexical: true}}\n"
        "  two: {generator: {model: extractive}, retrieval: {dense: false, lexical: true, top_k: 1}}\n"
    )
    run = ragtune.run(tmp_path / "e.yaml", out=tmp_path / "run", store=tmp_path / "store", progress=Silent())
    found = {f.text.split(" question")[0]: f.ids for f in findings(corpus, run=run)}
    texts = told(corpus, run=run)
    assert any("every setup of the Run has right" in t for t in texts) or any("no setup of the Run" in t for t in texts)
    every = {i for f in findings(corpus, run=run) if "of the Run" in f.text for i in f.ids}
    assert every <= {"q1", "q2"}
    assert found
