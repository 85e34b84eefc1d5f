"""The stages: each a function of its inputs and settings, stored under the hash of both.

A key is made from settings, model fingerprints and the keys of the stages before, never from results, so the
plan knows what is stored before anything runs. Nothing here loads a model until there is work for it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ragtune.corpus import chunking
from ragtune.corpus.load import Corpus, load_corpus
from ragtune.errors import ExperimentError
from ragtune.experiment.progress import Progress
from ragtune.experiment.spec import Experiment, SetupSettings
from ragtune.generation.prompts import Prompt, load_prompt
from ragtune.models.causal import LanguageModel
from ragtune.models.encoder import CachedEncoder, SentenceEncoder
from ragtune.models.names import ModelRef, resolve
from ragtune.records import Chunk, Hit, Question
from ragtune.retrieval.retriever import Retriever, indexed_text
from ragtune.retrieval.settings import RetrievalSettings
from ragtune.store import Store, digest

RETRIEVE_VERSION = INDEX_VERSION = 1
#: hits kept per question: enough for recall@10, more if a setup shows more
KEPT = 10
DEFAULT_EMBEDDER = "bundled:minilm"


@dataclass
class Work:
    """What one stage did: items computed, items found in the store, seconds spent."""

    computed: int = 0
    reused: int = 0
    seconds: float = 0.0


@dataclass
class Workbench:
    """What the stages of one experiment share: store, corpus, loaded models, and the record of work."""

    experiment: Experiment
    store: Store
    progress: Progress
    work: dict[str, Work] = field(default_factory=dict)
    other_loads: int = 0
    _refs: dict[str, ModelRef] = field(default_factory=dict)
    _encoders: dict[str, CachedEncoder] = field(default_factory=dict)
    _models: dict[tuple[str, str, str], LanguageModel] = field(default_factory=dict)
    _chunks: dict[str, list[Chunk]] = field(default_factory=dict)
    _retrievers: dict[str, Retriever] = field(default_factory=dict)
    _prompts: dict[str, Prompt] = field(default_factory=dict)
    _benches: dict[str, Workbench] = field(default_factory=dict)

    @cached_property
    def corpus(self) -> Corpus:
        with self.timed("read") as work:
            corpus = load_corpus(self.experiment.corpus, self.store)
            work.computed += len(corpus.documents)
        return corpus

    @contextmanager
    def timed(self, stage: str) -> Iterator[Work]:
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

    def prompt(self, name: str) -> Prompt:
        if name not in self._prompts:
            self._prompts[name] = load_prompt(name)
        return self._prompts[name]

    def encoder(self, name: str) -> CachedEncoder:
        if name not in self._encoders:
            self._encoders[name] = CachedEncoder(SentenceEncoder(self.ref(name)), self.store.root / "vectors")
        return self._encoders[name]

    def language_model(self, setup: SetupSettings) -> LanguageModel:
        key = (setup.generator.model, setup.generator.device, setup.generator.dtype)
        if key not in self._models:
            self._models[key] = LanguageModel(self.ref(key[0]), key[1], key[2])
        return self._models[key]

    @property
    def model_loads(self) -> int:
        return sum(m.loads for m in self._models.values()) + self.other_loads

    # --- questions -------------------------------------------------------------------------------------

    @cached_property
    def questions(self) -> list[Question]:
        """The questions this run answers.

        Raises:
            ExperimentError: the split holds none.
        """
        found = self.corpus.split(self.experiment.split)
        if not found:
            raise ExperimentError(
                f'the corpus has no questions in the split "{self.experiment.split}".',
                where=self.corpus.path / "questions.jsonl",
                fix="Add questions, or use `ragtune ask` with documents alone.",
            )
        if self.experiment.limit and self.experiment.limit < len(found):
            step = len(found) / self.experiment.limit
            found = [found[int(i * step)] for i in range(self.experiment.limit)]
        return found

    def training(self, setup: SetupSettings) -> Workbench:
        """The workbench whose corpus the setup trains on: this one, or one over ``tuning.corpus`` that shares all else."""
        other = setup.tuning.corpus if setup.tuning else None
        if other is None or other == self.experiment.corpus:
            return self
        key = other.model_dump_json()
        if key not in self._benches:
            self._benches[key] = replace(self, experiment=self.experiment.model_copy(update={"corpus": other}))
        return self._benches[key]

    # --- chunk -----------------------------------------------------------------------------------------

    def embedder_name(self, setup: SetupSettings) -> str:
        dense = setup.retrieval.dense if setup.retrieval else None
        return dense.embedder if dense else DEFAULT_EMBEDDER

    def chunk_key(self, setup: SetupSettings) -> str:
        tokenizer = self.ref(self.embedder_name(setup)).fingerprint
        return digest("chunk", chunking.VERSION, setup.chunking.model_dump(), tokenizer, self.corpus.documents_hash)

    def chunks(self, setup: SetupSettings) -> list[Chunk]:
        key = self.chunk_key(setup)
        if key in self._chunks:
            return self._chunks[key]
        with self.timed("chunk") as work:
            folder = self.store.find("chunk", key)
            if folder is None:
                tokens = self._token_spans(self.embedder_name(setup))
                made = [c for d in self.corpus.documents for c in chunking.chunk_document(d, setup.chunking, tokens)]
                with self.store.create("chunk", key) as folder:
                    lines = [
                        json.dumps(
                            [c.document_id, c.start, c.end, c.title, c.metadata.get("headings", [])], ensure_ascii=False
                        )
                        for c in made
                    ]
                    (folder / "chunks.jsonl").write_text("\n".join(lines), "utf-8")
                work.computed += len(made)
            else:
                made = self._read_chunks(folder)
                work.reused += len(made)
        self._chunks[key] = made
        return made

    def _read_chunks(self, folder: Path) -> list[Chunk]:
        by_id = {d.id: d for d in self.corpus.documents}
        found = []
        for line in (folder / "chunks.jsonl").read_text("utf-8").splitlines():
            doc_id, start, end, title, path = json.loads(line)
            document = by_id[doc_id]
            text = document.text[start:end]
            found.append(
                Chunk(
                    digest(doc_id, start, end, text),
                    doc_id,
                    start,
                    end,
                    text,
                    title,
                    {**document.metadata, "headings": path},
                )
            )
        return found

    def _token_spans(self, embedder: str) -> chunking.TokenSpans:
        from ragtune.models.tokens import token_spans

        return token_spans(self.ref(embedder))

    # --- index and retrieve ----------------------------------------------------------------------------

    def retrieve_key(self, setup: SetupSettings) -> str:
        settings = self._retrieval(setup)
        models = [self.ref(n).fingerprint for n in self._retrieval_models(settings)]
        plain = settings.model_dump(mode="json", exclude={"top_k"})
        return digest("retrieve", RETRIEVE_VERSION, plain, max(KEPT, settings.top_k), models, self.chunk_key(setup))

    @staticmethod
    def _retrieval(setup: SetupSettings) -> RetrievalSettings:
        assert setup.retrieval is not None
        return setup.retrieval

    def _retrieval_models(self, settings: RetrievalSettings) -> list[str]:
        names = [settings.dense.embedder] if settings.dense else []
        if settings.rerank and not settings.rerank.model.startswith("bundled:late-interaction"):
            names.append(settings.rerank.model)
        return names or ([DEFAULT_EMBEDDER] if settings.rerank else [])

    def retriever(self, setup: SetupSettings) -> Retriever:
        """The composed retriever; its index is built or mapped from the store."""
        from ragtune.retrieval.lexical import build_lexical
        from ragtune.retrieval.rerank import LATE_INTERACTION, CrossEncoderReranker, LateInteraction

        key = self.retrieve_key(setup)
        if key in self._retrievers:
            return self._retrievers[key]
        settings = self._retrieval(setup)
        chunks = self.chunks(setup)
        if not chunks:
            raise ExperimentError(
                "the documents gave no chunks.", where=self.corpus.path, fix="Check that they hold text."
            )
        encoder = self.encoder(self.embedder_name(setup))
        texts = [indexed_text(c) for c in chunks]
        dense = self._dense(setup, settings, chunks, texts) if settings.dense else None
        with self.timed("index"):
            lexical = build_lexical(texts, settings.lexical) if settings.lexical else None
        reranker: Any = None
        if settings.rerank and settings.rerank.model == LATE_INTERACTION:
            reranker = LateInteraction(encoder, self.store)
            with self.timed("embed"):
                reranker.prepare(texts)
        elif settings.rerank:
            reranker = CrossEncoderReranker(self.ref(settings.rerank.model))
        wide = settings.model_copy(update={"top_k": max(KEPT, settings.top_k)})
        self._retrievers[key] = Retriever(
            chunks, wide, encoder=encoder, dense=dense, lexical=lexical, reranker=reranker
        )
        return self._retrievers[key]

    def _dense(self, setup: SetupSettings, settings: RetrievalSettings, chunks: list[Chunk], texts: list[str]) -> Any:
        from ragtune.retrieval.dense import DenseIndex

        assert settings.dense is not None
        encoder = self.encoder(settings.dense.embedder)
        key = digest(
            "index", INDEX_VERSION, settings.dense.index.model_dump(), encoder.fingerprint, self.chunk_key(setup)
        )
        folder = self.store.find("index", key)
        if folder is None:
            vectors = self.embed(encoder, texts)
            with self.timed("index") as work, self.store.create("index", key) as folder:
                DenseIndex.build(vectors, [c.id for c in chunks], settings.dense.index).save(folder)
                work.computed += 1
            folder = self.store.path("index", key)
        else:
            self.work.setdefault("index", Work()).reused += 1
            self.work.setdefault("embed", Work()).reused += len(set(texts))
        return DenseIndex.load(folder)

    def embed(self, encoder: CachedEncoder, texts: list[str]) -> Any:
        with self.timed("embed") as work:
            before = encoder.computed
            with self.progress.stage("embed chunks", len(texts)) as tick:
                vectors = encoder.encode(texts, "document", tick)
            work.computed += encoder.computed - before
            work.reused += len(set(texts)) - (encoder.computed - before)
        return vectors

    def hits(self, setup: SetupSettings, questions: Sequence[Question], top_k: int | None = None) -> list[list[Hit]]:
        """The setup's hits for each question, best first; missing ones are retrieved and stored."""
        log = self.store.log("retrieve", self.retrieve_key(setup))
        keys = {digest(q.text): q.text for q in questions}
        todo = log.missing(keys)
        with self.timed("retrieve") as work:
            work.reused += len(keys) - len(todo)
            work.computed += len(todo)
        if todo:
            retriever = self.retriever(setup)
            with self.timed("retrieve"), self.progress.stage("retrieve", len(todo)) as tick:
                for at in range(0, len(todo), 64):
                    part = todo[at : at + 64]
                    start = time.perf_counter()
                    found = retriever.retrieve([keys[k] for k in part])
                    seconds = (time.perf_counter() - start) / len(part)
                    log.add(
                        {
                            k: {"hits": [[h.chunk.id, round(h.score, 6)] for h in hits], "seconds": round(seconds, 6)}
                            for k, hits in zip(part, found, strict=True)
                        }
                    )
                    tick(len(part))
        by_id = {c.id: c for c in self.chunks(setup)}
        k = top_k or self._retrieval(setup).top_k
        rows = [log.items[digest(q.text)]["hits"][:k] for q in questions]
        return [[Hit(by_id[c], s, n) for n, (c, s) in enumerate(row, 1)] for row in rows]

    def hit_seconds(self, setup: SetupSettings, questions: Sequence[Question]) -> list[float]:
        items = self.store.log("retrieve", self.retrieve_key(setup)).items
        return [float(items[digest(q.text)]["seconds"]) for q in questions]
