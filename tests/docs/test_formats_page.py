"""The page of files is the one that is made; its examples are read by the real readers, and real files have its fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from conftest import write_corpus

import ragtune
from docs.formats import PAGE, Format, formats, page, records, source
from ragtune.api import save_baseline
from ragtune.cli import main
from ragtune.corpus.answers import COLUMNS, read_answers
from ragtune.corpus.changes import read_changes
from ragtune.corpus.check import corpus_info
from ragtune.corpus.importers import _NAMES, import_corpus
from ragtune.corpus.labelled import read_judged, read_labelled
from ragtune.corpus.load import Corpus, CorpusSettings, load_corpus, read_whole
from ragtune.corpus.questions import KEYS, read_questions
from ragtune.corpus.review import Review
from ragtune.corpus.sheets import OURS, read_sheet
from ragtune.experiment.calibration import Evaluation
from ragtune.experiment.folder import Run
from ragtune.experiment.progress import Silent
from ragtune.experiment.spec import load_experiment
from ragtune.experiment.trust import findings
from ragtune.gate.outcome import Verdict
from ragtune.generation.prompts import load_prompt
from ragtune.report.agreement import as_json
from ragtune.report.terminal import answer_json
from ragtune.store import Store, decode, encode
from ragtune.synthesis import told
from ragtune.synthesis.make import synthesise
from ragtune.synthesis.settings import SynthesisSettings

ROOT = Path(__file__).parents[2]
READ = {each.title: each for each in formats("read")}
WRITTEN = {each.title: each for each in formats("written")}


def handbook() -> Corpus:
    return load_corpus(CorpusSettings(path=str(ROOT / "corpora" / "handbook")))


def test_the_page_is_the_one_that_is_made() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make docs`"


def test_every_field_has_a_meaning_and_no_other() -> None:
    told = source()["records"]
    assert set(told) == set(records())
    for name, own in records().items():
        assert set(told[name]) == set(own), name
        assert all(told[name].values())


def written(each: Format, folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(each.example, "utf-8")
    return path


def rows(each: Format) -> list[dict[str, Any]]:
    return [json.loads(line) for line in each.example.splitlines()]


def _experiment(folder: Path, each: Format) -> None:
    found = load_experiment(written(each, folder, "leave.yaml"))
    assert [s.retrieval is not None for s in found.setups.values()] == [True, True]


def _questions(folder: Path, each: Format) -> None:
    found = read_questions(written(each, folder, "questions.jsonl"), handbook().documents)
    assert [q.answers for q in found] == [("27 days", "27"), ("4410",), ("five days",), ()]
    assert found[2].tags == ("author:Ada",)
    assert set(each.fields or ()) == KEYS


def _spans(folder: Path, each: Format) -> None:
    question = {"id": "q", "question": "Which?", "evidence": rows(each)}
    (folder / "q.jsonl").write_text(json.dumps(question), "utf-8")
    [found] = read_questions(folder / "q.jsonl", handbook().documents)
    assert [len(item.alternatives) for item in found.evidence] == [1, 1]
    assert [(span.start, span.end) for span in found.spans] == [(37, 60), (20, 46)]


def _documents(folder: Path, each: Format) -> None:
    [document] = read_whole(written(each, folder, "d.jsonl"), "d.jsonl", 1).documents
    assert (document.id, document.metadata) == ("leave", {"title": "Annual leave", "team": "people"})


def _side(folder: Path, each: Format) -> None:
    (folder / "a.txt").write_text("Tea at noon.", "utf-8")
    written(each, folder, "a.txt.meta.json")
    assert read_whole(folder / "a.txt", "a.txt", 1).documents[0].metadata == rows(each)[0]


def _changes(folder: Path, each: Format) -> None:
    [change] = read_changes(written(each, folder, "c.jsonl"), {d.id: d for d in handbook().documents})
    assert (change.old, change.text, change.answers) == (
        "27 days of leave a year",
        "29 days of leave a year",
        ("29 days",),
    )


def _answers(folder: Path, each: Format) -> None:
    found = read_answers(written(each, folder, "a.jsonl"))
    assert [(r.id, r.references, r.unanswerable) for r in found.rows] == [("q1", ("15:30",), False), ("q2", (), True)]
    assert each.fields
    assert {
        name: set(re.findall(r"`(\w+)`", told.partition("also")[2])) for name, (_, told) in each.fields.items()
    } == {name: set(others) for name, others in COLUMNS.items()}


def _labelled(folder: Path, each: Format) -> None:
    assert [x.supported for x in read_labelled(written(each, folder, "l.jsonl"))] == [True, False]


def _judged(folder: Path, each: Format) -> None:
    assert [x.supported for x in read_judged(written(each, folder, "l.jsonl"))] == [True, False]


def _imported(folder: Path, each: Format) -> None:
    import_corpus("jsonl", written(each, folder, "rows.jsonl"), folder / "made")
    [question] = load_corpus(CorpusSettings(path=str(folder / "made"))).questions
    assert (question.id, question.answers, question.tags) == ("q1", ("15:30",), ("times", "single fact"))
    assert [(span.start, span.end) for span in question.spans] == [(17, 22)]
    told = {
        name for told in (each.fields or {}).values() for name in re.findall(r"`(\w+)`", told[1].partition("also")[2])
    }
    assert {*(each.fields or ()), *told} == set(_NAMES)


def _list(folder: Path, each: Format) -> None:
    found, by_search, without = read_sheet(written(each, folder, "faq.csv"), handbook().documents, "test")
    assert [q.answers for q in found] == [("27 days", "27"), ()]
    assert (by_search, without) == (1, 0)
    assert set(each.fields or ()) == set(OURS)


def _prompt(folder: Path, each: Format) -> None:
    made = load_prompt(str(written(each, folder, "p.yaml")))
    assert made.abstain == "I don't know."
    assert set(each.fields or ()) == {"system", "context", "user", "abstain"}


READERS: dict[str, Callable[[Path, Format], None]] = {
    "An experiment": _experiment,
    "Questions": _questions,
    "Spans of evidence": _spans,
    "Rows that are documents": _documents,
    "Metadata beside a document": _side,
    "Changes": _changes,
    "Answers of any system": _answers,
    "Answers that people labelled by their contexts": _labelled,
    "Answers that people labelled by their references": _judged,
    "Rows to be imported": _imported,
    "A list of questions and answers": _list,
    "A prompt": _prompt,
}


@pytest.mark.parametrize("title", READ)
def test_an_example_is_read_as_it_says(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    each = READ[title]
    READERS[title](tmp_path, each)
    if each.language == "json":
        assert set(each.fields or ()) <= {key for row in rows(each) for key in row}, "an example shows every field"


def test_the_sample_of_the_readme_shows_every_field(tmp_path: Path) -> None:
    block = re.search(r"```json\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    assert block
    shown = [json.loads(text) for text in re.split(r"\n(?=\{)", block[1])]
    (tmp_path / "questions.jsonl").write_text("\n".join(map(json.dumps, shown)), "utf-8")
    found = read_questions(tmp_path / "questions.jsonl", handbook().documents)
    assert [(q.split, len(q.evidence)) for q in found] == [
        ("test", 1),
        ("test", 2),
        ("train", 1),
        ("test", 0),
        ("dev", 0),
    ]
    assert [q.answers for q in found[2:]] == [("five days",), (), None]
    assert {key for row in shown for key in row} >= KEYS


def fits(kind: Any, data: Any, where: str = "") -> None:
    """``data`` holds exactly the fields of the record ``kind``, all the way down."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        assert set(data) == {f.name for f in fields(kind)}, where
        for name, value in data.items():
            fits(hints[name], value, f"{where}.{name}")
        return
    origin, parts = get_origin(kind), [p for p in get_args(kind) if p is not ...]
    if origin in (Union, UnionType):
        inner = [p for p in parts if isinstance(p, type) and is_dataclass(p)]
        if data is not None and inner:
            fits(next((p for p in inner if set(data) == {f.name for f in fields(p)}), inner[0]), data, where)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        for key, value in data.items():
            fits(parts[1], value, f"{where}.{key}")
    elif origin in (tuple, list) and len(parts) == 1:
        for n, value in enumerate(data):
            fits(parts[0], value, f"{where}.{n}")


