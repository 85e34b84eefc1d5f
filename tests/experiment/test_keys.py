"""What was stored is taken where it is the same work, and nowhere else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import write_corpus
from huggingface_hub import constants

from ragtune.experiment.progress import Silent
from ragtune.experiment.run import plan_experiment, run_experiment
from ragtune.experiment.spec import load_experiment
from ragtune.models import devices
from ragtune.store import Store

EXPERIMENT = """\
name: keys
corpus: c
generator: {model: someone/tiny, max_new_tokens: 3}
setups:
  plain: {}
  extractive: {retrieval: {dense: false, lexical: true}, generator: {model: extractive}}
  tuned: {tuning: {train_on: closed-book, epochs: 1, lora: {r: 2}}}
"""
COMMIT = "c" * 40


@pytest.fixture
def folder(tmp_path: Path, tiny_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that the hub has and that its cache does not hold until something of it is asked for."""
    write_corpus(tmp_path / "c")
    (tmp_path / "x.yaml").write_text(EXPERIMENT)
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "hub" / "models--someone--tiny"

    def client(name: str, file: str, **how: object) -> None:
        (place / "refs").mkdir(parents=True, exist_ok=True)
        (place / "refs" / "main").write_text(COMMIT)
        shutil.copytree(tiny_models["llama"], place / "snapshots" / COMMIT, dirs_exist_ok=True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # from here on, what is not here is nowhere

    monkeypatch.setattr("huggingface_hub.hf_hub_download", client)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return tmp_path


def computed(folder: Path, *overrides: str) -> dict[str, int]:
    run_experiment(load_experiment(folder / "x.yaml", list(overrides)), Store(folder / "s"), folder / "r", Silent())
    stages = json.loads((folder / "r" / "work.json").read_text())["stages"]
    return {name: stages[name]["computed"] for name in ("retrieve", "tune", "answer", "judge")}


def test_what_a_download_was_first_for_is_not_computed_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_bare", lambda: True)
    first = computed(folder)
    assert first["tune"] == 1
    assert first["answer"] == 9
    assert not any(computed(folder).values())
    spelled = computed(folder, "generator.device=cpu", "generator.dtype=float32")
    assert not any(spelled.values())  # what auto came to
    assert computed(folder, "generator.batch_tokens=64")["answer"] == 6  # the extractive setup has no batches

    monkeypatch.setattr(devices, "_precision", lambda device: "bfloat16")  # as on another machine
    again = computed(folder)
    assert (again["tune"], again["answer"]) == (1, 6)


def test_a_plan_takes_no_stored_work_of_another_commit(folder: Path) -> None:
    computed(folder)
    assert not plan_experiment(load_experiment(folder / "x.yaml"), Store(folder / "s"), Silent()).computes
    place = folder / "hub" / "models--someone--tiny"
    (place / "snapshots" / COMMIT).rename(place / "snapshots" / ("d" * 40))
    (place / "refs" / "main").write_text("d" * 40)
    assert plan_experiment(load_experiment(folder / "x.yaml"), Store(folder / "s"), Silent()).computes
