"""Tuning on several corpora, in several prompts, with a drawn number of contexts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import write_corpus

from ragtune.errors import ExperimentError, RagtuneError
from ragtune.experiment import tune
from ragtune.experiment.chunk import allowed_chunks
from ragtune.experiment.progress import Silent
from ragtune.experiment.spec import load_experiment
from ragtune.experiment.workbench import Workbench
from ragtune.records import Document, Hit
from ragtune.store import Store
from ragtune.tuning.recipes import build_items
from ragtune.tuning.settings import TuningSettings

EXPERIMENT = """\
name: several
corpus: {path: ROOT/corpus}
generator: {model: SMALL, max_new_tokens: 6}
setups:
  read:
    retrieval: {top_k: 2, dense: false, lexical: {}}
    tuning:
      train_on: raft
      epochs: 1
      prompts: [cited, brief]
      contexts: [1, 3]
      corpora: [{path: ROOT/corpus, weight: 2.5}, {path: ROOT/more, weight: 0.5}]
"""


def placed(text: str, small: Path, root: Path) -> str:
    return text.replace("SMALL", str(small)).replace("ROOT", str(root))


def more(folder: Path, questions: int = 8) -> None:
    (folder / "documents").mkdir(parents=True)
    rows = []
    for n in range(questions):
        text = f"The gate {n} opens at {n + 6} o'clock. It is painted in colour {n}."
        (folder / "documents" / f"{n}.txt").write_text(text)
        row = {
            "id": f"m{n}",
            "question": f"When does gate {n} open?",
            "answers": [f"{n + 6} o'clock"],
            "split": "train",
        }
        rows.append({**row, "evidence": [{"document": f"{n}.txt", "quote": f"{n + 6} o'clock"}]})
    (folder / "questions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))


@pytest.fixture
def bench(small: Path, tmp_path: Path) -> Workbench:
    write_corpus(tmp_path / "corpus")
    more(tmp_path / "more")
    (tmp_path / "e.yaml").write_text(placed(EXPERIMENT, small, tmp_path))
    return Workbench(load_experiment(tmp_path / "e.yaml"), Store(tmp_path / "store"), Silent())


def test_weights_say_how_often_a_corpus_is_seen(bench: Workbench) -> None:
    setup = bench.experiment.setups["read"]
    [(first, own), (second, other)] = tune.training_questions(bench, setup, 0, "train")
    assert first is bench
    assert second is not bench
    count = len(bench.corpus.split("train"))
    assert len(own) == 2 * count + round(0.5 * count)
    assert {q.id for q in own} == {q.id for q in bench.corpus.split("train")}
    assert len({q.id for q in other}) == len(other) == 4
    assert tune.count_questions(bench, setup, 0) == len(own) + 4
    assert [q.id for q in tune.training_questions(bench, setup, 1, "train")[1][1]] != [q.id for q in other]


def test_what_is_taught_stands_in_every_prompt_and_in_the_key(bench: Workbench, small: Path) -> None:
    setup = bench.experiment.setups["read"]
    job = tune.tune_job(bench, setup, 0)
    model = bench.language_model(str(small), "auto", "auto")
    texts = [model.tokenizer.decode(item.prompt) for item in job.train]
    assert len(texts) == tune.count_questions(bench, setup, 0)
    cited = ["Question" in text for text in texts]
    assert any(cited)
    assert not all(cited)
    assert tune.tune_job(bench, setup, 0).train == job.train
    assert tune.tune_job(bench, setup, 1).train != job.train
    keys = {tune.tune_key(bench, setup, 0)}
    for change in ({"prompts": ("cited",)}, {"contexts": None}, {"corpora": setup.tuning.corpora[:1]}):  # type: ignore[union-attr]
        other = setup.model_copy(update={"tuning": setup.tuning.model_copy(update=change)})  # type: ignore[union-attr]
        keys.add(tune.tune_key(bench, other, 0))
    assert len(keys) == 4
    assert setup.retrieval
    wider = setup.model_copy(update={"retrieval": setup.retrieval.model_copy(update={"top_k": 3})})
    assert tune.tune_key(bench, wider, 0) in keys  # what is drawn decides, not what serving shows
    assert len(tune.needed_hits(bench, setup, 0)) == 2


def test_the_same_questions_in_other_corpora_are_another_training(small: Path, tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus")
    more(tmp_path / "more")
    more(tmp_path / "copy")
    keys = set()
    for corpora in ("{path: ROOT/more, weight: 2}", "{path: ROOT/more}, {path: ROOT/copy}"):
        text = EXPERIMENT.replace("{path: ROOT/corpus, weight: 2.5}, {path: ROOT/more, weight: 0.5}", corpora)
        (tmp_path / "e.yaml").write_text(placed(text, small, tmp_path))
        made = Workbench(load_experiment(tmp_path / "e.yaml"), Store(tmp_path / "store"), Silent())
        keys.add(tune.tune_key(made, made.experiment.setups["read"], 0))
    assert len(keys) == 2


def test_training_shows_nothing_that_the_filter_keeps_back(small: Path, tmp_path: Path) -> None:
    more(tmp_path / "more")
    for n in range(8):
        (tmp_path / "more" / "documents" / f"{n}.txt.meta.json").write_text(json.dumps({"tenant": "ab"[n % 2]}))
    text = EXPERIMENT[: EXPERIMENT.index("setups:")].replace("ROOT/corpus", "ROOT/more")
    text += """\
