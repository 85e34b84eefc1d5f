"""A Run's store, corpus and models, found where they are now: see `places` for where is looked."""

from __future__ import annotations

import os
from pathlib import Path

from ragtune.corpus.load import CorpusSettings, load_corpus
from ragtune.errors import CorpusError, RunError
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
    corpora = [found.corpus.model_copy(update={"path": str(path), **_questions(given, path)}) for path in there]
    same = (c for c in corpora if len(corpora) > 1 and _hash(c, store) == run.about.corpus.hash)
    return found.model_copy(update={"corpus": next(same, corpora[0])})


def _questions(given: Experiment, corpus: Path) -> dict[str, str]:
    """The file of questions that goes with a place of the corpus, lying to it as the named one does; {} where none does."""
    if given.corpus.questions is None:
        return {}
    near = Path(os.path.normpath(corpus / os.path.relpath(given.corpus.questions, given.corpus.path)))
    return {"questions": str(near)} if near.is_file() else {}


def _hash(corpus: CorpusSettings, store: Store | None) -> str:
    """The hash of a corpus, "" where it does not load."""
    try:
        return load_corpus(corpus, store).hash
    except CorpusError:
        return ""
