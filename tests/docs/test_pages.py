"""What stands on the pages for users is so: commands, experiments, judges, Python, links."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest
import yaml

from ragtune.cli import parser_of
from ragtune.experiment.spec import load_experiment
from ragtune.judging.judges import JUDGES, refuse_incomplete
from ragtune.judging.settings import JudgeSettings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(kind: str) -> list[tuple[str, str]]:
    """(page, text) of every block of code of a kind on the pages for users."""
    fenced = [
        (p.name, found)
        for p in PAGES
        for found in re.findall(r"^```(\w*)\n(.*?)^```$", p.read_text("utf-8"), re.S | re.M)
    ]
    found = [(page, text) for page, (own, text) in fenced if own == kind]
    assert found
    return found


def commands() -> list[tuple[str, str]]:
    """(page, arguments) of every command of ragtune on the pages for users."""
    lines = [(page, line) for kind in ("", "yaml") for page, text in blocks(kind) for line in text.splitlines()]
    found = [(page, re.search(r"(?:^|[ /])ragtune ((?!check$)[a-z].*)", line)) for page, line in lines]
    return [(page, each[1]) for page, each in found if each and not each.string.lstrip().startswith(("#", "name:"))]


@pytest.mark.parametrize(("page", "command"), commands())
def test_commands_on_the_pages_are_commands(page: str, command: str) -> None:
    args, rest = parser_of().parse_known_args(shlex.split(command, comments=True))
    assert not rest, page
    assert callable(args.call)


def test_recipes_are_yaml() -> None:
    recipes = [yaml.safe_load(text) for page, text in blocks("yaml") if page == "ci.md"]
    action = yaml.safe_load((ROOT / ".github" / "actions" / "check" / "action.yml").read_text("utf-8"))
    assert set(recipes[0]["jobs"]["quality"]["steps"][2]["with"]) <= set(action["inputs"])
    assert recipes[-1]["quality"]["allow_failure"] == {"exit_codes": [3]}


def test_experiments_on_the_pages_are_experiments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (tmp_path / "bot.py").write_text("def answer(question): return None\n", "utf-8")
    shown = {
        page: text for page, text in reversed(blocks("yaml")) if page in ("README.md", "guide.md") and "setups:" in text
    }
    assert set(shown) == {"README.md", "guide.md"}
    for page, text in [*shown.items(), ("costs", next(t for p, t in blocks("yaml") if "limits:" in t))]:
        whole = text if "corpus:" in text else f"corpus: corpora/handbook\n{text}"
        whole = whole if "setups:" in text else f"{whole}setups: [rag, tuned]\n"
        (tmp_path / "e.yaml").write_text(whole.replace("path/to/bot.py", str(tmp_path / "bot.py")), "utf-8")
        assert load_experiment(tmp_path / "e.yaml").setups, page


@pytest.mark.parametrize("line", [x for _, t in blocks("yaml") for x in t.splitlines() if x.startswith("judge:")])
def test_judges_on_the_pages_are_judges(line: str) -> None:
    made = JudgeSettings.model_validate(yaml.safe_load(line)["judge"])
    assert made.name in JUDGES
    refuse_incomplete(made)


@pytest.mark.parametrize(("page", "text"), blocks("python"))
def test_python_on_the_pages_names_what_is_there(page: str, text: str) -> None:
    compile(text, page, "exec")
    for name in re.findall(r"\bragtune\.([\w.]+)", text):
        module, _, own = name.rpartition(".")
        if f"from ragtune.{name} import" not in text:
            assert hasattr(importlib.import_module(f"ragtune.{module}" if module else "ragtune"), own), name


def anchors(page: Path) -> set[str]:
    """What links may lead to in a page, as GitHub names its headings."""
    heads = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", page.read_text("utf-8")):
        place = page.parent / link if link else page
        assert link.startswith("http") or place.exists(), link
        assert not anchor or anchor in anchors(place), anchor
