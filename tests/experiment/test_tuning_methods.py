"""Tuning methods in an experiment: refused before work where they cannot be, run, measured, asked and exported where they can."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import write_corpus

import ragtune
from ragtune.errors import ExperimentError, ModelError, RagtuneError
from ragtune.experiment.progress import Silent
from ragtune.serving.export import export

EXPERIMENT = """\
name: ways
corpus: {path: ROOT/corpus}
generator: {model: ROOT/llama, max_new_tokens: 6}
retrieval: {top_k: 1}
tuning: {train_on: closed-book, epochs: 4, learning_rate: 0.05, virtual_tokens: 3}
latency: {sample: 1}
setups:
  plain: {}
  prompt: {tuning: {method: prompt}}
  prefix: {retrieval: true, tuning: {method: prefix, train_on: contexts}}
  full: {tuning: {method: full, learning_rate: 0.003}}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, tiny_models: dict[str, Path]) -> Path:
    root = tmp_path_factory.mktemp("ways")
    write_corpus(root / "corpus")
    (root / "llama").symlink_to(tiny_models["llama"])
    (root / "mamba").mkdir()
    (root / "mamba" / "config.json").write_text('{"model_type": "mamba", "architectures": ["MambaForCausalLM"]}')
    shutil.copy(tiny_models["llama"] / "model.safetensors", root / "mamba")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_models["llama"] / name, root / "mamba")
    (root / "ways.yaml").write_text(EXPERIMENT.replace("ROOT", str(root)), "utf-8")
    ragtune.run(root / "ways.yaml", out=root / "run", store=root / "store", progress=Silent())
    return root


def test_what_changes_no_weights_is_measured_beside_them_alone(root: Path) -> None:
    run = ragtune.load_run(root / "run")
    assert set(run.costs.latency) == {"plain", "prompt", "prefix", "full"}
    assert all(found.switched is None for found in run.costs.latency.values())
    trained = {t.setup: t.report.trainable for t in run.tunings}
    assert trained["prompt"] == 3 * 32
    assert trained["prefix"] == 3 * 2 * 2 * 32
    assert trained["full"] == run.tunings[-1].report.parameters


@pytest.mark.parametrize("setup", ["prompt", "prefix", "full"])
def test_ask_says_what_the_run_said(setup: str, root: Path) -> None:
    run = ragtune.load_run(root / "run")
    [row] = [r for r in run.rows if r.setup == setup and r.question.id == "q2"]
    [asked] = ragtune.ask(root / "run", row.question.text, setup=setup, progress=Silent())
    assert asked.answer.text == row.answer.text
    assert asked.answer.tokens == row.answer.tokens


def test_export_writes_the_adapter_or_says_what_can_be_exported(root: Path, tmp_path: Path) -> None:
    export(root / "run", "prompt", tmp_path / "prompt")
    assert json.loads((tmp_path / "prompt" / "adapter_config.json").read_text())["num_virtual_tokens"] == 3
    with pytest.raises(ModelError, match=r"changes no weights.*Leave --merged out"):
        export(root / "run", "prompt", tmp_path / "merged", merged=True)
    export(root / "run", "full", tmp_path / "full", merged=True)
    assert (tmp_path / "full" / "config.json").exists()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("setups.prompt.tuning.method=promt", r"this must be 'lora'.*Did you mean \"prompt\"\?"),
        ("setups.prompt.tuning.bottleneck=8", r"bottleneck has no effect: it needs method: bottleneck\."),
        ("setups.full.tuning.lora.r=8", r"lora.r has no effect: it needs method: lora, dora, qlora\."),
        ("setups.prompt.tuning.method=qlora", r"qlora needs an NVIDIA GPU"),
        ("setups.full={generator: {model: some/model}, tuning: {method: qlora}}", r"qlora needs an NVIDIA GPU"),
        (
            "setups.prompt.generator={model: ROOT/mamba}",
            r"prompt cannot tune .* \(not every layer of it is attention\)",
        ),
        ("setups.prompt.tuning.virtual_tokens=256", r"its window has 256 tokens"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_before_any_work(
    override: str, said: str, root: Path, tmp_path: Path
) -> None:
    with pytest.raises(RagtuneError, match=said) as caught:
        ragtune.run(
            root / "ways.yaml",
            overrides=[override.replace("ROOT", str(root))],
            out=tmp_path / "run",
            store=tmp_path / "store",
            progress=Silent(),
        )
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "store" / "tune").exists()
    assert isinstance(caught.value, ExperimentError | ModelError)
