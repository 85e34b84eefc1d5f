"""How well evidence was found, per setup and over the seeds where what finds hits is tuned; and those tunings."""

from __future__ import annotations

from ragtune.analysis.means import Estimate, clusters_of, estimate
from ragtune.experiment import retrieve
from ragtune.experiment.chunk import chunks
from ragtune.experiment.seeding import seeded
from ragtune.experiment.spec import Setup
from ragtune.experiment.tune_retriever import KINDS, STAGES, Ground, tuning_key, tuning_record
from ragtune.experiment.workbench import Workbench
from ragtune.retrieval.measure import measure_retrieval
from ragtune.text.counts import counted
from ragtune.tunings import Tuning


def retrieval_seeds(bench: Workbench, setup: Setup) -> tuple[int, ...]:
    """The seeds under which the setup finds hits of its own: the first alone unless what finds them is tuned for each."""
    seeds = bench.experiment.seeds
    return seeds if setup.retrieval and setup.retrieval.depends_on_seed else seeds[:1]


def measure(bench: Workbench) -> dict[str, dict[str, Estimate]]:
    """Retrieval quality per setup that retrieves (setups that share a source share the numbers), by measure."""
    found: dict[str, dict[str, Estimate]] = {}
    by_key: dict[tuple[str, ...], dict[str, Estimate]] = {}
    questions = [q for q in bench.questions if q.evidence]
    for name, setup in bench.experiment.setups.items():
        if not setup.retrieval or not setup.retrieval.measurable or not questions:
            continue
        seeds = retrieval_seeds(bench, setup)
        key = tuple(retrieve.retrieve_key(bench, seeded(setup, seed)) for seed in seeds)
        if key not in by_key:
            with bench.timed("measure"):
                values: dict[str, list[tuple[str, int, float]]] = {}
                for seed in seeds:
                    deep = [row for row, _ in retrieve.hits(bench, seeded(setup, seed), questions, retrieve.KEPT)]
                    own = measure_retrieval(questions, deep, chunks(bench, setup))
                    for measure, each in own.items():
                        of = zip(questions, each, strict=True)
                        values.setdefault(measure, []).extend((q.id, seed, x) for q, x in of)
                clusters = clusters_of(bench.questions)
                by_key[key] = {m: estimate(rows, clusters) for m, rows in values.items()}
        found[name] = by_key[key]
    return found


def retriever_tunings(bench: Workbench) -> list[Tuning]:
    """Every tuning of an embedder or a re-ranker that the run used, by setup and seed."""
    return [
        tuning_record(ground, name, seed)
        for name, setup in bench.experiment.setups.items()
        for seed in bench.experiment.seeds_of(setup)
        for ground in (retrieve.grounds(bench, seeded(setup, seed)) if setup.retrieval else {}).values()
    ]


def untuned(bench: Workbench) -> list[Ground]:
    """The tunings of embedders and re-rankers that the store lacks, each once."""
    found: dict[str, Ground] = {}
    for setup in bench.experiment.setups.values():
        for seed in bench.experiment.seeds_of(setup) if setup.retrieval else ():
            for ground in retrieve.grounds(bench, seeded(setup, seed)).values():
                key = tuning_key(ground)
                if key not in found and bench.store.find(STAGES[ground.part], key) is None:
                    found[key] = ground
    return list(found.values())


def left_to_tune(bench: Workbench) -> str:
    """What of the embedders and re-rankers is left to tune, "" where nothing is."""
    left = untuned(bench)
    if not left:
        return ""
    kinds = [KINDS[ground.part] for ground in left]
    counts = ", ".join(counted(kinds.count(kind), kind) for kind in dict.fromkeys(kinds))
    return f"Left to tune for retrieval: {counts} (not tried beforehand, nor a generator that is taught with what they find)."
