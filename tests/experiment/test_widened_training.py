"""Training on contexts shows what serving shows: hits with what stands around them."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import write_corpus

from ragtune.errors import ExperimentError
from ragtune.experiment.progress import Silent
from ragtune.experiment.spec import load_experiment
from ragtune.experiment.tune import tune_job, tune_key
from ragtune.experiment.workbench import Workbench
from ragtune.store import Store

EXPERIMENT = """\
corpus: ROOT/corpus
generator: {model: SMALL, max_new_tokens: 6}
chunking: {by: sentences, size: 12}
retrieval: {dense: false, lexical: true, top_k: 1}
tuning: {train_on: contexts, epochs: 1, lora: {r: 2}}
setups:
  narrow: {retrieval: true, tuning: true}
  wide: {retrieval: {expand: document}, tuning: true}
  raft: {retrieval: {expand: neighbours}, tuning: {train_on: raft}}
"""


def test_contexts_are_widened_in_training_as_in_serving(tmp_path: Path, small: Path) -> None:
    write_corpus(tmp_path / "corpus")
    (tmp_path / "e.yaml").write_text(EXPERIMENT.replace("ROOT", str(tmp_path)).replace("SMALL", str(small)))
    experiment = load_experiment(tmp_path / "e.yaml")
    bench = Workbench(experiment, Store(tmp_path / "store"), Silent())
    setups = experiment.setups
    assert len({tune_key(bench, setup, 0) for setup in setups.values()}) == 3
    tokenizer = bench.language_model(str(small), "auto", "auto").tokenizer
    texts = {name: [tokenizer.decode(i.prompt) for i in tune_job(bench, s, 0).train] for name, s in setups.items()}
    [narrow], [wide] = ([t for t in texts[name] if "Herring carry" in t] for name in ("narrow", "wide"))
    assert "Ida Moen" not in narrow
    assert "Ida Moen" in wide
    [raft] = [t for t in texts["raft"] if "Herring carry" in t]
    assert "Tor Lie" in raft  # the next sentence
    assert "Sprat carries" not in raft or "Ida Moen" in raft


def test_a_number_of_contexts_that_hangs_on_scores_is_not_trained_on(tmp_path: Path, small: Path) -> None:
    write_corpus(tmp_path / "corpus")
    text = EXPERIMENT.replace("ROOT", str(tmp_path)).replace("SMALL", str(small)).replace("top_k: 1", "top_k: auto")
    (tmp_path / "e.yaml").write_text(text)
    with pytest.raises(ExperimentError, match=r"give retrieval\.top_k a number"):
        load_experiment(tmp_path / "e.yaml")
