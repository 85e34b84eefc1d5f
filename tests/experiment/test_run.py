from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import QUESTIONS, write_corpus

import ragtune
from ragtune.cli import main
from ragtune.errors import ExperimentError, RunError, StoreError
from ragtune.experiment.folder import keep_earlier
from ragtune.experiment.plan import make_plan
from ragtune.experiment.progress import Bars, Lines, Rate, Silent
from ragtune.experiment.run import plan_experiment, run_experiment
from ragtune.experiment.spec import load_experiment
from ragtune.experiment.workbench import Workbench
from ragtune.store import Store

EXPERIMENT = """\
name: small
corpus: {path: CORPUS}
seeds: [0, 1]
generator: {model: SMALL, max_new_tokens: 6}
retrieval: {lexical: true, rerank: {candidates: 3}, top_k: 2}
chunking: {by: markdown, size: 64}
setups:
  plain: {}
  rag: {retrieval: true}
  extractive: {retrieval: true, generator: {model: extractive}}
  tuned: {tuning: &t {train_on: closed-book, epochs: 2, lora: {r: 2}}}
  naive: {retrieval: true, tuning: *t}
  raft: {retrieval: true, tuning: {train_on: raft, epochs: 2, lora: {r: 2}, save_seconds: 0.01}}
"""
STABLE = ("answers.jsonl", "summary.json", "experiment.yaml")


def placed(small: Path, corpus: Path) -> str:
    return EXPERIMENT.replace("SMALL", str(small)).replace("CORPUS", str(corpus))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    """A folder with corpus, experiment file, store and a finished Run."""
    root = tmp_path_factory.mktemp("work")
    write_corpus(root / "corpus")
    (root / "small.yaml").write_text(placed(small, root / "corpus"))
    run_experiment(load_experiment(root / "small.yaml"), Store(root / "store"), root / "run", Silent())
    return root