setups:
  read:
    retrieval: {top_k: 4, dense: false, lexical: {}, where: {tenant: a}}
    tuning: {train_on: raft, epochs: 1, when_absent: abstain}
"""
    (tmp_path / "e.yaml").write_text(placed(text, small, tmp_path))
    bench = Workbench(load_experiment(tmp_path / "e.yaml"), Store(tmp_path / "store"), Silent())
    setup = bench.experiment.setups["read"]
    assert {c.document_id for c in allowed_chunks(bench, setup)} == {f"{n}.txt" for n in (0, 2, 4, 6)}
    model = bench.language_model(str(small), "auto", "auto")
    for item in tune.tune_job(bench, setup, 0).train:
        shown = model.tokenizer.decode(item.prompt)
        assert not any(f"gate {n} opens" in shown for n in (1, 3, 5, 7))


def test_the_number_of_contexts_is_drawn(bench: Workbench) -> None:
    from ragtune.corpus.chunking import ChunkSettings, chunk_document
    from ragtune.models.names import resolve
    from ragtune.models.tokens import token_spans

    [_, (other, asked)] = tune.training_questions(bench, bench.experiment.setups["read"], 0, "train")
    spans = token_spans(resolve("bundled:minilm"))
    documents: list[Document] = list(other.corpus.documents)
    chunks = [c for d in documents for c in chunk_document(d, ChunkSettings(), spans)]
    hits = [Hit(c, 1.0, n) for n, c in enumerate(chunks, 1)]
    settings = TuningSettings(train_on="raft", contexts=(1, 3), without_right=0.3)
    items = build_items(asked * 10, [hits] * len(asked) * 10, chunks, settings, "no", 0, top_k=5)
    assert {len(item.hits) for item in items} == {1, 2, 3}
    assert len({tuple(h.chunk.id for h in i.hits) for i in items if i.question.id == asked[0].id}) > 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("tuning.questions=3", "exclude each other"),
        ("tuning.contexts=[3,1]", "the first number is the smaller one"),
        ("tuning.contexts=[1,40]", "needs retrieval.top_k 40"),
        ("tuning.contexts=[0,1]", "greater than or equal to 1"),
        ("tuning.corpora=[{path: nowhere, weight: 0}]", "greater than 0"),
        ("tuning.train_on=closed-book", "contexts"),
        ("tuning.prompts=[nosuch]", "unknown prompt"),
        ("tuning.corpora=[{path: nowhere}]", "no such corpus folder"),
    ],
)
def test_wrong_settings_are_said_in_one_line(bench: Workbench, tmp_path: Path, change: str, says: str) -> None:
    from ragtune.experiment.run import plan_experiment

    with pytest.raises(RagtuneError, match=says) as error:
        plan_experiment(load_experiment(tmp_path / "e.yaml", [f"setups.read.{change}"]), bench.store)
    assert "\n" not in str(error.value)
    assert isinstance(error.value, ExperimentError) or "corpus" in says


def test_a_run_is_asked_when_what_it_was_trained_on_is_gone(small: Path, tmp_path: Path) -> None:
    import shutil

    from ragtune.experiment.run import run_experiment
    from ragtune.serving.ask import open_assistant

    write_corpus(tmp_path / "corpus")
    more(tmp_path / "more", 3)
    tuning = "{train_on: closed-book, epochs: 1, lora: {r: 2}, corpora: [{path: ROOT/more}]}"
    text = EXPERIMENT[: EXPERIMENT.index("setups:")] + f"latency: {{sample: 0}}\nsetups: {{t: {{tuning: {tuning}}}}}\n"
    (tmp_path / "e.yaml").write_text(placed(text, small, tmp_path))
    store = Store(tmp_path / "store")
    run_experiment(load_experiment(tmp_path / "e.yaml"), store, tmp_path / "run", Silent())
    before = open_assistant(tmp_path / "run", progress=Silent()).ask("When does gate 1 open?").answer.text
    shutil.rmtree(tmp_path / "more")
    assert open_assistant(tmp_path / "run", progress=Silent()).ask("When does gate 1 open?").answer.text == before
