"""Settings of a setup that cannot be had together, each told in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragtune.generation.generators import kind_of
from ragtune.tuning.recipes import RECIPES

if TYPE_CHECKING:  # spec calls this
    from ragtune.experiment.spec import Setup


def impossible(setup: Setup) -> str:
    """Why the setup cannot be what it says; "" where it can."""
    found = setup.retrieval
    if found is None:
        return ""
    if found.query and kind_of(found.query.writer(setup.generator)).writes is False:
        what = found.query.generator or setup.generator
        return f"retrieval.query needs a language model to write queries, and {what.kind} is none: name one in retrieval.query.generator"
    sees = bool(setup.tuning) and RECIPES[setup.tuning.train_on].sees_contexts  # type: ignore[union-attr]
    if sees and found.top_k == "auto":
        return "tuning on contexts shows a fixed number of them: give retrieval.top_k a number"
    return ""
