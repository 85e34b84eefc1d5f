"""What a search leaves: its folder, the found setup as an experiment, and one look at the test split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ragtune.analysis.differences import interval, pair
from ragtune.analysis.means import clusters_of, estimate, table
from ragtune.errors import RunError
from ragtune.experiment.folder import Run, load_run, refuse_foreign
from ragtune.experiment.progress import Progress
from ragtune.experiment.run import run_experiment
from ragtune.experiment.search.space import varied
from ragtune.experiment.search.study import search_experiment
from ragtune.experiment.search.trials import FILE, Confirmed, Search, load, save
from ragtune.experiment.spec import Experiment, Setup
from ragtune.experiment.written import in_short
from ragtune.store import Store, write_text
from ragtune.tuning.order import needed

#: the found setup's name beside the one as written
FOUND = "found"
_WINNER = "winner.yaml"


@dataclass(frozen=True)
class Found:
    """A search in its ``folder``, the found experiment's file, and the Run that asked the test split (None: not asked)."""

    search: Search
    folder: Path
    winner: Path
    run: Path | None = None


def find(
    experiment: Experiment,
    store: Store,
    folder: Path,
    winner: Path | None = None,
    confirm: bool = True,
    progress: Progress | None = None,
    force: bool = False,
) -> Found:
    """Search, write what was found, and ask the test split once (unless ``confirm`` is false).

    Raises:
        RagtuneError: what `search_experiment` refuses; ``folder`` holds something that is no search.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / FILE).is_file():
        raise RunError("this folder holds something that is no search.", where=folder, fix="Name another with --out.")
    place = folder / FOUND
    refuse_foreign(place, force)
    search, setup = search_experiment(experiment, store, progress, confirm)
    made = found_experiment(experiment, setup)
    path = winner or folder / _WINNER
    save(search, folder)
    write_text(path, in_short(made))
    if not confirm:
        return Found(search, folder, path)
    run_experiment(made, store, place, progress, f"ragtune run {path}", force)
    search = replace(search, confirmed=_confirmed(load_run(place), varied(experiment), called(experiment)))
    save(search, folder)
    return Found(search, folder, path, place)


def load_found(folder: Path) -> Found:
    """A search that was written, from its folder."""
    place = folder / FOUND
    return Found(load(folder), folder, folder / _WINNER, place if place.exists() else None)


def found_experiment(experiment: Experiment, setup: Setup) -> Experiment:
    """The experiment that asks the test split of the setup as written and of ``setup``; of the one alone where they are the same.
    Setups that their tunings name come with them."""
    name, there = varied(experiment), experiment.setups
    base = there[name]
    setups = {name: base}
    if setup != base:
        setups[called(experiment)] = setup.model_copy(update={"title": f"{base.title or name}, found"})
    tunings = {n: s.tuning for n, s in {**there, **setups}.items()}
    setups |= {n: there[n] for own in list(setups) for n in needed(tunings, own) if n not in setups}
    return experiment.model_copy(
        update={
            "name": f"{experiment.name}-found"[:100],
            "setups": setups,
            "search": None,
            "split": "test",
            "limit": None,
        }
    )


def called(experiment: Experiment) -> str:
    """What the found setup is called: no other one bears the name."""
    names = (FOUND, *(f"{FOUND}-{n}" for n in range(2, len(experiment.setups) + 3)))
    return next(n for n in names if n not in experiment.setups)


def _confirmed(run: Run, name: str, found: str) -> Confirmed:
    metric, clusters = run.experiment.main_metric, clusters_of([row.question for row in run.rows])
    values = {
        setup: [(row.question.id, row.seed, row.value(metric)) for row in run.rows if row.setup == setup]
        for setup in run.experiment.setups
    }
    before = estimate(values[name], clusters)
    if found not in values:
        return Confirmed("test", str(run.path), before, before)
    low, high = interval(pair(table(values[name]), table(values[found]), clusters))
    return Confirmed("test", str(run.path), before, estimate(values[found], clusters), low, high)
