"""What setups train on: other corpora, fewer questions; curves over their number; named thresholds; power beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import QUESTIONS, write_corpus

from ragtune.analysis.learning import crossing
from ragtune.analysis.power import expected_power
from ragtune.cli import main
from ragtune.errors import CorpusError, ExperimentError
from ragtune.experiment.calibration import check_name, save_threshold, settle
from ragtune.experiment.progress import Silent
from ragtune.experiment.run import run_experiment
from ragtune.experiment.spec import load_experiment
from ragtune.experiment.tune import training_questions, tune_key
from ragtune.experiment.workbench import Workbench
from ragtune.judging.settings import JudgeSettings
from ragtune.report.build import write_report
from ragtune.store import Store

EXPERIMENT = """\
name: small
corpus: {path: ROOT/corpus, changes: ROOT/changes.jsonl}
generator: {model: SMALL, max_new_tokens: 6}
tuning: {train_on: closed-book, epochs: 1, lora: {r: 2}}
setups:
  rag: {retrieval: {top_k: 1}}
  before: {tuning: {corpus: {path: ROOT/corpus}}}
  after: {tuning: true}
  one: {tuning: {questions: 1}}
  two: {tuning: {questions: 2}}
  read: {retrieval: {top_k: 1}, tuning: {train_on: contexts, corpus: {path: ROOT/corpus}}}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    folder = tmp_path_factory.mktemp("training")
    write_corpus(folder / "corpus")
    (folder / "changes.jsonl").write_text(
        json.dumps(
            {"document": "tea.md", "find": "served at 15:30", "replace": "served at 16:00", "answers": ["16:00"]}
        )
    )
    (folder / "small.yaml").write_text(EXPERIMENT.replace("ROOT", str(folder)).replace("SMALL", str(small)))
    return folder


def test_setups_may_train_on_the_corpus_before_its_changes(root: Path) -> None:
    experiment = load_experiment(root / "small.yaml")
    bench = Workbench(experiment, Store(root / "store"), Silent())
    setups = experiment.setups
    assert bench.trainings(setups["after"]) == [bench]
    [before], [read] = bench.trainings(setups["before"]), bench.trainings(setups["read"])
    assert before is read is not bench
    answers = {
        n: {q.id: q.answers for q in training_questions(bench, setups[n], 0, "train")[0][1]}
        for n in ("before", "after")
    }
    assert answers["before"]["t1"] == ("15:30",)
    assert answers["after"]["t1"] == ("16:00",)
    assert tune_key(bench, setups["before"], 0) != tune_key(bench, setups["after"], 0)


def test_fewer_questions_are_part_of_more_and_differ_by_seed(root: Path) -> None:
    write_corpus(
        root / "many",
        questions=[
            *QUESTIONS,
            *({**QUESTIONS[3], "id": f"x{i}", "question": f"Question number {i}?"} for i in range(40)),
        ],
    )
    experiment = load_experiment(root / "small.yaml", [f"corpus.path={root / 'many'}"])
    bench = Workbench(experiment, Store(root / "store2"), Silent())

    def ids(count: int, seed: int) -> set[str]:
        tuning = experiment.setups["one"].tuning
        assert tuning is not None
        setup = experiment.setups["one"].model_copy(update={"tuning": tuning.model_copy(update={"questions": count})})
        return {q.id for q in training_questions(bench, setup, seed, "train")[0][1]}

    assert len(ids(5, 0)) == 5
    assert ids(5, 0) < ids(12, 0)
    assert ids(5, 0) != ids(5, 1)
    assert len(ids(999, 0)) == 43


def test_the_report_shows_changes_and_the_curve(root: Path) -> None:
    experiment = load_experiment(root / "small.yaml")
    run_experiment(experiment, Store(root / "store"), root / "run", Silent())
    from ragtune.experiment.folder import load_run

    run = load_run(root / "run")
    assert {"changed", "unchanged"} <= set(run.summary.slices)
    assert run.work.stages["tune"].computed == 5
    curve = next(c for c in run.summary.learning if c.part == "all")
    assert [p.count for p in curve.points] == [1, 2, 3]  # "after" trains on all three
    assert curve.baseline == "rag"
    page = write_report(run, root / "page.html").read_text()
    assert "Quality against training questions" in page
    assert "How each metric is made" in page


def test_training_elsewhere_on_the_test_questions_is_a_leak(root: Path) -> None:
    leaky = write_corpus(root / "leaky", questions=[{**QUESTIONS[0], "id": "x", "split": "train"}])
    experiment = load_experiment(root / "small.yaml", [f"setups.before.tuning.corpus.path={leaky}"])
    with pytest.raises(CorpusError, match="stand in the train split"):
        run_experiment(experiment, Store(root / "store3"), root / "no", Silent())


