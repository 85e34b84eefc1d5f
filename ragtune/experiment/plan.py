"""The plan: which stages a run needs, what is stored already, what will be computed."""

from __future__ import annotations

from dataclasses import dataclass

from ragtune.experiment.answer import answer_key, depends_on_seed, item_key
from ragtune.experiment.spec import SetupSettings
from ragtune.experiment.tune import tune_key
from ragtune.experiment.workbench import Workbench
from ragtune.store import digest


@dataclass(frozen=True)
class PlannedStage:
    """``total`` and ``reused`` count items; None where only running the stages before can tell."""

    stage: str
    what: str
    total: int | None
    reused: int


def seeds_of(bench: Workbench, setup: SetupSettings) -> tuple[int, ...]:
    """A setup that no seed can change runs once."""
    return bench.experiment.seeds if depends_on_seed(setup) else bench.experiment.seeds[:1]


def make_plan(bench: Workbench) -> list[PlannedStage]:
    """Stages in the order they run, each once however many setups share it."""
    setups = bench.experiment.setups
    questions = bench.questions
    stages: list[PlannedStage] = []
    chunk_keys: dict[str, list[str]] = {}
    retrieve_keys: dict[str, list[str]] = {}
    for name, setup in setups.items():
        if setup.retrieval:
            chunk_keys.setdefault(bench.chunk_key(setup), []).append(name)
            retrieve_keys.setdefault(bench.retrieve_key(setup), []).append(name)
    for key, names in chunk_keys.items():
        stored = bench.store.has("chunk", key)
        stages.append(PlannedStage("chunk + embed + index", f"for {', '.join(names)}", 1, int(stored)))
    for key, names in retrieve_keys.items():
        wanted = {digest(q.text) for q in questions}
        for name in names:
            tuning = setups[name].tuning
            if tuning and tuning.train_on != "closed-book" and bench.training(setups[name]) is bench:
                wanted |= {digest(q.text) for s in ("train", "dev") for q in bench.corpus.split(s)}
        log = bench.store.log("retrieve", key)
        stages.append(
            PlannedStage("retrieve", f"for {', '.join(names)}", len(wanted), sum(k in log.items for k in wanted))
        )
    tunings: dict[str, str] = {}
    for name, setup in setups.items():
        if setup.tuning:
            for seed in seeds_of(bench, setup):
                tunings.setdefault(
                    tune_key(bench, setup, seed), f"{setup.tuning.train_on}, seed {seed} (first for {name})"
                )
    for key, what in tunings.items():
        stages.append(PlannedStage("tune", what, 1, int(bench.store.has("tune", key))))
    seen: set[tuple[str, str]] = set()
    judged = 0
    for name, setup in setups.items():
        total = reused = 0
        for seed in seeds_of(bench, setup):
            key = answer_key(bench, setup, seed)
            log = bench.store.log("answer", key)
            own = {item_key(bench, setup, q) for q in questions}
            fresh = {k for k in own if (key, k) not in seen}
            seen |= {(key, k) for k in fresh}
            total += len(fresh)
            reused += sum(k in log.items for k in fresh)
        judged += total
        stages.append(PlannedStage("answer", name, total, reused))
    stages.append(PlannedStage("judge", f"at most {judged} distinct answers", None, 0))
    return stages


def print_plan(stages: list[PlannedStage]) -> str:
    lines = []
    for s in stages:
        if s.total is None:
            state = "as the answers show"
        elif s.reused >= s.total:
            state = f"{s.total} stored"
        elif s.reused:
            state = f"{s.total - s.reused} to compute, {s.reused} stored"
        else:
            state = f"{s.total} to compute"
        lines.append(f"  {s.stage:<22} {s.what:<52} {state}")
    return "\n".join(lines)
