"""What of a retriever's tuning can be refused before work begins."""

from __future__ import annotations

import json
from pathlib import Path

from ragtune.errors import ExperimentError, ModelError
from ragtune.experiment import retrieve
from ragtune.experiment.spec import Setup
from ragtune.experiment.tune_retriever import KINDS, Ground, by_headings, needed_questions
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generators import kind_of
from ragtune.models.names import ModelRef, check_embedder
from ragtune.tuning.recipes import RECIPES


def check_retriever(bench: Workbench, name: str, setup: Setup) -> None:
    """Refuse a tuning of the setup's embedder or re-ranker that could not be made.

    Raises:
        ExperimentError: there is nothing to train on, or it does not go with the rest of the setup.
        ModelError: the model cannot be tuned.
    """
    for part, ground in retrieve.grounds(bench, setup).items():
        where = f"setup {name}, retrieval.{part}.tuning"
        if ground.supervised and not kind_of(setup.generator).tunable:
            raise ExperimentError(
                "supervise: generator needs a generator that runs here: it asks how likely the reference is.",
                where=where,
                fix="Set supervise: evidence.",
            )
        if setup.retrieval and not setup.retrieval.measurable and not ground.supervised:
            raise ExperimentError(
                f"there is nothing to tune the {KINDS[part]} on: what source: {setup.retrieval.source} searches holds no evidence.",
                where=where,
                fix="Search the chunks (source: chunks), or take the tuning away.",
            )
        _check_questions(ground, where)
        if setup.tuning and RECIPES[setup.tuning.train_on].sees_contexts and bench.trainings(setup) != [bench]:
            raise ExperimentError(
                "the embedder or re-ranker is tuned on the corpus that it searches, and tuning.corpus or tuning.corpora is another.",
                where=where,
                fix="Take one of the two away.",
            )
        check_embedder(ground.model)
        if part == "rerank":
            _check_head(ground.model)


def _check_questions(ground: Ground, where: str) -> None:
    if by_headings(ground):
        if not any("#" in d.text for d in ground.bench.corpus.documents):
            raise ExperimentError(
                f"there is nothing to tune the {KINDS[ground.part]} on: no train question has evidence, and the documents have no headings.",
                where=where,
                fix="Give train questions evidence.",
            )
    elif not any(q.split == "train" for q in needed_questions(ground)):
        lacks = "a reference" if ground.supervised else "evidence"
        raise ExperimentError(
            f"there is nothing to tune the {KINDS[ground.part]} on: no train question has {lacks}.",
            where=where,
            fix="Give train questions what they lack" + ("." if ground.supervised else ", or set pairs: headings."),
        )


def _check_head(ref: ModelRef) -> None:
    """A CrossEncoder to be tuned gives one score; an encoder gets a head that does."""
    config = Path(ref.location) / "config.json"
    if not ref.local or not config.exists():
        return
    try:
        held = json.loads(config.read_text("utf-8"))
        kinds, labels = held.get("architectures") or [], len(held.get("id2label") or "ab")  # two unless it says
    except (OSError, ValueError, AttributeError):
        return
    if any(str(kind).endswith("ForSequenceClassification") for kind in kinds) and labels != 1:
        raise ModelError(
            f"this CrossEncoder has {labels} labels; one that is tuned as a re-ranker gives a single score.",
            where=ref.name,
            fix="Name another, or an encoder such as bundled:minilm, which gets a head of its own.",
        )
