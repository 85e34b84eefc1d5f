"""The tuned embedder and re-ranker that a setup is served with."""

from __future__ import annotations

from collections.abc import Mapping

from ragtune.errors import CorpusError, RunError
from ragtune.experiment import retrieve
from ragtune.experiment.spec import Setup
from ragtune.experiment.tune_retriever import KINDS, STAGES, tuning_key
from ragtune.experiment.workbench import Workbench


def find_retriever(bench: Workbench, name: str, setup: Setup, made: Mapping[str, str | None]) -> None:
    """See to it that the setup finds hits with tuned models that are there: those that the experiment would make here and now;
    else those that a Run ``made`` (kind -> key), elsewhere or of documents that have changed since.

    Raises:
        RunError: one of them is not in the store: nothing is trained to answer a question.
    """
    if not setup.retrieval or not setup.retrieval.tunings:
        return
    for part, ground in retrieve.grounds(bench, setup).items():
        kind, stage = KINDS[part], STAGES[part]
        earlier = made.get(kind)
        try:
            own: str | None = tuning_key(ground)
        except CorpusError:  # what it was trained on may be gone
            if earlier is None:
                raise
            own = None
        if own and bench.store.find(stage, own) is not None:
            continue
        if earlier is None or bench.store.find(stage, earlier) is None:
            raise RunError(
                f'the {kind} of "{name}" is not in the store.',
                where=bench.store.root,
                fix="Run the experiment again (with this seed).",
            )
        bench.instead[part] = earlier
