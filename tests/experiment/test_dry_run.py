"""What a dry run says of models: refused where they cannot be had, named where they will be downloaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import write_corpus
from huggingface_hub import constants

from ragtune.cli import main


@pytest.fixture
def folder(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_corpus(tmp_path / "c")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "x.yaml").write_text(
        f"name: x\ncorpus: c\ngenerator: {{model: {small}}}\nsetups: [prompt-only, rag, tuned]\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def dry(capsys: pytest.CaptureFixture[str], *overrides: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["run", "x.yaml", "--dry-run", *(part for o in overrides for part in ("--set", o))])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize(
    "override",
    [
        "generator.model=someone/model",
        "retrieval.dense.embedder=someone/model",
        "retrieval.rerank.model=someone/model",
        "judge={name: nli, model: someone/model}",
    ],
)
def test_what_is_not_cached_is_named_or_refused(
    folder: Path, override: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots = folder / "cache" / "models--someone--model"

    def asked(name: str, file: str, **how: object) -> None:
        """What the hub's client does: it writes down which commit `main` is."""
        (snapshots / "refs").mkdir(parents=True, exist_ok=True)
        (snapshots / "refs" / "main").write_text("abc")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", asked)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    code, out, _ = dry(capsys, override)
    assert code == 0
    lines = [line for line in out.splitlines() if "will be downloaded" in line]
    assert lines == [
        "someone/model is no folder here and not in the local cache: it will be downloaded from the Hugging Face hub."
    ]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    code, _, err = dry(capsys, override)
    assert code == 2
    assert "someone/model: this model is not in the local cache, and the hub is switched off" in err
    (snapshots / "snapshots" / "abc").mkdir(parents=True)
    (snapshots / "snapshots" / "abc" / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert "will be downloaded" not in dry(capsys, override)[1]


@pytest.mark.parametrize("name", ["foo bar", "a/b/c", "./models/mine", "/no/such/place", "bundled:nanno", "gpt2"])
def test_names_that_can_be_no_model_are_refused(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for key in ("generator.model", "retrieval.dense.embedder", "retrieval.rerank.model"):
        code, _, err = dry(capsys, f"{key}={name}")
        assert code == 2
        last = err.strip().splitlines()[-1]
        assert last.startswith("ragtune: unknown")
        assert name in last
