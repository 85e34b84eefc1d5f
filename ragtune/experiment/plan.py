"""The plan: which steps a run needs, what is stored already, what will be computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ragtune.analysis.notes import few_steps
from ragtune.analysis.power import expected_power
from ragtune.experiment import lessons, retrieve, tune
from ragtune.experiment.answer import answer_step
from ragtune.experiment.chunk import chunk_step
from ragtune.experiment.latency import latency_steps
from ragtune.experiment.measure import retrieval_seeds
from ragtune.experiment.query import query_step
from ragtune.experiment.rounds import way_of
from ragtune.experiment.seeding import seeded
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Step
from ragtune.experiment.steps import expected_steps
from ragtune.experiment.tune_retriever import tuning_step
from ragtune.experiment.workbench import Workbench
from ragtune.models.names import must_download


@dataclass(frozen=True)
class PlannedStage:
    """``total`` and ``reused`` count items; None where only running the stages before can tell."""

    stage: str
    what: str
    total: int | None
    reused: int


@dataclass(frozen=True)
class Plan:
    """The stages in the order they run, each once however many setups share it, what the questions can show, and ``notes``:
    what a run would do otherwise than a reader may think."""

    stages: tuple[PlannedStage, ...]
    power: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([*map(_line, self.stages), self.power, *self.notes])

    @property
    def computes(self) -> bool:
        """Something of what can be counted beforehand is left to compute (judging cannot)."""
        return any(s.total is not None and s.reused < s.total for s in self.stages)


def make_plan(bench: Workbench) -> Plan:
    """What a run of the experiment would do."""
    setups = bench.experiment.setups
    stages: list[PlannedStage] = []
    chunked: dict[str, list[str]] = {}
    retrieved: dict[str, tuple[list[str], list[Step]]] = {}
    learns: dict[str, Step] = {}  # tunings of embedders and re-rankers
    late: set[str] = set()  # searches that wait for them
    for name, setup in setups.items():
        if setup.retrieval:
            chunked.setdefault(chunk_step(bench, setup).key, []).append(name)
            for seed in retrieval_seeds(bench, setup):
                own = seeded(setup, seed)
                step = retrieve.retrieve_step(bench, own, bench.asked(setup))
                first = [m for m in retrieve.needed_hits(bench, own) if m.key != step.key]
                more = (m for seed in bench.experiment.seeds_of(setup) for m in tune.needed_hits(bench, setup, seed))
                for one in (*first, step, *(m for m in more if m.key == step.key)):
                    names, steps = retrieved.setdefault(one.key, ([], []))
                    names += [] if name in names else [name]
                    steps.append(one)
                for ground in retrieve.grounds(bench, own).values():
                    made = tuning_step(ground, name)
                    learns.setdefault(made.key, made)
                    late.add(step.key)
    stages += _per_setup(bench, "write queries", lambda name, setup: _queries(bench, setup))
    for key, names in chunked.items():
        stored = Step("chunk", key).stored(bench)
        stages.append(PlannedStage("chunk + embed + index", f"for {', '.join(names)}", 1, stored))
    searches = {}
    for key, (names, steps) in retrieved.items():
        step = Step("retrieve", key, tuple(dict.fromkeys(i for s in steps for i in s.items)))
        searches[key] = PlannedStage("retrieve", f"for {', '.join(names)}", len(step.items), step.stored(bench))
    stages += [stage for key, stage in searches.items() if key not in late]
    stages += [PlannedStage(step.stage, step.label, 1, step.stored(bench)) for step in learns.values()]
    stages += [stage for key, stage in searches.items() if key in late]
    tunings: dict[str, Step] = {}
    for name, setup in setups.items():
        for seed in bench.experiment.seeds_of(setup) if setup.tuning else ():
            step = tune.tune_step(bench, name, setup, seed)
            tunings.setdefault(step.key, step)
    stages += _per_setup(bench, "answer, to teach", lambda name, setup: _teaching(bench, setup))
    stages += [PlannedStage("tune", step.label, 1, step.stored(bench)) for step in tunings.values()]
    judged = sum(len(bench.asked(s)) * len(bench.experiment.seeds_of(s)) for s in setups.values())
    stages += _per_setup(bench, "answer", lambda name, setup: _answers(bench, name, setup))
    stages += [PlannedStage("answer in rounds", name, None, 0) for name, setup in setups.items() if way_of(setup)]
    stages += _per_setup(bench, "latency", lambda name, setup: latency_steps(bench, name, setup))
    stages += [PlannedStage("judge", f"at most {judged} distinct answers", None, 0)]
    return Plan(tuple(stages), expected_power(len(bench.questions)), (*_downloads(bench), *_short_tunings(bench)))


def _downloads(bench: Workbench) -> Iterator[str]:
    for model in bench.models():
        if must_download(model):
            yield f"{model.name} is no folder here and not in the local cache: it will be downloaded from the Hugging Face hub."


def _short_tunings(bench: Workbench) -> Iterator[str]:
    """Of each tuned setup whose tuning will hardly learn: so many steps."""
    for name, setup in bench.experiment.setups.items():
        if setup.tuning:
            steps, known = expected_steps(bench, setup, bench.experiment.seeds[0])
            if note := few_steps(name, steps, about=not known):
                yield note


def _queries(bench: Workbench, setup: Setup) -> list[Step]:
    return [query_step(bench, setup, bench.asked(setup))] if setup.retrieval and setup.retrieval.query else []


def _teaching(bench: Workbench, setup: Setup) -> list[Step]:
    teacher = lessons.teacher_of(bench, setup)
    if teacher is None or way_of(teacher[1]):  # as with answers in rounds
        return []
    seeds = bench.experiment.seeds_of(setup)
    return [step for seed in seeds for step in tune.teaching(bench, setup, seed)]


def _answers(bench: Workbench, name: str, setup: Setup) -> list[Step]:
    if way_of(setup):  # only the rounds before can tell
        return []
    return [answer_step(bench, name, setup, seed) for seed in bench.experiment.seeds_of(setup)]


def _per_setup(bench: Workbench, stage: str, steps_of: Callable[[str, Setup], Sequence[Step]]) -> list[PlannedStage]:
    """A line per setup that has steps; what another setup before it asks for as well is counted there."""
    seen: set[tuple[str, str]] = set()
    found = []
    for name, setup in bench.experiment.setups.items():
        steps = steps_of(name, setup)
        fresh = [_fresh(step, seen) for step in steps]
        total = sum(len(step.items) for step in fresh)
        reused = sum(step.stored(bench) for step in fresh if step.items)
        if steps:
            found.append(PlannedStage(stage, name, total, reused))
    return found


def _fresh(step: Step, seen: set[tuple[str, str]]) -> Step:
    items: Iterable[str] = [i for i in step.items if (step.key, i) not in seen]
    seen |= {(step.key, i) for i in items}
    return Step(step.stage, step.key, tuple(items))


def _line(s: PlannedStage) -> str:
    if s.total is None:
        state = "as the answers show"
    elif s.reused >= s.total:
        state = f"{s.total} stored"
    elif s.reused:
        state = f"{s.total - s.reused} to compute, {s.reused} stored"
    else:
        state = f"{s.total} to compute"
    return f"  {s.stage:<22} {s.what:<52} {state}"
