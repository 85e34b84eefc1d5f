"""The stage that measures latency: a sample of each setup's questions, asked one at a time of the setup as it would be served.

Of a setup with several seeds the first one's is measured. An endpoint is never asked again: the seconds of the requests that
the run made are one user's waits already, and only finding its hits is measured. Answers from a file and setups whose contexts
come from evidence (``source: oracle``) cannot be served, so their latency is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cache

from ragtune.analysis.latency import Latency, Wait, latency_of
from ragtune.experiment import retrieve
from ragtune.experiment.answer import answer_key, plain
from ragtune.experiment.seeding import seeded
from ragtune.experiment.served import Finder, Served
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Step, fill
from ragtune.experiment.tune import tune_key
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generators import kind_of
from ragtune.records import Question, Row
from ragtune.store import decode, digest
from ragtune.tuning.methods import method_of

LATENCY_VERSION = 1


def sampled(bench: Workbench, setup: Setup) -> list[Question]:
    """The questions to ask one at a time, of each text one: drawn by hash, so setups that are asked the same get the same."""
    drawn = {digest("latency", q.text): q for q in bench.asked(setup)}
    return [drawn[key] for key in sorted(drawn)[: bench.experiment.latency.sample]]


def latency_steps(bench: Workbench, name: str, setup: Setup) -> list[Step]:
    """What must be measured: as served, then, of a setup whose adapter is merged, with it switched on instead; none where there is
    nothing to measure. Equal work has equal keys, so it is measured once."""
    if not setup.servable or (kind_of(setup.generator).remote and not setup.retrieval):
        return []
    setup = seeded(setup, _seed(bench, setup))
    items = tuple(_item(q) for q in sampled(bench, setup))
    if not items:
        return []
    found = [Step("latency", _key(bench, setup, "served"), items, f"latency {name}")]
    if setup.tuning and method_of(setup.tuning).merges and method_of(setup.tuning).beside:
        found.append(Step("latency", _key(bench, setup, "switched"), items, f"latency {name}, switched adapter"))
    return found


def _item(question: Question) -> str:
    return digest(question.text)


def _seed(bench: Workbench, setup: Setup) -> int:
    return bench.experiment.seeds_of(setup)[0]


def _key(bench: Workbench, setup: Setup, how: str) -> str:
    """What one user's wait depends on beside the question: of an endpoint, only how hits are found is measured."""
    remote = kind_of(setup.generator).remote
    found = retrieve.retrieve_key(bench, setup) if setup.retrieval else ""
    shown = setup.retrieval.shown if setup.retrieval and not remote else 0
    view = [*setup.retrieval.view(), *setup.retrieval.way()] if setup.retrieval else []
    answers = "" if remote else answer_key(bench, setup, _seed(bench, setup))
    view += ["each part"] if remote and _decomposes(setup) else []
    return digest("latency", LATENCY_VERSION, found, shown, answers, how, *view)


def measured(bench: Workbench, rows: Sequence[Row]) -> dict[str, Latency]:
    """The latency of each setup where it can be known; what is stored is not measured again.

    ``rows`` are the run's answers: of an endpoint they hold the seconds of each request.
    """
    setups = bench.experiment.setups
    found: dict[str, Latency] = {}
    for name in sorted(setups, key=lambda n: setups[n].tuning is not None):  # the base before its adapters
        setup = seeded(setups[name], _seed(bench, setups[name]))
        if setup.servable:
            steps = latency_steps(bench, name, setup)
            waits = [_waits(bench, setup, step, switched=n > 0) for n, step in enumerate(steps)]
            if kind_of(setup.generator).remote:
                waits = [_with_requests(bench, name, setup, rows, waits[0] if waits else {})]
            latency = latency_of(*[list(own.values()) for own in waits]) if waits else None
            if latency:
                found[name] = latency
    return {name: found[name] for name in setups if name in found}


def _waits(bench: Workbench, setup: Setup, step: Step, switched: bool) -> dict[str, Wait]:
    """The waits of a step by item; missing ones are measured after a warm-up and stored one by one."""
    asked = {_item(q): q for q in sampled(bench, setup)}
    with ExitStack() as stack:

        @cache
        def warm() -> Callable[[Question], Wait]:
            if kind_of(setup.generator).remote:
                return _finding(bench, setup)
            seed = _seed(bench, setup)
            adapter = bench.store.path("tune", tune_key(bench, setup, seed)) if setup.tuning else None
            served = stack.enter_context(
                closing(Served(bench, setup, seed, adapter, switched=switched, measuring=True))
            )
            served.ask(retrieve.WARM)
            return lambda question: served.ask(question).wait

        def compute(keys: Sequence[str]) -> Mapping[str, Wait]:
            return {key: warm()(asked[key]) for key in keys}

        items = fill(bench, step, compute, 1)
    return {key: decode(Wait, items[key]) for key in step.items}


def _with_requests(
    bench: Workbench, name: str, setup: Setup, rows: Sequence[Row], found: Mapping[str, Wait]
) -> dict[str, Wait]:
    """An endpoint's waits: finding hits as measured, and the request that the run made for the same question."""
    own = {row.question.id: row for row in rows if row.setup == name and row.seed == _seed(bench, setup)}
    return {
        _item(q): replace(
            _all_searches(setup, own[q.id], found.get(_item(q), Wait())), generation=own[q.id].times.generation
        )
        for q in sampled(bench, setup)
    }


def _finding(bench: Workbench, setup: Setup) -> Callable[[Question], Wait]:
    """What finding hits for an endpoint takes: writing queries and searching, once more for each simpler question."""
    finder = Finder(bench, setup, measuring=True)
    if not _decomposes(setup):
        return lambda question: finder.find(question)[1]
    alone = Finder(bench, plain(setup))

    def wait(question: Question) -> Wait:
        _, found, own = finder.find(question)
        parts = len(own.texts) if own.texts != (question.text,) else 0
        one = alone.find(question)[1] if parts else Wait()
        retrieval, reranking = found.retrieval + parts * one.retrieval, found.reranking + parts * one.reranking
        return replace(found, retrieval=retrieval, reranking=reranking)

    return wait


def _decomposes(setup: Setup) -> bool:
    return bool(setup.retrieval and setup.retrieval.query and setup.retrieval.query.by == "decompose")


def _all_searches(setup: Setup, row: Row, one: Wait) -> Wait:
    """What all searches for the row took, each as long as the ``one`` that was measured."""
    times = 1 + len(row.answer.queries) if setup.retrieval and setup.retrieval.when == "iterative" else 1
    return replace(one, retrieval=times * one.retrieval, reranking=times * one.reranking)
