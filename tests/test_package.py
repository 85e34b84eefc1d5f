from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ragtune

ROOT = Path(__file__).parents[1]
FLOORS = {
    "records": 0,
    "errors": 0,
    "store": 0,
    "text": 0,
    "corpus": 1,
    "models": 1,
    "retrieval": 2,
    "generation": 2,
    "tuning": 2,
    "judging": 2,
    "analysis": 2,
    "experiment": 3,
    "report": 4,
    "serving": 4,
    "doctor": 4,
    "gate": 4,
    "testing": 5,
    "api": 5,
    "cli": 6,
}
CRAFTS = {"retrieval", "generation", "tuning", "judging", "analysis"}


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    return {m.split(".")[1] for m in found if m.startswith("ragtune.")}


@pytest.mark.parametrize("path", sorted((ROOT / "ragtune").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_files_import_only_from_floors_below(path: Path) -> None:
    own = path.relative_to(ROOT / "ragtune").parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for other in imports(path) - {own}:
        if "analysis" in (own, other):
            continue  # until its files take records alone
        assert FLOORS[other] <= FLOORS[own]
        assert not (own in CRAFTS and other in CRAFTS), f"{own} imports {other}"
        assert FLOORS[other] < FLOORS[own] or FLOORS[own] in (0, 1)
    assert len(path.read_text("utf-8").splitlines()) <= 400


def test_importing_is_light() -> None:
    code = "import sys, ragtune, ragtune.cli; print([m for m in ('torch', 'transformers', 'faiss', 'pandas', 'numpy', 'pydantic') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_public_names() -> None:
    assert ragtune.load_run.__name__ == "load_run"
    with pytest.raises(AttributeError):
        _ = ragtune.nothing
