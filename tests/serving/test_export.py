"""A tuned setup as files of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import write_corpus

import ragtune
from ragtune.cli import main
from ragtune.experiment.progress import Silent
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.store import Store

EXPERIMENT = """\
name: e
corpus: {path: ROOT/corpus}
generator: {model: SMALL, max_new_tokens: 6}
latency: {sample: 0}
seeds: [0, 1]
setups:
  plain: {}
  tuned: {tuning: {train_on: closed-book, epochs: 30, lora: {r: 4}}}
"""
IDS = [[5, 40, 41, 300, 17, 9]]


def said(name: str, merged: Path | None = None) -> torch.Tensor:
    """What a model makes of some tokens."""
    model = LanguageModel(resolve(name), "cpu")
    with torch.inference_mode():
        return model.using(model.merge(merged) and merged if merged else None)(torch.tensor(IDS)).logits  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    folder = tmp_path_factory.mktemp("export")
    write_corpus(folder / "corpus")
    (folder / "e.yaml").write_text(EXPERIMENT.replace("SMALL", str(small)).replace("ROOT", str(folder)))
    ragtune.run(folder / "e.yaml", out=folder / "run", store=folder / "store", progress=Silent())
    return folder


def test_an_adapter_and_the_whole_model_answer_as_the_setup_does(
    root: Path, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(root / "run"), str(tmp_path / "a"), "--setup", "tuned"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "a")
    (tmp_path / "m").mkdir()  # an empty folder is a new one
    ragtune.export(root / "run", "tuned", tmp_path / "m", merged=True)
    run = ragtune.load_run(root / "run")
    adapter = Store(root / "store").path("tune", next(t.key for t in run.tunings if t.seed == 0))
    wanted = said(str(small), adapter)
    assert torch.allclose(said(f"{small} + {tmp_path / 'a'}"), wanted, atol=1e-4)
    assert torch.allclose(said(str(tmp_path / "m")), wanted, atol=1e-4)
    assert not torch.allclose(said(str(small)), wanted, atol=1e-2)
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "ragtune.json",
    ]
    ragtune.export(root / "run", "tuned", tmp_path / "second", seed=1)
    first, second = ((tmp_path / n / "adapter_model.safetensors").read_bytes() for n in ("a", "second"))
    assert first != second


def test_a_tuning_on_top_of_an_adapter_is_one_adapter_of_the_model_below(
    root: Path, small: Path, tmp_path: Path
) -> None:
    """Of other ranks and in fewer blocks, so that layers that the second lacks are the first's alone."""
    ragtune.export(root / "run", "tuned", tmp_path / "a")
    text = EXPERIMENT.replace("SMALL", f"{small} + {tmp_path / 'a'}").replace("ROOT", str(root))
    (tmp_path / "on.yaml").write_text(text.replace("lora: {r: 4}", "lora: {r: 6, alpha: 9, upper: 1}"))
    ragtune.run(tmp_path / "on.yaml", out=tmp_path / "run", store=tmp_path / "store", progress=Silent())
    ragtune.export(tmp_path / "run", "tuned", tmp_path / "both")
    ragtune.export(tmp_path / "run", "tuned", tmp_path / "half", dtype="float16")
    ragtune.export(tmp_path / "run", "tuned", tmp_path / "whole", merged=True, dtype="float32")
    wanted = said(str(tmp_path / "whole"))
    assert torch.allclose(said(f"{small} + {tmp_path / 'both'}"), wanted, atol=1e-4)
    assert not torch.allclose(said(f"{small} + {tmp_path / 'a'}"), wanted, atol=1e-2)
    assert torch.allclose(said(f"{small} + {tmp_path / 'half'}"), wanted, atol=3e-2)
    sizes = [(tmp_path / n / "adapter_model.safetensors").stat().st_size for n in ("both", "half")]
    assert sizes[1] < 0.6 * sizes[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--setup", "tunde"], 'there is no setup "tunde". Did you mean "tuned"?'),
        (["--setup", "plain"], '"plain" is not tuned'),
        (["--setup", "tuned", "--seed", "7"], "was not tuned with seed 7"),
        (["--setup", "tuned", "--store", "nowhere"], "there is no store here"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    root: Path, tmp_path: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(root / "run"), str(tmp_path / "x"), *arguments]) == 2
    said = capsys.readouterr().err.strip()
    assert says in said
    assert "\n" not in said
    assert not (tmp_path / "x").exists()


def test_nothing_is_written_over(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("held", "file", "file/below"):
        assert main(["export", str(root / "run"), str(tmp_path / name), "--setup", "tuned"]) == 2
        assert "\n" not in capsys.readouterr().err.strip()
    assert [p.name for p in (tmp_path / "held").iterdir()] == ["mine.txt"]