def work(folder: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads((folder / "work.json").read_text())["stages"]
    return found


def test_setups_share_their_work(done: Path) -> None:
    stages = work(done / "run")
    assert stages["tune"]["computed"] == 4  # two tunings, two seeds; the naive setup reuses the closed-book ones
    assert stages["chunk"]["computed"] == stages["embed"]["computed"]
    assert stages["retrieve"]["computed"] == 7  # every question once, for all setups with retrieval
    assert json.loads((done / "run" / "work.json").read_text())["generator_loads"] == 1
    answers = [json.loads(x) for x in (done / "run" / "answers.jsonl").read_text().splitlines()]
    assert len(answers) == 3 * (3 + 3 * 2)  # seeds only where they matter


def test_answers_hold_everything(done: Path) -> None:
    rows = [json.loads(x) for x in (done / "run" / "answers.jsonl").read_text().splitlines()]
    row = next(r for r in rows if r["setup"] == "extractive" and r["question"]["id"] == "q1")
    assert row["answer"]["text"] == "Tea is served at 15:30 in the green room."
    assert row["answer"]["citations"] == [1]
    context = row["answer"]["hits"][0]["chunk"]
    text = (done / "corpus" / "documents" / "tea.md").read_text().split("---\n")[2].strip()
    assert text[context["start"] : context["end"]] == context["text"]
    assert set(row["scores"]) == set(json.loads((done / "run" / "summary.json").read_text())["metrics"])
    for score in row["scores"].values():
        assert score["value"] is None or 0 <= score["value"] <= 1
        assert score["value"] is not None or score["reason"]


def test_a_second_run_computes_nothing_and_gives_the_same_bytes(done: Path) -> None:
    before = {n: (done / "run" / n).read_bytes() for n in STABLE}
    run_experiment(load_experiment(done / "small.yaml"), Store(done / "store"), done / "again", Silent())
    assert {n: (done / "again" / n).read_bytes() for n in STABLE} == before
    stages = work(done / "again")
    assert {k: v["computed"] for k, v in stages.items() if k not in ("read", "measure", "analyse")} == dict.fromkeys(
        ("chunk", "retrieve", "tune", "answer", "latency", "judge"), 0
    )
    assert json.loads((done / "again" / "work.json").read_text())["generator_loads"] == 0
    plan = make_plan(Workbench(load_experiment(done / "small.yaml"), Store(done / "store"), Silent()))
    assert "to compute" not in str(plan)
    assert not plan.computes


def test_an_earlier_run_is_kept_and_a_foreign_folder_refused(done: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs" / "small"
    for count in range(13):
        out.mkdir(parents=True)
        (out / "run.json").write_text(str(count))
        keep_earlier(out)
        assert not out.exists()
    kept = {int(p.name.split("~")[1]): p for p in out.parent.iterdir()}
    assert {n: (p / "run.json").read_text() for n, p in kept.items()} == {n: str(13 - n) for n in range(1, 11)}
    before = {p.name: p.read_bytes() for p in (done / "corpus").iterdir() if p.is_file()}
    for foreign, says in ((done / "corpus", "holds something that is no Run"), (done / "small.yaml", "is a file")):
        with pytest.raises(RunError, match=says):
            run_experiment(load_experiment(done / "small.yaml"), Store(done / "store"), foreign, Silent())
    assert {p.name: p.read_bytes() for p in (done / "corpus").iterdir() if p.is_file()} == before


def test_what_is_no_run_is_moved_aside_when_forced_and_never_deleted(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "mine"
    for count in range(13):  # Runs go round it
        if count == 2:
            out.mkdir()
            (out / "notes.txt").write_text("keep me")
            with pytest.raises(RunError, match=r"move this to mine~1 with --force"):
                keep_earlier(out)
            keep_earlier(out, force=True)
        out.mkdir()
        (out / "run.json").write_text(str(count))
        keep_earlier(out)
    assert (tmp_path / "mine~3" / "notes.txt").read_text() == "keep me"
    assert (tmp_path / "mine~4" / "run.json").read_text() == "10"
    assert len(list(tmp_path.iterdir())) == 11
    (tmp_path / "plain").write_text("a file")
    arguments = ["run", str(done / "small.yaml"), "--store", str(done / "store"), "--out", str(tmp_path / "plain")]
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--dry-run"]) == 2
    assert main([*arguments, "--dry-run", "--force"]) == 0
    assert main([*arguments, "--force"]) == 0
    assert (tmp_path / "plain~1").read_text() == "a file"
    assert (tmp_path / "plain" / "run.json").exists()
    with pytest.raises(RunError, match="the folder that you work in"):
        keep_earlier(Path(), force=True)


def test_a_baseline_is_overwritten_only_when_forced(
    done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "baseline.json"
    arguments = ["baseline", "save", str(done / "run"), "-o", str(path)]
    assert main(arguments) == 0
    path.write_text("mine")
    assert main(arguments) == 2
    assert "Overwrite it with --force" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main([*arguments, "--force"]) == 0
    assert "scores" in path.read_text()


def test_a_longer_experiment_computes_only_what_is_new(done: Path) -> None:
    experiment = load_experiment(
        done / "small.yaml", ["setups.wide.retrieval.top_k=1", "setups.wide.generator.model=extractive"]
    )
    run_experiment(experiment, Store(done / "store"), done / "longer", Silent())
    stages = work(done / "longer")
    assert stages["answer"]["computed"] == 3
    assert stages["retrieve"]["computed"] == stages["tune"]["computed"] == 0


def test_a_cut_store_file_is_recomputed(done: Path) -> None:
    before = (done / "run" / "answers.jsonl").read_bytes()
    for log in [
        *(done / "store" / "answer").glob("*.jsonl"),
        *(done / "store" / "judge").glob("*.jsonl"),
        *(done / "store" / "chunk").glob("*/chunks.jsonl"),
        *(done / "store" / "index").glob("*/index.faiss"),
    ]:
        log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    run_experiment(load_experiment(done / "small.yaml"), Store(done / "store"), done / "mended", Silent())
    assert (done / "mended" / "answers.jsonl").read_bytes() == before
    assert work(done / "mended")["answer"]["computed"] > 0


def test_runs_read_back_with_pandas(done: Path) -> None:
    run = ragtune.load_run(done / "run")
    frame = run.answers
    assert len(frame) == 27
    assert frame["token_f1"].dtype == "float64"
    assert set(frame["setup"]) == set(run.summary.setups)
    assert (frame["seconds"] >= 0).all()
    with pytest.raises(RunError, match="no Run here"):
        ragtune.load_run(done / "nowhere")
    (done / "half").mkdir()
    (done / "half" / "experiment.yaml").write_text("")
    with pytest.raises(RunError, match="not complete"):
        ragtune.load_run(done / "half")
    (done / "half" / "run.json").write_text("{")
    with pytest.raises(RunError, match="damaged"):
        ragtune.load_run(done / "half")


def test_limit_spreads_over_the_split(done: Path) -> None:
    bench = Workbench(load_experiment(done / "small.yaml", limit=2), Store(done / "store"), Silent())
    assert [q.id for q in bench.questions] == ["q1", "q2"]


@pytest.mark.parametrize(
    ("questions", "overrides", "says"),
    [
        ([q for q in QUESTIONS if q["split"] != "test"], [], "no questions in the split"),
        (QUESTIONS, ["judge.name=oracle"], "unknown judge"),
        (QUESTIONS, ["setups.rag.generator.model=bundled:none"], "unknown bundled"),
        (QUESTIONS, ["setups.rag.prompt=poem"], "unknown prompt"),
        ([*QUESTIONS, {**QUESTIONS[0], "id": "leak", "split": "train"}], [], "stand in the train split"),
        ([q for q in QUESTIONS if q["split"] == "test"], [], "train split is empty"),
        (QUESTIONS, ["generator.device=cuda:99"], 'no device "cuda:99"'),
        (QUESTIONS, ["retrieval.dense.embedder=SMALL"], "language model, not an embedder"),
        (QUESTIONS, ["setups.rag.generator.model=no/such-model"], "not in the local cache"),
    ],
)
def test_what_cannot_run_is_one_line(
    small: Path, tmp_path: Path, questions: list[dict[str, object]], overrides: list[str], says: str
) -> None:
    write_corpus(tmp_path / "corpus", questions=questions)
    (tmp_path / "e.yaml").write_text(placed(small, tmp_path / "corpus"))
    overrides = [o.replace("SMALL", str(small)) for o in overrides]
    with pytest.raises(Exception, match=says) as caught:
        plan_experiment(load_experiment(tmp_path / "e.yaml", overrides), Store(tmp_path / "s"), Silent())
    assert "\n" not in str(caught.value)
    with pytest.raises(type(caught.value), match=says):
        run_experiment(load_experiment(tmp_path / "e.yaml", overrides), Store(tmp_path / "s"), tmp_path / "r", Silent())
    assert isinstance(caught.value, ragtune.errors.RagtuneError)  # type: ignore[attr-defined]


def test_a_run_killed_at_any_moment_ends_like_an_undisturbed_one(done: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "ragtune.cli",
        "run",
        str(done / "small.yaml"),
        "--store",
        str(tmp_path / "store"),
        "--out",
        str(tmp_path / "run"),
        "--report",
        str(tmp_path / "r.html"),
    ]
    kills = 0
    for wait in (2.5, 5.0, 7.5, 10.0):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    final = subprocess.run(command, capture_output=True, text=True, check=False)
    assert final.returncode == 0, final.stderr
    assert kills >= 1
    for name in STABLE:
        assert (tmp_path / "run" / name).read_bytes() == (done / "run" / name).read_bytes()


def test_a_full_disk_is_one_line_and_loses_nothing(done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ragtune.store import Log

    real, calls = Log.add, 0

    def add(self: Log, items: dict[str, object]) -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            monkeypatch.setattr("os.fsync", lambda fd: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        real(self, items)

    monkeypatch.setattr(Log, "add", add)
    arguments = (
        load_experiment(done / "small.yaml", ["setups.tuned=", "setups.naive=", "setups.raft="]),
        Store(tmp_path / "s"),
        tmp_path / "r",
        Silent(),
    )
    with pytest.raises(StoreError, match="disk is full"):
        run_experiment(*arguments)
    monkeypatch.undo()
    run_experiment(*arguments)
    assert work(tmp_path / "r")["read"]["computed"] == 3


def test_progress_says_rate_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    for bar in (Lines(every=0), Bars(), Silent()):
        bar.say("hello")
        with bar.stage("embed", 4) as tick:
            tick(1)
            tick(3)
    text = capsys.readouterr().err
    assert "embed: 1/4" in text
    assert "left)" in text
    assert "4/4 done" in text


def test_a_rate_leaves_out_what_came_before_the_first_tick() -> None:
    rate = Rate()
    assert rate.at(100.0, 50) is None  # found in the store, or waited for a model to load
    assert rate.at(100.0, 50) is None
    assert rate.at(104.0, 58) == 2.0


def test_the_command_line_end_to_end(
    done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(done / "small.yaml"), "--store", str(done / "store"), "--dry-run"]) == 0
    assert "stored" in capsys.readouterr().out
    assert main(["run", str(done / "small.yaml"), "--store", str(done / "store")]) == 0
    out = capsys.readouterr().out
    assert "recommendation" in out or "Choose “" in out
    assert (tmp_path / "reports" / "small.html").exists()
    assert main(["report", "runs/small", "--out", "copy.html"]) == 0
    assert (tmp_path / "copy.html").read_bytes() == (tmp_path / "reports" / "small.html").read_bytes()
    capsys.readouterr()
    assert main(["run", "none.yaml"]) == 2
    assert main(["report", "none"]) == 2
    assert main(["ask", "none", "hi"]) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 3
    assert all(e.startswith("ragtune: ") for e in errors)


def test_input_that_breaks_a_reader_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], done: Path) -> None:
    (tmp_path / "deep.yaml").write_text("[" * 100_000)
    (tmp_path / "rows.jsonl").write_text("[" * 100_000 + "\n")
    for arguments in (
        ["run", str(tmp_path / "deep.yaml")],
        ["run", str(tmp_path)],
        ["score", str(tmp_path / "rows.jsonl")],
        ["ask", str(done / "run"), "\udcff", "--setup", "extractive"],
        ["corpus", "import", "csv", str(tmp_path), str(tmp_path / "new")],
        ["baseline", "save", str(done / "run"), "-o", "."],
        ["score", str(tmp_path)],
    ):
        assert main(arguments) == 2
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert said.startswith("ragtune: "), said


def test_only_ragtune_errors_are_caught(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ragtune.api.load_experiment", stop)
    assert main(["run", "x.yaml"]) == 130
    assert "finished work is kept" in capsys.readouterr().err
    monkeypatch.setattr("ragtune.api.load_experiment", lambda *a: (_ for _ in ()).throw(ExperimentError("bad")))
    monkeypatch.setenv("RAGTUNE_DEBUG", "1")
    with pytest.raises(ExperimentError):
        main(["run", "x.yaml"])
