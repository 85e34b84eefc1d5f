from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from ragtune.experiment.spec import Experiment, load_experiment, resolve
from ragtune.experiment.written import in_full, in_short


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_short_form_means_the_same_and_is_short(path: Path) -> None:
    found = load_experiment(path)
    short = in_short(found)
    assert Experiment.model_validate(resolve(yaml.safe_load(short))) == found
    assert len(short) < len(in_full(found)) / 2


def test_shared_parts_stand_once(tmp_path: Path) -> None:
    (tmp_path / "e.yaml").write_text(
        "corpus: corpus\ngenerator: {model: extractive}\nretrieval: {lexical: true, top_k: 2}\n"
        "setups:\n  a: {retrieval: true}\n  b: {retrieval: true, title: B}\n"
    )
    (tmp_path / "corpus").mkdir()
    data = yaml.safe_load(in_short(load_experiment(tmp_path / "e.yaml")))
    assert data["retrieval"] == {"lexical": True, "top_k": 2}
    assert data["generator"] == {"model": "extractive"}
    assert data["setups"] == {"a": {"retrieval": True}, "b": {"title": "B", "retrieval": True}}


def test_the_full_form_holds_every_setting() -> None:
    found = load_experiment(ROOT / "experiments" / "quickstart.yaml")
    assert yaml.safe_load(in_full(found)) == found.model_dump(mode="json")
