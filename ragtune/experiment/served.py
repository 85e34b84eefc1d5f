"""A setup as one user meets it: asked one question at a time, its query embedded anew, its adapter merged into the weights."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ragtune.analysis.latency import Wait
from ragtune.experiment import retrieve
from ragtune.experiment.answer import make_generator, plain, prompt_of, row_of
from ragtune.experiment.examples import chooser
from ragtune.experiment.query import Writer, Written, written
from ragtune.experiment.rounds import Find, Offered, Want, Way, Write, together, way_of
from ragtune.experiment.spec import Setup
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generator import Generator, Hear, Reply, Request, Streaming
from ragtune.generation.generators import kind_of
from ragtune.models.causal import LanguageModel
from ragtune.records import Hit, Question, Row
from ragtune.store import digest


@dataclass(frozen=True)
class Met:
    """What one question met: the hits offered to the generator, its reply, the seconds of each part, and what was written to search with;
    ``row`` where it took several rounds."""

    offered: tuple[Hit, ...]
    reply: Reply
    wait: Wait
    written: Written
    row: Row | None = None


class Finder:
    """How a setup finds hits for one question at a time; its index and models load on making it."""

    def __init__(self, bench: Workbench, setup: Setup, measuring: bool = False) -> None:
        """``measuring``: no endpoint is asked for a query again; the seconds of the request that the run made count."""
        self._bench, self._setup, self._measuring = bench, setup, measuring
        self._source = retrieve.source(bench, setup) if setup.retrieval else None
        self._offer = retrieve.offer(bench, setup) if setup.retrieval else None
        self._writer = Writer(bench, setup) if setup.retrieval and setup.retrieval.query else None
        self.find(retrieve.WARM)

    def find(self, question: Question, own: Written | None = None) -> tuple[Sequence[Hit], Wait, Written]:
        """The hits that the generator is offered, the seconds that finding (with writing a query) and re-ranking them took, and
        what was written to search with (``own``, where it was before)."""
        if self._source is None or self._offer is None:
            return (), Wait(), Written()
        before, start = self._source.reranking, time.perf_counter()
        asked = 0.0
        if own is None:
            own, asked = self.write(question)
        found = retrieve.hits_anew(self._bench, self._setup, self._source, [question], [own.texts])[0]
        offered = self._offer([found])[0]
        seconds, reranking = time.perf_counter() - start, self._source.reranking - before
        return offered, Wait(asked + seconds - reranking, reranking), replace(own, seconds=0.0)

    def borrows(self, model: str) -> bool:
        """Whether it writes with the base of this model, which a merged adapter would have to leave each time."""
        return self._writer is not None and self._writer.model == model

    def write(self, question: Question) -> tuple[Written, float]:
        """What is written to search with, and the seconds of a request that was made before."""
        if self._writer is None or (self._writer.kind.remote and question is retrieve.WARM):
            return Written(), 0.0
        if self._writer.kind.remote and self._measuring:
            own = written(self._bench, self._setup, [question])[0]
            return own, own.seconds
        return self._writer.one(question), 0.0


def _asked_once(setup: Setup) -> Setup:
    """The setup, but that a system is not tried for whether it repeats itself, which takes a question more."""
    if not setup.generator.system:
        return setup
    return setup.model_copy(update={"generator": setup.generator.model_copy(update={"varies": True})})


class Served:
    """A setup, ready to be asked. Models and index load on making it.

    ``adapter`` is the folder of its tuned weights; ``switched`` leaves it beside the base's weights, where
    several can stand at once. Without ``keep`` a merged adapter stays merged, which spares a copy of the weights.
    """

    def __init__(
        self,
        bench: Workbench,
        setup: Setup,
        seed: int,
        adapter: Path | None = None,
        *,
        switched: bool = False,
        keep: bool = True,
        measuring: bool = False,
    ) -> None:
        self._seed, self._adapter = seed, adapter
        self._generator = make_generator(bench, _asked_once(setup))
        self._model: LanguageModel | None = None
        self._finder = Finder(bench, setup, measuring)
        self._shots = chooser(bench, setup)
        self._bench, self._setup, self._way = bench, setup, way_of(setup)
        if self._way:
            self._plain = self._finder if not setup.queried else Finder(bench, plain(setup))
            self._closed = make_generator(bench, setup, "closed")
        if kind_of(setup.generator).tunable:
            local = setup.generator
            self._model = bench.language_model(local.model, local.device, local.dtype)
            self._generator.batches([Request("", retrieve.WARM, ())], seed)  # the tokenizer loads as well
            if adapter is not None and not switched and not self._finder.borrows(local.model):
                self._model.merge(adapter, keep)
            else:
                self._model.plain()
                self._model.using(adapter)

    def close(self) -> None:
        """Take the adapter away: the model is the base again."""
        if self._model is not None:
            self._model.using(None)

    def ask(self, question: Question, hear: Hear | None = None) -> Met:
        """Answer one question; ``hear`` is told of the reply while it is made, where the generator can."""
        if self._way:
            return self._in_rounds(self._way(self._setup, question))
        offered, found, own = self._finder.find(question)
        start = time.perf_counter()
        [shots] = self._shots([question])
        reply = self._reply(Request(digest(question.text), question, tuple(offered), shots), hear)
        seconds = time.perf_counter() - start
        return Met(tuple(offered), reply, Wait(found.retrieval, found.reranking, seconds), own)

    def _in_rounds(self, way: Way) -> Met:
        """What one question met that takes several rounds; nothing is heard before the last one is over."""
        own = Written()
        waits: list[Wait] = []
        said: list[Reply] = []

        def give(wants: Sequence[Want]) -> list[object]:
            nonlocal own
            want = wants[0]
            if isinstance(want, Write):
                start = time.perf_counter()
                own, before = self._finder.write(want.question)
                waits.append(Wait(before + time.perf_counter() - start))
                return [replace(own, seconds=0.0)]
            if isinstance(want, Find):
                hits, wait, _ = (self._finder if want.written else self._plain).find(want.question, own)
                waits.append(wait)
                return [Offered(tuple(hits), 0.0, want)]
            hits = want.offered.hits if want.offered else ()
            start = time.perf_counter()
            generator = self._generator if want.offered else self._closed
            shots = self._shots([want.question])[0] if want.offered else ()
            reply = self._reply(
                Request(digest(want.question.text, [h.chunk.id for h in hits]), want.question, tuple(hits), shots),
                None,
                generator,
            )
            waits.append(Wait(generation=time.perf_counter() - start))
            said.append(reply)
            return [
                row_of(
                    self._bench,
                    "",
                    self._setup,
                    self._seed,
                    want.question,
                    hits,
                    reply,
                    0.0,
                    prompt_of(self._setup, want),
                )
            ]

        [row] = together([way], give)
        spent = [sum(parts) for parts in zip(*[(w.retrieval, w.reranking, w.generation) for w in waits], strict=True)]
        return Met(row.answer.hits, said[-1], Wait(*spent), Written(), row)

    def _reply(self, request: Request, hear: Hear | None, generator: Generator | None = None) -> Reply:
        generator = generator or self._generator
        batch = generator.batches([request], self._seed)[0]
        if hear is not None and isinstance(generator, Streaming):
            return generator.stream(batch[0], self._adapter, self._seed, hear)
        _, reply = next(iter(generator.answer(batch, self._adapter, self._seed)))
        return reply
