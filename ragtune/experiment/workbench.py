"""What the stages of one experiment share: store, corpus, models loaded once, prompts, and the record of work."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ragtune.corpus.load import Corpus, CorpusSettings, load_corpus
from ragtune.errors import ExperimentError
from ragtune.experiment.progress import Progress
from ragtune.experiment.spec import Experiment, Setup
from ragtune.generation.generators import kind_of
from ragtune.generation.prompts import Prompt, load_prompt
from ragtune.judging.judges import unread
from ragtune.models.causal import LanguageModel
from ragtune.models.devices import placed
from ragtune.models.encoder import CachedEncoder, SentenceEncoder
from ragtune.models.names import ModelRef, resolve
from ragtune.records import Chunk, Question
from ragtune.retrieval.source import Source
from ragtune.store import Store


@dataclass
class Work:
    """What one stage did: items computed, items found in the store, seconds spent."""

    computed: int = 0
    reused: int = 0
    seconds: float = 0.0


@dataclass
class Workbench:
    """What the stages of one experiment share. Nothing here loads a model until there is work for it."""

    experiment: Experiment
    store: Store
    progress: Progress
    work: dict[str, Work] = field(default_factory=dict)
    other_loads: int = 0
    whole: Experiment | None = None  # what this is a part of (`narrowed`)
    asking: bool = False  # only new questions are answered: those of the corpus may be unreadable
    chunks: dict[str, list[Chunk]] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    tuned: dict[str, Path] = field(default_factory=dict)  # tuned embedders and re-rankers whose files were verified
    tuning_keys: dict[tuple[object, ...], str] = field(default_factory=dict)
    instead: dict[str, str] = field(
        default_factory=dict
    )  # part of retrieval -> the tuning to use, whatever these documents say
    _refs: dict[str, ModelRef] = field(default_factory=dict)
    _encoders: dict[str, CachedEncoder] = field(default_factory=dict)
    _models: dict[tuple[str, str, str], LanguageModel] = field(default_factory=dict)
    _prompts: dict[str, Prompt] = field(default_factory=dict)
    _benches: dict[str, Workbench] = field(default_factory=dict)

    @cached_property
    def corpus(self) -> Corpus:
        with self.timed("read") as work:
            corpus = load_corpus(self.experiment.corpus, self.store, self.asking)
            work.computed += len(corpus.documents)
        return corpus

    @contextmanager
    def timed(self, stage: str) -> Iterator[Work]:
        """The stage's Work; what the block takes is added to its seconds."""
        work = self.work.setdefault(stage, Work())
        start = time.perf_counter()
        try:
            yield work
        finally:
            work.seconds += time.perf_counter() - start

    def ref(self, name: str) -> ModelRef:
        if name not in self._refs:
            self._refs[name] = resolve(name)
        return self._refs[name]

    def models(self) -> list[ModelRef]:
        """Every model that the experiment loads here, each once; served ones are not."""
        judge, names = self.experiment.judge, list[str]()
        for setup in self.experiment.setups.values():
            names += [g.model for g in setup.generators if g.kind == "local"]
            if setup.retrieval and setup.retrieval.dense:
                names.append(setup.retrieval.dense.embedder)
            if setup.retrieval and setup.retrieval.rerank and setup.retrieval.rerank.kind == "cross-encoder":
                names.append(setup.retrieval.rerank.model)
        names.append(judge.embedder)
        if judge.model and not judge.endpoint and "model" not in unread(judge):
            names.append(judge.model)
        return [self.ref(name) for name in dict.fromkeys(names)]

    def prompt_of(self, setup: Setup, other: str = "") -> Prompt:
        """The prompt that the setup answers in, or the ``other`` one by name where it is not that."""
        if other and other != setup.prompt_name:
            return self.prompt(other)
        return self.prompt(setup.prompt_name).asked(setup.prompt)

    def prompt(self, name: str) -> Prompt:
        if name not in self._prompts:
            self._prompts[name] = load_prompt(name)
        return self._prompts[name]

    def encoder(self, name: str) -> CachedEncoder:
        return self.encoder_of(self.ref(name))

    def encoder_of(self, ref: ModelRef) -> CachedEncoder:
        if ref.fingerprint not in self._encoders:
            self._encoders[ref.fingerprint] = CachedEncoder(SentenceEncoder(ref), self.store.root / "vectors")
        return self._encoders[ref.fingerprint]

    @contextmanager
    def fresh(self) -> Iterator[None]:
        """For the length of the block every embedder embeds queries anew, as a user's question is."""
        with ExitStack() as stack:
            for encoder in self._encoders.values():
                stack.enter_context(encoder.fresh())
            yield

    def language_model(self, name: str, device: str, dtype: str) -> LanguageModel:
        """The model, loaded once for each device and precision."""
        where = placed(device, dtype)
        key = (name, where.device, where.dtype)
        if key not in self._models:
            self._models[key] = LanguageModel(self.ref(name), where.device, where.dtype)
        return self._models[key]

    @property
    def model_loads(self) -> int:
        return sum(m.loads for m in self._models.values()) + self.other_loads

    @cached_property
    def questions(self) -> list[Question]:
        """The questions this run answers.

        Raises:
            ExperimentError: the split holds none.
        """
        split, limit = self.experiment.split, self.experiment.limit
        found = self.corpus.split(split)
        if not found:
            raise ExperimentError(
                f'the corpus has no questions in the split "{split}".',
                where=self.corpus.path / "questions.jsonl",
                fix="Add questions, or use `ragtune ask` with documents alone.",
            )
        if limit and limit < len(found):
            step = len(found) / limit
            found = [found[int(i * step)] for i in range(limit)]
        return found

    def narrowed(self, names: Collection[str]) -> Workbench:
        """The same with some of the setups alone; corpus, models and the record of work are shared."""
        setups = {n: s for n, s in self.experiment.setups.items() if n in names}
        whole = self.whole or self.experiment
        made = replace(self, experiment=self.experiment.model_copy(update={"setups": setups}), whole=whole)
        made.__dict__.update(corpus=self.corpus, questions=self.questions)
        return made

    def setup(self, name: str) -> Setup:
        """A setup of the experiment, also of one that this is a part of."""
        return (self.whole or self.experiment).setups[name]

    def asked(self, setup: Setup) -> list[Question]:
        """Those of the questions that the setup has an answer to: all, but for answers given in a file."""
        covers = kind_of(setup.generator).covers(setup.generator)
        return self.questions if covers is None else [q for q in self.questions if q.id in covers]

    def trainings(self, setup: Setup) -> list[Workbench]:
        """The workbenches whose corpora the setup trains on: this one, or one over each of ``tuning.corpora`` (or over
        ``tuning.corpus``) that shares the rest."""
        settings = setup.tuning
        if settings is None or not (settings.corpora or settings.corpus):
            return [self]
        return [self.over(corpus) for corpus in settings.corpora or (settings.corpus,) if corpus]

    def over(self, corpus: CorpusSettings) -> Workbench:
        """The workbench over another corpus, which shares the rest."""
        plain = CorpusSettings.model_validate(corpus.model_dump(include=set(CorpusSettings.model_fields)))
        if plain == self.experiment.corpus:
            return self
        key = plain.model_dump_json()
        if key not in self._benches:
            self._benches[key] = replace(self, experiment=self.experiment.model_copy(update={"corpus": plain}))
        return self._benches[key]
