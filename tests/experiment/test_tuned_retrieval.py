"""Setups whose embedder or re-ranker is tuned: small real models, a corpus whose questions say things by other words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_retrievers import cross_encoder, embedder, synonyms

import ragtune
from ragtune.errors import ModelError, RagtuneError, RunError
from ragtune.experiment import retrieve, tune, tune_retriever
from ragtune.experiment.measure import retriever_tunings
from ragtune.experiment.progress import Silent
from ragtune.experiment.run import plan_experiment, run_experiment
from ragtune.experiment.seeding import seeded
from ragtune.experiment.spec import load_experiment
from ragtune.experiment.supervise import generator_lessons
from ragtune.experiment.workbench import Workbench
from ragtune.models.encoder import TextEncoder
from ragtune.retrieval.tuning import full
from ragtune.retrieval.tuning.query_map import TEMPERATURE
from ragtune.retrieval.tuning.settings import DenseTuning
from ragtune.serving.ask import open_assistant
from ragtune.store import Store

EXPERIMENT = """\
name: tuned
corpus: {path: ROOT/corpus}
seeds: [0, 1]
generator: {model: extractive}
retrieval: {dense: {embedder: ROOT/embedder}, top_k: 2}
chunking: {by: markdown, size: 64}
latency: {sample: 1}
setups:
  plain: {retrieval: true}
  map: {retrieval: {dense: {tuning: {method: query-map, near_identity: 1}}}}
  full: {retrieval: {dense: {tuning: &full {method: full, epochs: 10, learning_rate: 0.01, batch: 4}}}}
  rerank: {retrieval: {rerank: {model: ROOT/ce, tuning: {epochs: 15, learning_rate: 0.01, seed: 0}}}}
  both:
    retrieval: {dense: {tuning: *full}}
    generator: {model: SMALL, max_new_tokens: 4}
    tuning: {train_on: contexts, epochs: 1, lora: {r: 2}}
