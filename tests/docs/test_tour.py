"""The notebook runs from top to bottom, and carries no outputs."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
CELLS: list[dict[str, Any]] = json.loads((DOCS / "tour.ipynb").read_text("utf-8"))["cells"]
CODE = [cell for cell in CELLS if cell["cell_type"] == "code"]


def test_outputs_are_not_kept() -> None:
    assert len(CODE) > 8
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in CODE)
    assert len({cell["id"] for cell in CELLS}) == len(CELLS)


def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(DOCS)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    names: dict[str, Any] = {}
    for cell in CODE:
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    run, gate = names["run"], names["gate"]
    assert list(run.summary.setups) == ["vectors", "both", "oracle"]
    assert len(names["frame"]) == 3 * 48
    assert run.summary.retrieval["oracle"]["success@1"].mean == 1
    assert gate.code == 1
    assert {v.metric for v in gate.of("regressed")} == {"faithfulness", "answer_correctness"}
    assert names["page"].is_file()
    said = capsys.readouterr().out
    assert "4.20 euros" in said
    assert "exit code 1" in said