def holds(each: Format, text: str) -> list[Any]:
    """The records of a written file, each with exactly the fields that the page tells."""
    found = [json.loads(line) for line in text.splitlines()] if each.lines else json.loads(text)
    found = found if each.lines or each.list else [found]
    for one in found:
        if each.record:
            assert set(each.beside) <= set(one)
            fits(each.kind, {k: v for k, v in one.items() if k not in each.beside}, each.title)
            decode(each.kind, one)
        else:
            assert set(one) == set(each.fields or ()), each.title
    return found


@pytest.mark.parametrize("title", WRITTEN)
def test_an_example_of_a_written_file_has_its_fields(title: str) -> None:
    assert holds(WRITTEN[title], WRITTEN[title].example)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("formats")
    write_corpus(root / "corpus")
    lexical = "retrieval: {dense: false, lexical: true}"
    (root / "e.yaml").write_text(
        f"corpus: {root}/corpus\njudge: {{embedder: 'bundled:minilm', extra_metrics: []}}\ncosts: {{machine_hour: 1}}\n"
        "chunking: {by: document}\n"
        f"setups:\n  one: {{{lexical}, generator: {{model: extractive}}}}\n"
        f"  two: {{retrieval: {{dense: false, lexical: true, top_k: 1}}, generator: {{model: extractive}}}}\n"
    )
    return ragtune.run(root / "e.yaml", out=root / "run", store=root / "store", progress=Silent())


