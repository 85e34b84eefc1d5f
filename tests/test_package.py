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
    "tunings": 0,
    "errors": 0,
    "store": 0,
    "digests": 0,
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
    "synthesis": 5,
    "gate": 4,
    "doctor": 4,
    "api": 5,
    "talk": 5,
    "testing": 5,
    "options": 5,
    "start": 6,
    "verbs": 7,
    "cli": 8,
}
#: rooms of one floor that know nothing of each other
CRAFTS = {"retrieval", "generation", "tuning", "judging", "analysis"}
#: the longest a file may be, as CONTRIBUTING says
LINES = 300


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    return {m.split(".")[1] for m in found if m.startswith("ragtune.")}


FILES = sorted((ROOT / "ragtune").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_import_only_from_floors_below(path: Path) -> None:
    own = path.relative_to(ROOT / "ragtune").parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for other in imports(path) - {own}:
        assert FLOORS[other] <= FLOORS[own]
        assert not (own in CRAFTS and other in CRAFTS), f"{own} imports {other}"
        assert FLOORS[other] < FLOORS[own] or FLOORS[own] in (0, 1)
        assert not (own == "analysis" and other == "models"), "conclusions load no model"
    assert len(path.read_text("utf-8").splitlines()) <= LINES


def test_no_circles() -> None:
    """Modules, not rooms: no file waits for itself, whatever is imported inside functions."""
    names = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in FILES}
    needs: dict[str, set[str]] = {}
    for name, path in names.items():
        tree = ast.parse(path.read_text("utf-8"))
        top = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module]
        found = {f"{n.module}.{a.name}" for n in top for a in n.names} | {str(n.module) for n in top}
        needs[name] = {m for m in found if m in names and m != name}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for other in needs[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in names:
        visit(name, ())


def test_importing_is_light() -> None:
    heavy = "('torch', 'transformers', 'faiss', 'pandas', 'numpy', 'pydantic')"
    code = f"import sys, ragtune, ragtune.cli; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_the_public_face() -> None:
    verbs = "run plan search ask export score check write_report load_run"
    wanted = f"{verbs} Experiment Setup Question Answer Score Run RagtuneError"
    assert set(ragtune.__all__) == {*wanted.split(), "__version__"}
    for name in ragtune.__all__:
        assert name in dir(ragtune)
        found = getattr(ragtune, name)
        assert name == "__version__" or found.__name__ == name
        assert name == "__version__" or found.__doc__
    with pytest.raises(AttributeError):
        _ = ragtune.nothing


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_a_module_offers_is_there(path: Path) -> None:
    """Every name in an ``__all__`` exists."""
    tree = ast.parse(path.read_text("utf-8"))
    offers = [
        n for n in tree.body if isinstance(n, ast.Assign) and any(getattr(t, "id", "") == "__all__" for t in n.targets)
    ]
    if offers:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        module = __import__(name, fromlist=["__all__"])
        assert all(hasattr(module, n) for n in module.__all__)
