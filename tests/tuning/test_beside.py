"""Trainings in processes of their own: the same adapters, the same errors, and none outlives its parent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import write_corpus

from ragtune.errors import ExperimentError, RagtuneError
from ragtune.experiment.progress import Silent
from ragtune.experiment.run import run_experiment
from ragtune.experiment.spec import load_experiment
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.store import Store, decode, encode
from ragtune.tuning import beside
from ragtune.tuning.batches import Encoded
from ragtune.tuning.job import TuneJob
from ragtune.tuning.settings import LoraSettings, TuningSettings
from ragtune.tunings import TuneCost

ITEMS = tuple(Encoded(tuple(range(10, 20 + n)), (30 + n, 31, 2)) for n in range(6))


def job(base: Path, seed: int, epochs: float = 2, items: tuple[Encoded, ...] = ITEMS) -> TuneJob:
    settings = TuningSettings(
        train_on="closed-book", epochs=epochs, batch_tokens=32, lora=LoraSettings(r=2), save_seconds=0.05
    )
    return TuneJob(
        resolve(str(base)),
        "cpu",
        "float32",
        settings,
        seed,
        items,
        ITEMS[:1],
        {"base": "x", "base_name": str(base), "data": "y"},
    )


def storing(folder: Path) -> beside.Storing:
    def store(train: Callable[[Path, Path], TuneCost]) -> None:
        (folder / "scratch").mkdir(parents=True)
        (folder / "cost.json").write_text(json.dumps(encode(train(folder / "out", folder / "scratch"))))

    return store


def unused(job: TuneJob) -> LanguageModel:
    raise AssertionError("processes load their own base")


def test_a_job_survives_being_written_down(small: Path) -> None:
    one = job(small, 3)
    assert decode(TuneJob, json.loads(json.dumps(encode(one)))) == one


def test_side_by_side_gives_the_adapters_of_one_after_the_other(small: Path, tmp_path: Path) -> None:
    import torch

    seen: list[int] = []
    jobs = [job(small, n) for n in range(3)]
    loads = beside.run_beside(
        [(j, storing(tmp_path / f"beside{n}")) for n, j in enumerate(jobs)], 2, unused, seen.append
    )
    assert loads == 2
    assert sum(seen) == sum(j.ticks for j in jobs)
    model = LanguageModel(resolve(str(small)), "cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for n, one in enumerate(jobs):
            one.run(model, tmp_path / f"here{n}", tmp_path / f"scratch{n}")
    finally:
        torch.set_num_threads(threads)
    files = [
        (tmp_path / f"{where}{n}").joinpath(*more)
        for n in range(3)
        for where, more in (("beside", ("out",)), ("here", ()))
    ]
    weights = [(f / "adapter_model.safetensors").read_bytes() for f in files]
    assert weights[0::2] == weights[1::2]
    assert len(set(weights)) == 3
    cost = json.loads((tmp_path / "beside0" / "cost.json").read_text())
    assert cost["seconds"] > 0
    assert cost["peak_memory_mb"] > 100


def test_what_a_process_met_is_one_line_here_and_ends_the_others(small: Path, tmp_path: Path) -> None:
    long = (Encoded((10,) * 2990, (30, 2)),)
    jobs = [job(small, 0, epochs=3000), job(small, 1, items=long)]
    with pytest.raises(RagtuneError, match="a training item has 2992 tokens") as met:
        beside.run_beside([(j, storing(tmp_path / str(n))) for n, j in enumerate(jobs)], 2, unused, lambda n: None)
    assert "\n" not in str(met.value)
    assert not (tmp_path / "0" / "cost.json").exists()  # the other, of thousands of steps, was not waited for


def test_a_process_that_is_killed_is_told_of(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen
    monkeypatch.setattr(beside.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1])
    with pytest.raises(ExperimentError, match="ended from outside"):
        beside.run_beside(
            [(job(small, 0, epochs=3000), storing(tmp_path / "a"))], 1, unused, lambda n: started[0].kill()
        )
    assert started[0].poll() is not None


def test_an_error_of_the_disk_stays_one(small: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "out").write_text("a file where the adapter's folder should be")
    with pytest.raises(OSError, match="exists"):
        beside.run_beside([(job(small, 0), storing(tmp_path / "a"))], 1, unused, lambda n: None)


def test_no_process_outlives_the_one_that_started_it(small: Path, tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(json.dumps(encode(job(small, 0, epochs=3000))))
    worker = subprocess.Popen(
        [sys.executable, "-m", "ragtune.tuning.worker", "2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(json.dumps([str(tmp_path / "job.json"), str(tmp_path / "out"), str(tmp_path)]) + "\n")
    worker.stdin.flush()
    assert json.loads(worker.stdout.readline()) == {"steps": 1}
    worker.stdin.close()  # what the kernel does when the parent is killed
    assert worker.wait(60) == 0
    worker.stdout.close()


def test_a_run_with_processes_writes_what_one_without_does(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    write_corpus(tmp_path / "corpus")
    (tmp_path / "e.yaml").write_text(
        f"name: e\ncorpus: {{path: {tmp_path / 'corpus'}}}\nseeds: [0, 1]\ngenerator: {{model: {small}, max_new_tokens: 6, device: cpu}}\n"
        "setups:\n  a: {tuning: &t {train_on: closed-book, epochs: 2, lora: {r: 2}}}\n  b: {retrieval: {top_k: 1}, tuning: *t}\n"
    )
    experiment = load_experiment(tmp_path / "e.yaml")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        run_experiment(experiment, Store(tmp_path / "s1"), tmp_path / "alone", Silent())
        run_experiment(
            experiment.model_copy(update={"processes": 2}), Store(tmp_path / "s2"), tmp_path / "beside", Silent()
        )
    finally:
        torch.set_num_threads(threads)
    assert (tmp_path / "alone" / "answers.jsonl").read_bytes() == (tmp_path / "beside" / "answers.jsonl").read_bytes()
    work = json.loads((tmp_path / "beside" / "work.json").read_text())
    assert work["stages"]["tune"]["computed"] == 2
    assert work["generator_loads"] == 3  # one here, one in each process
    assert not list((tmp_path / "s2" / "tune").glob("*.partial"))
