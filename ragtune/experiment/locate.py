"""A Run's store, corpus and models, found where they are now: see `places` for where is looked."""

from __future__ import annotations

from pathlib import Path

from ragtune.corpus.load import load_corpus
from ragtune.errors import RunError
from ragtune.experiment.folder import Run
from ragtune.experiment.places import candidates, in_run, rewritten
from ragtune.experiment.spec import Experiment
from ragtune.store import Store


def store_of(run: Run) -> Path:
    """The store of a Run: from the Run folder, else where it was."""
    near = run.path / run.about.store
    far = [Path(place) for place in run.about.places.get(run.about.store, ())[1:]]
    return next((path for path in (near, *far) if path.is_dir()), near)


def located(run: Run, experiment: Experiment | None = None, store: Store | None = None) -> Experiment:
    """The Run's experiment (or ``experiment``, changed) with the files that it names where they are now.

    Raises:
        RunError: the corpus is nowhere to be found.
    """
    given = experiment or run.experiment
    found = Experiment.model_validate(rewritten(given.model_dump(), in_run(run.about.places, run.path)))
    if given.corpus.path != run.experiment.corpus.path or given.corpus.answers:
        return found
    tried = list(dict.fromkeys(path.absolute() for path in candidates(given.corpus.path, run.about.places, run.path)))
    there = [path for path in tried if path.is_dir()]
    if not there:
        raise RunError(
            f"the corpus of this Run is gone (tried {', '.join(map(str, tried))}).",
            where=run.path,
            fix="Say where it is with --set corpus.path=FOLDER.",
        )
    corpora = [found.corpus.model_copy(update={"path": str(path)}) for path in there]
    same = (c for c in corpora if len(corpora) > 1 and load_corpus(c, store).hash == run.about.corpus.hash)
    return found.model_copy(update={"corpus": next(same, corpora[0])})
