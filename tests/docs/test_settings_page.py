"""The page of settings is what the settings classes say, and leaves nothing out."""

from __future__ import annotations

import pytest

from docs.settings import PAGE, page, sections
from ragtune.corpus.chunking import CHUNKERS
from ragtune.experiment.spec import Experiment
from ragtune.generation.prompts import shipped_prompts
from ragtune.judging.judges import JUDGES

SETTINGS = {f"{s.path}.{each.key}".lstrip("."): each for s in sections() for each in s.settings}


def test_the_page_is_the_one_that_is_made() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make docs`"


@pytest.mark.parametrize("key", SETTINGS)
def test_every_setting_has_a_meaning(key: str) -> None:
    assert SETTINGS[key].meaning
    assert f"`{key.removeprefix('setups.NAME.')}`" in page()


def test_no_leaf_is_left_out() -> None:
    """The page's defaults are the keys of a whole experiment, but for parts that are off."""
    made = Experiment.model_validate({"name": "x", "corpus": {"path": "c"}, "setups": {"NAME": {"retrieval": {}}}})

    def leaves(node: dict[str, object], at: str = "") -> set[str]:
        found: set[str] = set()
        for key, value in node.items():
            parts = isinstance(value, dict) and key not in ("columns", "where")
            found |= leaves(value, f"{at}{key}.") if parts else {f"{at}{key}"}  # type: ignore[arg-type]
        return found

    parts = (
        "tuning",
        "retrieval.lexical",
        "retrieval.rerank",
        "retrieval.dense.tuning",
        "retrieval.query",
        "retrieval.summary",
        "chunking.context",
    )
    off = {"search", *(f"setups.NAME.{part}" for part in parts)}
    assert leaves(made.model_dump()) - off <= set(SETTINGS)
    assert len(SETTINGS) > 90


def test_names_that_a_setting_takes_are_said() -> None:
    assert all(name in SETTINGS["judge.name"].meaning for name in JUDGES)
    assert all(name in SETTINGS["setups.NAME.prompt.style"].meaning for name in shipped_prompts())
    assert all(f"`{name}`" in SETTINGS["setups.NAME.chunking.by"].type for name in CHUNKERS)