"""
STABLE = ("answers.jsonl", "summary.json", "experiment.yaml")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    """Models, corpus, experiment, store and a finished Run."""
    folder = tmp_path_factory.mktemp("tuned")
    embedder(folder / "embedder")
    cross_encoder(folder / "ce")
    cross_encoder(folder / "three", labels=3)
    synonyms(folder / "corpus")
    (folder / "x.yaml").write_text(EXPERIMENT.replace("ROOT", str(folder)).replace("SMALL", str(small)))
    run_experiment(load_experiment(folder / "x.yaml"), Store(folder / "store"), folder / "run", Silent())
    return folder


def bench(root: Path, *overrides: str, store: Path | None = None) -> Workbench:
    found = load_experiment(root / "x.yaml", list(overrides))
    return Workbench(found, Store(store or root / "store"), Silent())


def recall(run: ragtune.Run, setup: str, at: str = "recall@1") -> float:
    return run.summary.retrieval[setup][at].mean or 0.0


def test_tuning_finds_what_untuned_search_cannot(root: Path) -> None:
    run = ragtune.load_run(root / "run")
    assert recall(run, "plain") < 0.3
    assert recall(run, "map") > recall(run, "plain") + 0.3
    assert recall(run, "full") > recall(run, "plain") + 0.3
    assert recall(run, "both") == recall(run, "full")  # one embedder a seed serves both


def test_a_tuned_re_ranker_tells_right_from_wrong(root: Path, tmp_path: Path) -> None:
    """Of each thing two documents speak, of which only one kind ever is evidence: that is what there is to learn."""
    corpus = synonyms(tmp_path / "corpus")
    for path in sorted((corpus / "documents").iterdir()):
        path.with_name(f"not-{path.name}").write_text(f"# {path.stem}\n\nBiscuits and tea for the {path.stem}.\n")
    made = bench(root, f"corpus.path={corpus}", store=tmp_path / "store")
    setups = made.experiment.setups
    wrong = {
        name: sum(
            row[0].chunk.document_id.startswith("not-")
            for row, _ in retrieve.hits(made, setups[name], made.corpus.split("test"))
        )
        for name in ("plain", "rerank")
    }
    assert wrong["plain"] > 2
    assert wrong["rerank"] == 0
    report = next(t for t in retriever_tunings(made.narrowed(["rerank"]))).report
    assert report.dev_curve[-1][1] < report.dev_curve[0][1] - 0.1


@pytest.mark.parametrize("part", ["dense", "rerank"])
def test_adapters_are_merged_into_what_is_saved(root: Path, tmp_path: Path, part: str) -> None:
    taught = "tuning: {method: lora, rank: 2, learning_rate: 0.02, epochs: 10, batch: 4, seed: 0}"
    given = f"embedder: {root}/embedder" if part == "dense" else f"model: {root}/ce"
    made = bench(root, f"setups={{a: {{retrieval: {{{part}: {{{given}, {taught}}}}}}}}}", store=tmp_path)
    setup, questions = made.experiment.setups["a"], made.corpus.split("test")
    found = retrieve.hits(made, setup, questions)
    untuned = setup.model_copy(update={"retrieval": bench(root).experiment.setups["plain"].retrieval})
    assert [h.score for h in found[0][0]] != [h.score for h in retrieve.hits(made, untuned, questions)[0][0]]
    (tuning,) = retriever_tunings(made)
    assert 0 < tuning.report.trainable < tuning.report.parameters / 2
    assert tuning.report.curve[-1][1] < tuning.report.curve[0][1]
    model = tmp_path / tune_retriever.STAGES[part] / tuning.key / "model"
    (file,) = model.rglob("*.safetensors")
    base = next((root / ("embedder" if part == "dense" else "ce")).rglob("*.safetensors"))
    before, after = load_file(base), load_file(file)
    assert set(after) == set(before)  # the base's weights under the base's names, no adapter's beside them
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    inner = [name for name in moved if "classifier" not in name]
    assert inner
    assert all(torch.linalg.matrix_rank(after[n] - before[n], rtol=1e-3) == 2 for n in inner)
    again = bench(root, f"setups={{a: {{retrieval: {{{part}: {{{given}, {taught}}}}}}}}}", store=tmp_path)
    assert [h.score for h in retrieve.hits(again, setup, questions)[0][0]] == [h.score for h in found[0][0]]


def test_what_does_not_change_is_shared(root: Path) -> None:
    stages = json.loads((root / "run" / "work.json").read_text())["stages"]
    assert stages["tune-embedder"]["computed"] == 3  # a map, and an embedder for each of two seeds
    assert stages["tune-reranker"]["computed"] == 1  # its seed is given
    assert stages["index"]["computed"] == 3  # the map searches the untuned index
    assert len([p for p in (root / "store" / "chunk").iterdir() if p.is_dir()]) == 1
    answers = [json.loads(line) for line in (root / "run" / "answers.jsonl").read_text().splitlines()]
    count = {name: sum(a["setup"] == name for a in answers) for name in ("plain", "map", "full", "rerank", "both")}
    assert count == {
        "plain": 12,
        "map": 12,
        "full": 24,
        "rerank": 12,
        "both": 24,
    }  # once where no seed changes anything


def test_a_second_run_computes_nothing(root: Path) -> None:
    plan = plan_experiment(load_experiment(root / "x.yaml"), Store(root / "store"), Silent())
    assert not plan.computes
    told = [(s.stage, s.what) for s in plan.stages if s.stage in ("tune-embedder", "tune-reranker")]
    assert sorted(told) == [
        ("tune-embedder", "full, seed 0 (first for full)"),
        ("tune-embedder", "full, seed 1 (first for full)"),
        ("tune-embedder", "query-map (first for map)"),
        ("tune-reranker", "full, seed 0 (first for rerank)"),
    ]
    run_experiment(load_experiment(root / "x.yaml"), Store(root / "store"), root / "again", Silent())
    for name in STABLE:
        assert (root / "again" / name).read_bytes() == (root / "run" / name).read_bytes()
    stages = json.loads((root / "again" / "work.json").read_text())["stages"]
    assert not any(w["computed"] for name, w in stages.items() if name not in ("read", "measure", "analyse"))


def test_the_run_tells_what_was_tuned(root: Path) -> None:
    run = ragtune.load_run(root / "run")
    kinds = {(t.setup, t.seed): set() for t in run.tunings}  # type: ignore[var-annotated]
    for t in run.tunings:
        kinds[t.setup, t.seed].add((t.kind, t.train_on))
        assert t.cost.seconds > 0
        assert t.report.trainable > 0
        assert t.kind == "generator" or t.questions == 12
    assert kinds["both", 1] == {("embedder", "full"), ("generator", "contexts")}
    assert kinds["map", 0] == {("embedder", "query-map")}
    assert kinds["rerank", 0] == {("re-ranker", "full")}
    dim = 32
    assert next(t for t in run.tunings if t.setup == "map").report.trainable == dim * dim
    page = ragtune.write_report(run, root / "page.html").read_text("utf-8")
    assert "questions and their chunks" in page


def test_a_killed_training_ends_as_an_undisturbed_one(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = full.train, []

    def killed(*args: object, **kwargs: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(full, "train", killed)
    asked = bench(root, store=tmp_path)
    setup = seeded(asked.experiment.setups["full"], 1)
    questions = asked.corpus.split("test")
    with pytest.raises(KeyboardInterrupt):
        retrieve.hits(asked, setup, questions)
    assert not any((tmp_path / "tune-embedder").glob("*/manifest.json"))
    anew = retrieve.hits(bench(root, store=tmp_path), setup, questions)
    before = retrieve.hits(bench(root), setup, questions)
    assert [[(h.chunk.id, h.score) for h in row] for row, _ in anew] == [
        [(h.chunk.id, h.score) for h in row] for row, _ in before
    ]
    assert len(calls) == 2


def test_keys_hold_what_a_tuning_depends_on(root: Path) -> None:
    def key(*overrides: str, seed: int = 0, setup: str = "full") -> str:
        made = bench(root, *overrides)
        ground = retrieve.grounds(made, seeded(made.experiment.setups[setup], seed))
        return tune_retriever.tuning_key(next(iter(ground.values())))

    assert key() != key(seed=1)
    assert key(seed=0, setup="map") == key(seed=1, setup="map")
    assert key() == key(setup="both")
    assert key() == key("setups.full.retrieval.lexical=true")  # taught by untuned search by vectors alone
    assert key() != key("setups.full.retrieval.dense.tuning.epochs=9")
    assert key() != key("chunking.size=32")
    assert key() != key("setups.full.retrieval.dense.tuning.pairs=headings")
    plain = bench(root)
    assert retrieve.grounds(plain, plain.experiment.setups["plain"]) == {}


def test_dev_questions_choose_the_map_but_where_they_are_reported_on(root: Path) -> None:
    found = {split: bench(root, f"split={split}") for split in ("test", "dev")}
    held = [
        tune_retriever._taught(g, "dev")
        for b in found.values()
        for g in retrieve.grounds(b, b.experiment.setups["map"]).values()
    ]
    assert [len(questions) for questions in held] == [12, 0]
    curve = next(t for t in retriever_tunings(found["test"]) if t.setup == "map").report
    assert curve.dev_curve[0][1] > min(y for _, y in curve.dev_curve)


def test_a_tuned_setup_is_asked_and_exported(root: Path, tmp_path: Path) -> None:
    assistant = open_assistant(root / "run", setup="full", seed=1, progress=Silent())
    row = assistant.ask("people lantern")
    stored = ragtune.load_run(root / "run")
    assert any(h.chunk.document_id == "lamp.md" for h in row.answer.hits)
    out = ragtune.export(root / "run", "both", tmp_path / "both")
    assert {"embedder", "adapter_config.json"} <= {p.name for p in out.iterdir()}
    again = bench(root, f"retrieval.dense.embedder={out}/embedder")
    vectors = again.encoder(f"{out}/embedder").encode(["people lantern"], "query")
    seed = next(t for t in stored.tunings if t.setup == "full" and t.seed == 0)
    kept = again.encoder(str(root / "store" / "tune-embedder" / seed.key / "model")).encode(["people lantern"], "query")
    np.testing.assert_array_equal(vectors, kept)
    assert (ragtune.export(root / "run", "map", tmp_path / "map") / "embedder" / "map.npy").exists()
    assert (ragtune.export(root / "run", "rerank", tmp_path / "re") / "re-ranker" / "model.safetensors").exists()
    with pytest.raises(RunError, match="was not tuned with seed 7"):
        ragtune.export(root / "run", "full", tmp_path / "none", seed=7)


def test_documents_that_change_are_searched_with_the_tuned_model_of_the_run(root: Path, tmp_path: Path) -> None:
    changed = tmp_path / "corpus"
    synonyms(changed)
    (changed / "documents" / "new.md").write_text("# new\n\nIt is kept in the hook and the lamp.\n")
    trained = len(list((root / "store" / "tune-embedder").iterdir()))
    overrides = [f"corpus.path={changed}"]
    row = open_assistant(root / "run", overrides, setup="map", progress=Silent()).ask("people lantern")
    assert any(h.chunk.document_id in ("lamp.md", "new.md") for h in row.answer.hits)
    assert len(list((root / "store" / "tune-embedder").iterdir())) == trained
    with pytest.raises(RunError, match='the embedder of "full" is not in the store'):
        open_assistant(root / "x.yaml", overrides, store=root / "store", setup="full", progress=Silent())


def test_a_generator_says_which_hits_help(root: Path, small: Path) -> None:
    made = bench(
        root,
        f"setups.plain.generator={{model: {small}, max_new_tokens: 4}}",
        "setups.plain.retrieval={dense: {tuning: {method: query-map, supervise: generator, negatives: 3}}}",
    )
    setup = made.experiment.setups["plain"]
    ground = retrieve.grounds(made, setup)["dense"]
    questions = made.corpus.split("train")[:3]
    settings = DenseTuning(method="query-map", supervise="generator", negatives=3)
    lessons = generator_lessons(made, setup, questions, ground.hits(questions), settings)
    sharp = settings.model_copy(update={"temperature": 1e-6})
    for lesson, best in zip(
        lessons, generator_lessons(made, setup, questions, ground.hits(questions), sharp), strict=True
    ):
        assert len(lesson.chunks) == 4
        assert sum(lesson.target) == pytest.approx(1)
        assert np.argmax(lesson.target) == np.argmax(best.target)
        assert max(best.target) > max(lesson.target)
    assert tune_retriever.tuned_model(ground)[1].joinpath("map.npy").exists()


def test_an_embedder_learns_what_helps_the_generator(root: Path, small: Path) -> None:
    made = bench(
        root,
        f"setups.plain.generator={{model: {small}, max_new_tokens: 4}}",
        "setups.plain.retrieval={dense: {tuning: {method: full, supervise: generator, negatives: 3, temperature: 0.00001, "
        "epochs: 30, learning_rate: 0.01, batch: 4}}}",
    )
    setup = seeded(made.experiment.setups["plain"], 0)
    ground = retrieve.grounds(made, setup)["dense"]
    assert isinstance(ground.settings, DenseTuning)
    questions = made.corpus.split("train")
    lessons = generator_lessons(made, setup, questions, ground.hits(questions), ground.settings)

    def far(encoder: TextEncoder) -> float:
        """Mean cross-entropy between what the generator finds useful and the embedder's softmax over the same hits."""
        found = []
        for lesson in lessons:
            query = encoder.encode([lesson.query], "query")[0]
            scores = encoder.encode([c.titled for c in lesson.chunks]) @ query / TEMPERATURE
            logs = scores - np.log(np.exp(scores).sum())
            found.append(-float(np.dot(lesson.target, logs)))
        return float(np.mean(found))

    before = far(made.encoder(f"{root}/embedder"))
    assert far(retrieve.encoder(made, setup)) < before - 0.2


