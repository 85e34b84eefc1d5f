"""A search against its whole grid: ``python -m benchmarks.search [EXPERIMENT] [--limit N]`` (default: experiments/search.yaml).

Every setup of the space answers every question once (what two show alike is made once); then the search runs with five seeds, from
the same store, with as many answers as a quarter of the grid's. Printed: the grid's best, what each seed found, how far from the
best that is, and the answers that the search would have made by itself.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean

from ragtune.experiment.progress import default_progress
from ragtune.experiment.search import space
from ragtune.experiment.search.contest import Contest
from ragtune.experiment.search.study import search_experiment
from ragtune.experiment.spec import Experiment, load_experiment
from ragtune.experiment.workbench import Workbench
from ragtune.store import Store

SEEDS = range(5)


def grid(experiment: Experiment, store: Store) -> list[float]:
    """The mean of the main metric of every setup of the space, best first."""
    assert experiment.search is not None
    name = space.varied(experiment)
    narrowed = experiment.model_copy(update={"split": experiment.search.split, "search": None})
    with store.locked():
        bench = Workbench(narrowed, store, default_progress())
        contest = Contest(bench, name)
        found = []
        for n, values in enumerate(space.every(experiment.search), 1):
            rows = contest.rows(space.made_of(experiment.setups[name], values), bench.questions)
            found.append(mean(v for row in rows if (v := row.value(experiment.main_metric)) is not None))
            print(f"{n:>3} {100 * found[-1]:5.1f} {contest.computed:>6} answers made: {values}", flush=True)
    print(f"whole grid: {len(found) * len(bench.questions)} answers, {contest.computed} of them different")
    return sorted(found, reverse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", nargs="?", type=Path, default=Path("experiments/search.yaml"))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--store", type=Path, default=Path(".ragtune"))
    args = parser.parse_args()
    store = Store(args.store)
    experiment = load_experiment(args.experiment, ["latency.sample=0"], args.limit)
    best = grid(experiment, store)
    print(f"best {100 * best[0]:.1f}, median {100 * best[len(best) // 2]:.1f}, worst {100 * best[-1]:.1f}")
    assert experiment.search is not None
    for seed in SEEDS:
        settings = experiment.search.model_copy(update={"seed": seed})
        search, _ = search_experiment(experiment.model_copy(update={"search": settings}), store)
        found = search.winner.quality
        assert found is not None
        assert found.mean is not None
        share = search.computed / search.possible
        print(
            f"seed {seed}: {100 * found.mean:.1f} ({100 * (found.mean - best[0]):+.1f} to the grid's best), "
            f"{search.computed} answers of {search.possible} ({100 * share:.0f} %), {len(search.trials)} proposals",
            flush=True,
        )


if __name__ == "__main__":
    main()
