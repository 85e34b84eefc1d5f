"""A setup under one seed: what finds its hits may be tuned with it, so that keys of retrieval are asked of the setup so taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # spec calls `heed`, which calls this
    from ragtune.experiment.spec import Setup


def seeded(setup: Setup, seed: int) -> Setup:
    """The setup with ``seed`` for what of its retrieval is tuned anew under each; itself where nothing is."""
    found = setup.retrieval.seeded(seed) if setup.retrieval else None
    return setup if found is setup.retrieval else setup.model_copy(update={"retrieval": found})


def is_tuned(setup: Setup) -> bool:
    """Something of it is tuned: the generator, the embedder, the re-ranker."""
    return setup.tuning is not None or (setup.retrieval is not None and bool(setup.retrieval.tunings))
