"""Settings of a setup that cannot be had together, each told in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragtune.generation.generators import kind_of
from ragtune.retrieval.measure import CUTS
from ragtune.tuning.recipes import RECIPES

if TYPE_CHECKING:  # spec calls this
    from ragtune.experiment.spec import Setup


def impossible(setup: Setup) -> str:
    """Why the setup cannot be what it says; "" where it can."""
    return _generating(setup) or _tuning(setup) or _finding(setup)


def _generating(setup: Setup) -> str:
    kind = kind_of(setup.generator)
    if setup.tuning and setup.prompt.reasoning:
        return "prompt.reasoning needs an untuned model (tuning teaches answers without it)"
    if (setup.prompt.shots or setup.prompt.reasoning) and not kind.writes:
        return f"{setup.generator.kind} reads no prompt: take shots and reasoning away"
    if setup.generator.quote and setup.prompt.reasoning:
        return "generator.quote answers in the contexts' words alone: take prompt.reasoning away"
    if setup.tuning and not kind.tunable:
        return "only a local model can be tuned"
    if kind.brings_hits and setup.retrieval:
        what = "a system finds its" if setup.generator.system else "given answers bring their"
        return f"{what} own contexts; take retrieval away"
    if kind.needs_retrieval and not setup.retrieval:
        return f"{setup.generator.kind} needs retrieval"
    return ""


def _tuning(setup: Setup) -> str:
    if setup.tuning is None:
        return ""
    found, sees = setup.retrieval, RECIPES[setup.tuning.train_on].sees_contexts
    if sees and not found:
        return f"tuning on {setup.tuning.train_on} needs retrieval"
    if found is None:
        return ""
    if sees and found.source == "training":
        return "tuning on contexts with source: training would show each question its own answer"
    if sees and found.top_k == "auto":
        return "tuning on contexts shows a fixed number of them: give retrieval.top_k a number"
    most = max(0 if found.source == "oracle" else CUTS[-1], found.shown)  # what is kept of any question
    wanted = setup.tuning.contexts
    return f"tuning.contexts up to {wanted[1]} needs retrieval.top_k {wanted[1]}" if wanted and wanted[1] > most else ""


def _finding(setup: Setup) -> str:
    found = setup.retrieval
    if found is None:
        return ""
    if found.query and not kind_of(found.query.writer(setup.generator)).writes:
        what = found.query.generator or setup.generator
        return f"retrieval.query needs a language model to write queries, and {what.kind} is none: name one in retrieval.query.generator"
    for where, part in (("chunking.context", setup.chunking.context), ("retrieval.summary", found.summary)):
        if part and part.generator and not kind_of(part.generator).writes:
            return f"{where} needs a language model to write sentences, and {part.generator.kind} is none"
    if found.when == "after" and not kind_of(setup.generator).writes:
        return (
            f"retrieval.when: after needs a generator that answers without contexts, and {setup.generator.kind} is none"
        )
    return ""
