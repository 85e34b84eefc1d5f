"""The questions that a search asks of setups: what is shown alike is answered once, whichever setup shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from ragtune.experiment import retrieve
from ragtune.experiment.answer import (
    answer_key,
    answered,
    item_key,
    make_generator,
    reading_key,
    row_of,
    searched_with,
)
from ragtune.experiment.examples import chooser
from ragtune.experiment.judge import judged
from ragtune.experiment.latency import measured
from ragtune.experiment.prepare import prepare
from ragtune.experiment.progress import Progress, Silent, Tick
from ragtune.experiment.query import written
from ragtune.experiment.rounds import way_of
from ragtune.experiment.search.questions import refuse_taught
from ragtune.experiment.seeding import seeded
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Step, fill
from ragtune.experiment.tune import tuned
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generator import Reply, Request
from ragtune.generation.generators import GENERATORS
from ragtune.records import Question, Row
from ragtune.store import decode, digest

#: stages of fewer items than this go by unsaid
_LONG = 200


@dataclass(frozen=True)
class Calm:
    """A progress that tells of long stages alone: a search has many short ones."""

    told: Progress

    def say(self, text: str) -> None:
        return None

    def stage(self, label: str, total: int) -> AbstractContextManager[Tick]:
        return (self.told if total >= _LONG or label.startswith("tune") else Silent()).stage(label, total)


@dataclass
class Contest:
    """One setup under test, by the name ``name``, on a bench that shares corpus, store and models with all others.

    ``known`` holds the content keys that were answered on the way here, ``computed`` counts them: a search that is run again asks
    the same questions in the same batches, and finds them stored.
    """

    bench: Workbench
    name: str
    known: set[tuple[str, str]] = field(default_factory=set)
    computed: int = 0

    def over(self, setup: Setup) -> Workbench:
        """The bench on which ``setup`` is the one."""
        experiment = self.bench.experiment.model_copy(update={"setups": {self.name: setup}})
        others = (self.bench.whole or self.bench.experiment).setups
        whole = experiment.model_copy(update={"setups": {**others, self.name: setup}})
        made = replace(self.bench, experiment=experiment, whole=whole, progress=Calm(self.bench.progress))
        made.__dict__.update(corpus=self.bench.corpus, questions=self.bench.questions)
        return made

    def identity(self, setup: Setup) -> str:
        """What the setup's answers depend on: equal for setups that are the same in other words."""
        bench = self.over(setup)
        seed = bench.experiment.seeds_of(setup)[0]
        return digest(answer_key(bench, setup, seed), item_key(bench, setup, Question("", "")), *reading_key(setup))

    def check(self, setup: Setup) -> None:
        """Raises RagtuneError for what a run would refuse, and for a setup that learns from the questions which choose."""
        refuse_taught(setup, self.bench.experiment.split)
        prepare(self.over(setup))

    def rows(self, setup: Setup, questions: Sequence[Question]) -> list[Row]:
        """The judged rows of the setup's answers to ``questions``."""
        bench = self.over(setup)
        seed = bench.experiment.seeds_of(setup)[0]
        return judged(bench, self._answers(bench, setup, seed, questions))

    def _answers(self, bench: Workbench, setup: Setup, seed: int, questions: Sequence[Question]) -> list[Row]:
        kind = GENERATORS[setup.generator.kind]
        if kind.by_id or kind.brings_hits or way_of(setup):  # what it is shown is known by answering alone
            self.computed += len(questions)
            return answered(bench, self.name, setup, seed, questions)
        setup = seeded(setup, seed)
        found = retrieve.hits(bench, setup, questions) if setup.retrieval else [([], 0.0)] * len(questions)
        shots = chooser(bench, setup)(questions)
        requests: dict[str, Request] = {}
        keys = []
        for question, (hits, _), own in zip(questions, found, shots, strict=True):
            texts = [[h.chunk.title, h.chunk.text] for h in hits]
            keys.append(digest("shown", question.text, texts, [[s.question, s.answer] for s in own]))
            requests[keys[-1]] = Request(keys[-1], question, tuple(hits), own)
        log = digest("shown", answer_key(bench, setup, seed))
        new = [key for key in requests if (log, key) not in self.known]
        self.known |= {(log, key) for key in new}
        self.computed += len(new)
        step = Step("answer", log, tuple(requests), f"answer {self.name}")
        if step.stored(bench) < len(step.items):
            adapter = tuned(bench, self.name, seed) if setup.tuning else None
            generator = make_generator(bench, setup)
            if adapter:
                local = setup.generator
                bench.language_model(local.model, local.device, local.dtype).merge(adapter)

        def compute(batch: Sequence[str]) -> Mapping[str, Reply]:
            return dict(generator.answer([requests[k] for k in batch], adapter, seed))

        def batches() -> list[list[str]]:
            # of what is new on this way, stored or not: a search that goes on asks in the same company
            return [[r.key for r in batch] for batch in generator.batches([requests[k] for k in new], seed)]

        items = fill(bench, step, compute, batches)
        rows = [
            row_of(bench, self.name, setup, seed, q, hits, decode(Reply, items[key]), seconds)
            for q, key, (hits, seconds) in zip(questions, keys, found, strict=True)
        ]
        return [searched_with(setup, row, own) for row, own in zip(rows, written(bench, setup, questions), strict=True)]

    def latency(self, setup: Setup, rows: Sequence[Row]) -> float | None:
        """What one user waits at the median, in seconds; None where it is not measured."""
        found = measured(self.over(setup), rows)
        return found[self.name].p50 if self.name in found else None