@pytest.mark.parametrize(
    ("points", "level", "at"),
    [
        ([(10, 0.1), (100, 0.5)], 0.3, 31.6),
        ([(10, 0.1), (100, 0.5)], 0.05, 10.0),
        ([(10, 0.1), (100, 0.5)], 0.5, 100.0),
        ([(10, 0.1), (100, 0.5)], 0.6, None),
        ([(10, 0.4), (20, 0.2), (40, 0.6)], 0.4, 10.0),
    ],
)
def test_where_a_curve_crosses_a_level(points: list[tuple[int, float]], level: float, at: float | None) -> None:
    assert crossing(points, level) == at


def test_thresholds_are_kept_and_used_by_name(tmp_path: Path) -> None:
    store = Store(tmp_path)
    local = JudgeSettings(name="local", support="ours")
    with pytest.raises(ExperimentError, match=r'no threshold "ours".*known: none'):
        settle(local, store)
    save_threshold(store, "ours", JudgeSettings(name="local"), 0.61803, "labels.jsonl")
    assert settle(local, store).support == 0.618
    assert settle(local, store).threshold == 0.618
    with pytest.raises(ExperimentError, match="calibrated for the judge local"):
        settle(JudgeSettings(name="nli", model="x", support="ours"), store)
    assert save_threshold(store, "edge", JudgeSettings(), 1.0, "x") == 0.99
    for bad in ("../up", "0.5", "", "a b"):
        with pytest.raises(ExperimentError, match="cannot name"):
            check_name(bad)
    with pytest.raises(ExperimentError, match="no threshold"):
        settle(JudgeSettings(support="../ours"), store)


def test_a_threshold_calibrated_on_labels_is_used_by_a_run(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {
            "id": str(i),
            "question": "When is tea?",
            "contexts": ["Tea is served at 15:30 in the green room."],
            "answer": a,
            "label": int(good),
        }
        for i, (a, good) in enumerate(
            [
                ("Tea is at 15:30.", True),
                ("Tea is at 17:00.", False),
                ("In the green room.", True),
                ("The boat sank.", False),
            ]
            * 15
        )
    ]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    store = str(tmp_path / "store")
    assert (
        main(
            [
                "judge",
                "evaluate",
                str(tmp_path / "labels.jsonl"),
                "--calibrate",
                "ours",
                "--out",
                str(tmp_path / "j.html"),
                "--store",
                store,
            ]
        )
        == 0
    )
    assert 'Threshold "ours" is' in capsys.readouterr().out
    kept = json.loads((tmp_path / "store/thresholds/ours.json").read_text())["threshold"]
    argv = [
        "run",
        str(root / "small.yaml"),
        "--store",
        store,
        "--out",
        str(tmp_path / "run"),
        "--report",
        str(tmp_path / "r.html"),
    ]
    few = [
        "--set",
        "judge.support=ours",
        "--set",
        "setups={rag: {retrieval: {top_k: 1}, generator: {model: extractive}}}",
    ]
    assert main([*argv, *few]) == 0
    assert f"support: {kept}" in (tmp_path / "run/experiment.yaml").read_text()
    assert main([*argv, "--set", "judge.support=theirs"]) == 2
    assert 'no threshold "theirs"' in capsys.readouterr().err


def test_power_is_said_before_anything_runs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(root / "small.yaml"), "--dry-run", "--store", str(root / "store4")]) == 0
    assert "Power: 3 questions can show no difference" in capsys.readouterr().out
    assert "can show no difference" in expected_power(2)
    assert "would need" not in expected_power(5000)


def test_training_shows_what_serving_shows_in_a_narrow_window(root: Path) -> None:
    from ragtune.experiment import retrieve
    from ragtune.experiment.answer import make_generator
    from ragtune.experiment.tune import tune_job
    from ragtune.generation.generator import Request
    from ragtune.generation.local import LocalGenerator

    narrow = ["setups.read.retrieval.top_k=4", "setups.read.generator.window=200", "chunking.size=32"]
    experiment = load_experiment(root / "small.yaml", narrow)
    bench, setup = Workbench(experiment, Store(root / "store"), Silent()), experiment.setups["read"]
    [training] = bench.trainings(setup)
    [(_, asked)] = training_questions(bench, setup, 0, "train")
    generator = make_generator(bench, setup)
    assert isinstance(generator, LocalGenerator)
    offered = [h for h, _ in retrieve.hits(training, setup, asked)]
    served = [generator.shown(Request(q.id, q, tuple(h))) for q, h in zip(asked, offered, strict=True)]
    assert all(0 < len(s.hits) < len(h) for s, h in zip(served, offered, strict=True))
    assert [list(e.prompt) for e in tune_job(bench, setup, 0).train] == [s.ids for s in served]
    assert tune_key(bench, setup, 0) != tune_key(
        bench, setup.model_copy(update={"generator": setup.generator.model_copy(update={"window": 220})}), 0
    )