def test_a_runs_files_have_the_fields_that_are_told(run: Run) -> None:
    of_run = {each.file.removeprefix("RUN/"): each for each in WRITTEN.values() if each.file.startswith("RUN/")}
    assert {p.name for p in run.path.iterdir()} == {*of_run, "experiment.yaml"}
    for name, each in of_run.items():
        found = holds(each, (run.path / name).read_text("utf-8"))
        assert found or name == "tuning.json"


def test_what_the_gate_writes(run: Run, tmp_path: Path) -> None:
    save_baseline(run, tmp_path / "baseline.json")
    holds(WRITTEN["A baseline"], (tmp_path / "baseline.json").read_text("utf-8"))
    places = ["--json", str(tmp_path / "gate.json"), "--junit", str(tmp_path / "gate.xml")]
    main(["check", str(run.path), "--baseline", str(tmp_path / "baseline.json"), "--min", "exact_match=1", *places])
    [gate] = holds(WRITTEN["The gate as JSON"], (tmp_path / "gate.json").read_text("utf-8"))
    assert gate["code"] == 1
    first = decode(Verdict, gate["verdicts"][0])
    xml = (tmp_path / "gate.xml").read_text("utf-8")
    assert f'<testcase classname="{first.setup}.{first.metric}" name="{first.part}"' in xml
    assert '<testcase classname="limit" name="one: exact_match is' in xml


def test_what_is_printed_as_json(run: Run) -> None:
    holds(WRITTEN["An answer of the assistant"], answer_json(run.rows[0]))
    corpus = load_corpus(CorpusSettings(path=run.experiment.corpus.path))
    info = corpus_info(corpus, [10] * len(corpus.documents))
    holds(WRITTEN["A corpus in numbers"], json.dumps(encode(info)))
    for finding in findings(corpus):
        holds(WRITTEN["What is to be known of a set of questions"], json.dumps(encode(finding)))


def test_what_is_written_of_made_and_reviewed_questions(tmp_path: Path) -> None:
    corpus = handbook()
    bare = Corpus(tmp_path, corpus.documents, ())
    made = synthesise(bare, SynthesisSettings(number=4, check=False), Store(tmp_path / "store"), Silent())
    beside = told.write(made, bare, tmp_path / "questions.jsonl")
    holds(WRITTEN["Counts of made questions"], beside.read_text("utf-8"))
    review = Review(tmp_path / "questions.jsonl", corpus.documents)
    review.decide(review.entries[0].id, "accept")
    holds(WRITTEN["Decisions of a review"], review.log.read_text("utf-8"))


def test_what_judge_evaluate_writes() -> None:
    each = WRITTEN["How far a judge agrees with people"]
    found = decode(each.kind, json.loads(each.example))
    told = json.loads(as_json("local", [Evaluation("labels", "faithfulness", found)]))
    assert set(told) == {"judge", "version", "sets"}
    holds(each, json.dumps(told["sets"]["labels"]))
