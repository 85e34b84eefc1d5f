"""What a training will take: a trial leaves the model as it was, and says no less memory than training holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import write_corpus

import ragtune
from ragtune.cli import main
from ragtune.errors import ExperimentError, ModelError
from ragtune.experiment.forecast import Forecast, forecast
from ragtune.experiment.progress import Silent
from ragtune.experiment.spec import load_experiment
from ragtune.experiment.tune import tune_job
from ragtune.experiment.workbench import Workbench
from ragtune.models.causal import LanguageModel
from ragtune.store import Store
from ragtune.tuning.batches import Encoded
from ragtune.tuning.trial import trial

EXPERIMENT = """\
name: e
corpus: {path: CORPUS}
seeds: [0, 1]
latency: {sample: 0}
judge: {embedder: "bundled:minilm"}
generator: {model: MODEL, max_new_tokens: 4}
setups:
  rag: {generator: {model: extractive}, retrieval: {dense: false, lexical: true}}
  tuned: {tuning: {train_on: closed-book, epochs: 2, lora: {r: 4}}}
  twin: {tuning: {train_on: closed-book, epochs: 2, lora: {r: 4}}, retrieval: {dense: false, lexical: true}}
"""


@pytest.fixture
def bench(tmp_path: Path, small: Path) -> Workbench:
    file = tmp_path / "e.yaml"
    file.write_text(EXPERIMENT.replace("CORPUS", str(write_corpus(tmp_path / "c"))).replace("MODEL", str(small)))
    return Workbench(load_experiment(file), Store(tmp_path / "store"), Silent())


def test_a_trial_leaves_the_model_as_it_was(bench: Workbench) -> None:
    setup = bench.experiment.setups["tuned"]
    model: LanguageModel = bench.language_model(setup.generator.model, "auto", "auto")
    before = {name: value.clone() for name, value in model.plain().state_dict().items()}
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    found = trial(tune_job(bench, setup, 0), model)
    assert found.seconds > 0
    assert found.memory_mb > 0
    after = model.plain().state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_seconds_are_reckoned_by_padded_tokens(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock on which every step takes a second."""
    clock = iter(range(10**6))
    monkeypatch.setattr("ragtune.tuning.trial.time.perf_counter", lambda: float(next(clock)))
    setup = bench.experiment.setups["tuned"]
    model = bench.language_model(setup.generator.model, "auto", "auto")
    job = replace(tune_job(bench, setup, 0), dev=())
    longer = replace(job, settings=job.settings.model_copy(update={"epochs": 20.0}))
    assert trial(longer, model).seconds == pytest.approx(10 * trial(job, model).seconds)
    assert not model.plain().training  # it answers next


@pytest.mark.parametrize("change", [{"lora": {"targets": ["nonsense"]}}, {"lora": {"targets": ["input_layernorm"]}}])
def test_what_training_refuses_is_refused_in_one_line(change: dict[str, object], bench: Workbench) -> None:
    setup = bench.experiment.setups["tuned"]
    model = bench.language_model(setup.generator.model, "auto", "auto")
    job = tune_job(bench, setup, 0)
    wrong = replace(job, settings=type(job.settings).model_validate({**job.settings.model_dump(), **change}))
    with pytest.raises(ModelError, match=r"tuning\.lora\.targets"):
        trial(wrong, model)
    long = replace(job, train=(*job.train, Encoded((1,) * 9000, (2,))))
    with pytest.raises(ExperimentError, match="a training item has 9001 tokens"):
        trial(long, model)


def test_a_forecast_that_fails_ends_no_run(
    bench: Workbench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--out", str(tmp_path / "run"), "--store", str(tmp_path / "store"), "--report", str(tmp_path / "r.html")]
    line = ["run", str(tmp_path / "e.yaml"), "--until", "untuned", *places]
    assert main([*line, "--set", "setups.tuned.tuning.lora.targets=[nonsense]"]) == 0
    assert "What tuning will take could not be tried" in capsys.readouterr().err


def test_only_what_is_left_is_forecast(bench: Workbench, tmp_path: Path) -> None:
    wanted = [(name, seed) for name in ("tuned", "twin") for seed in (0, 1)]
    found = forecast(bench, wanted)
    assert found is not None
    assert found.tunings == 2  # both setups share their adapters; there are two seeds
    assert str(found).startswith("2 tunings left: about ")
    ragtune.run(tmp_path / "e.yaml", out=tmp_path / "run", store=tmp_path / "store", progress=Silent())
    again = Workbench(bench.experiment, Store(tmp_path / "store"), Silent())
    assert forecast(again, wanted) is None


def test_long_times_are_told_in_minutes() -> None:
    assert "about 6.7 min of training, up to 2.1 GB" in str(Forecast(1, 400.0, 2100.0))