def test_training_on_contexts_sees_what_the_tuned_embedder_finds(root: Path) -> None:
    made = bench(root)
    setup = made.experiment.setups["both"]
    steps = tune.needed_hits(made, setup, 1)
    assert [s.key for s in steps] == [retrieve.retrieve_key(made, seeded(setup, 1))]
    plain = setup.model_copy(update={"retrieval": made.experiment.setups["plain"].retrieval})
    assert tune.tune_key(made, setup, 1) != tune.tune_key(made, plain, 1)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("setups.map.retrieval.dense.tuning.method=half", "setups.map.retrieval.dense.tuning.method: this must be"),
        ("setups.map.retrieval.dense.tuning={}", 'the key "setups.map.retrieval.dense.tuning.method" is missing'),
        ("setups.map.retrieval.source=oracle", "source: oracle takes its hits from the evidence"),
        ("setups.map.retrieval.dense.tuning.epochs=2", "query-map sees all pairs in every step"),
        ("setups.full.retrieval.dense.tuning.steps=2", "it needs method: query-map"),
        ("setups.full.retrieval.dense.tuning.rank=2", "it needs method: lora"),
        ("setups.full.retrieval.dense.tuning.temperature=2", "it needs supervise: generator"),
        ("setups.full.retrieval.dense.tuning.supervise=generator", "needs a generator that runs here"),
        ("setups.rerank.retrieval.rerank={tuning: {}}", "rerank.tuning needs rerank.model: a CrossEncoder"),
        ("setups.rerank.retrieval.rerank.model=ROOT/three", "this CrossEncoder has 3 labels"),
        ("setups.full.retrieval.dense.embedder=SMALL", "this is a language model, not an embedder"),
        ("setups.map.retrieval.source=training", "what source: training searches holds no evidence"),
        ("corpus.path=ROOT/bare", "no train question has evidence, and the documents have no headings"),
        ("setups.both.tuning.corpus={path: ROOT/bare}", "is tuned on the corpus that it searches"),
    ],
)
def test_what_cannot_be_tuned_is_refused_before_any_work(root: Path, small: Path, override: str, says: str) -> None:
    bare = root / "bare" / "documents"
    bare.mkdir(parents=True, exist_ok=True)
    (bare / "a.txt").write_text("The boat Sprat carries 12 people.")
    rows = [{"id": s, "question": f"Who is {s}?", "answers": ["Ida"], "split": s} for s in ("train", "dev", "test")]
    (bare.parent / "questions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    given = override.replace("ROOT", str(root)).replace("SMALL", str(small))
    with pytest.raises((RagtuneError, ModelError), match=says) as caught:
        plan_experiment(load_experiment(root / "x.yaml", [given]), Store(root / "store"), Silent())
    assert "\n" not in str(caught.value)
