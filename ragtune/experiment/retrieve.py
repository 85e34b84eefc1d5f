"""The stages from documents to hits: chunk, embed, index, retrieve."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from ragtune.corpus import chunking
from ragtune.corpus.check import unknown_share
from ragtune.errors import ExperimentError
from ragtune.experiment.seeding import seeded
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Step, fill
from ragtune.experiment.tune_retriever import Ground, first_stage, needed_questions, tuned_model, tuning_key
from ragtune.experiment.workbench import Work, Workbench
from ragtune.models.encoder import Array, CachedEncoder, TextEncoder
from ragtune.models.packages import DEFAULT_EMBEDDER
from ragtune.models.tokens import token_spans
from ragtune.records import Chunk, Hit, Question, question_key
from ragtune.retrieval.dense import DenseIndex
from ragtune.retrieval.lexical import build_lexical
from ragtune.retrieval.rerank import RERANKERS, own_model
from ragtune.retrieval.rerank import Parts as RerankParts
from ragtune.retrieval.retriever import Retriever, matches
from ragtune.retrieval.settings import IndexSettings, RetrievalSettings
from ragtune.retrieval.source import SOURCES, Parts, Source
from ragtune.retrieval.tuning.query_map import MappedEncoder
from ragtune.store import digest

RETRIEVE_VERSION, INDEX_VERSION = 4, 2
#: raised when the oracle's hits change, which depend on evidence as no others do
ORACLE_VERSION = 2
#: of searches under a filter
FILTER_VERSION = 1
#: hits kept per question: enough for recall@10, more if a setup shows more
KEPT = 10
#: questions that are searched for together
BATCH = 64
#: what is asked before anything counts, so that models are loaded
WARM = Question("", "Is everything there?")


@dataclass(frozen=True)
class Found:
    """What the retrieve log holds for a question: (chunk id, score) best first, and its share of the seconds
    that its batch took, embedding the questions included."""

    hits: tuple[tuple[str, float], ...]
    seconds: float


def _settings(setup: Setup) -> RetrievalSettings:
    assert setup.retrieval is not None
    return setup.retrieval


# --- chunk -----------------------------------------------------------------------------------------------------------


def embedder_name(setup: Setup) -> str:
    dense = setup.retrieval.dense if setup.retrieval else None
    return dense.embedder if dense else DEFAULT_EMBEDDER


def chunk_step(bench: Workbench, setup: Setup) -> Step:
    tokenizer = bench.ref(embedder_name(setup)).fingerprint
    settings = setup.chunking.model_dump()
    key = digest("chunk", chunking.VERSION, settings, tokenizer, bench.corpus.documents_hash)
    return Step("chunk", key, label="chunk")


def allowed_chunks(bench: Workbench, setup: Setup) -> list[Chunk]:
    """Those of the `chunks` that the setup's filter lets through."""
    where = _settings(setup).where
    found = chunks(bench, setup)
    return [c for c in found if matches(c.metadata, where)] if where else found


def chunks(bench: Workbench, setup: Setup) -> list[Chunk]:
    """The corpus in chunks as the setup cuts it."""
    key = chunk_step(bench, setup).key
    if key in bench.chunks:
        return bench.chunks[key]
    with bench.timed("chunk") as work:
        folder = bench.store.find("chunk", key)
        if folder is None:
            tokens = token_spans(bench.ref(embedder_name(setup)))
            made = [c for d in bench.corpus.documents for c in chunking.chunk_document(d, setup.chunking, tokens)]
            if said := unknown_share(bench.corpus.documents, tokens):
                bench.progress.say(f"{embedder_name(setup)}: {said}")
            with bench.store.create("chunk", key) as folder:
                rows = [[c.document_id, c.start, c.end, c.title, c.metadata.get("headings", [])] for c in made]
                lines = [json.dumps(row, ensure_ascii=False) for row in rows]
                (folder / "chunks.jsonl").write_text("\n".join(lines), "utf-8")
            work.computed += len(made)
        else:
            made = _read_chunks(bench, folder)
            work.reused += len(made)
    bench.chunks[key] = made
    return made


def _read_chunks(bench: Workbench, folder: Path) -> list[Chunk]:
    by_id = {d.id: d for d in bench.corpus.documents}
    found = []
    for line in filter(None, (folder / "chunks.jsonl").read_text("utf-8").split("\n")):
        doc_id, start, end, title, path = json.loads(line)
        document = by_id[doc_id]
        text = document.text[start:end]
        metadata = {**document.metadata, "headings": path}
        found.append(Chunk(digest(doc_id, start, end, text), doc_id, start, end, text, title, metadata))
    return found


# --- index and retrieve ----------------------------------------------------------------------------------------------


def grounds(bench: Workbench, setup: Setup) -> dict[str, Ground]:
    """What the tunings of the setup's retrieval stand on, by part; ``setup`` without a seed is taken under the experiment's first."""
    if not _settings(setup).tunings:
        return {}
    setup = seeded(setup, bench.experiment.seeds[0])

    def ground(part: str) -> Ground:
        first = first_stage(setup, part)

        def found(questions: Sequence[Question]) -> list[list[Hit]]:
            return [row for row, _ in hits(bench, first, questions, KEPT)]

        cut = chunk_step(bench, setup).key
        return Ground(bench, setup, part, cut, retrieve_key(bench, first), lambda: chunks(bench, setup), found)

    return {part: ground(part) for part in _settings(setup).tunings}


def needed_hits(bench: Workbench, setup: Setup) -> list[Step]:
    """The hits that tuning the setup's retrieval looks at, as far as they are known before there are chunks."""
    found: list[Step] = []
    for part, ground in grounds(bench, setup).items():
        first = first_stage(ground.setup, part)
        found += [*needed_hits(bench, first), retrieve_step(bench, first, needed_questions(ground))]
    return [step for step in found if step.items]


def encoder(bench: Workbench, setup: Setup) -> CachedEncoder:
    """What embeds texts and questions for the setup: its embedder, tuned where it is; a query map comes on top (`mapped`)."""
    ground = grounds(bench, setup).get("dense")
    return bench.encoder_of(tuned_model(ground)[0]) if ground else bench.encoder(embedder_name(setup))


def mapped(bench: Workbench, setup: Setup, encoder: CachedEncoder) -> TextEncoder:
    ground = grounds(bench, setup).get("dense")
    if ground is None or ground.settings.drawn:
        return encoder
    return MappedEncoder(encoder, tuned_model(ground)[1])


def retrieve_key(bench: Workbench, setup: Setup) -> str:
    settings = _settings(setup)
    tuned = [tuning_key(ground) for ground in grounds(bench, setup).values()]
    models = [bench.ref(n).fingerprint for n in _models(settings)]
    kept = max(KEPT, settings.top_k)
    filtered = [FILTER_VERSION] if settings.where else []
    return digest(
        "retrieve", RETRIEVE_VERSION, settings.identity(), kept, models, chunk_step(bench, setup).key, *filtered, *tuned
    )


def retrieve_step(bench: Workbench, setup: Setup, questions: Sequence[Question]) -> Step:
    items = dict.fromkeys(item_key(bench, setup, q) for q in questions)
    return Step("retrieve", retrieve_key(bench, setup), tuple(items), "retrieve")


def item_key(bench: Workbench, setup: Setup, question: Question) -> str:
    """What the hits of a question depend on: its text, and its evidence where the source looks at that."""
    if _settings(setup).source == "oracle":
        return digest(ORACLE_VERSION, question.id, question.text, question_key(question)["evidence"])
    return digest(question.text)


def _models(settings: RetrievalSettings) -> list[str]:
    names = [settings.dense.embedder] if settings.dense else []
    own = own_model(settings.rerank) if settings.rerank else None
    if own:
        names.append(own)
    return names or ([DEFAULT_EMBEDDER] if settings.rerank else [])


def source(bench: Workbench, setup: Setup) -> Source:
    """Where the setup's hits come from; its index is built or mapped from the store."""
    key = retrieve_key(bench, setup)
    if key not in bench.sources:
        made = chunks(bench, setup)
        if not made:
            raise ExperimentError(
                "the documents gave no chunks.", where=bench.corpus.path, fix="Check that they hold text."
            )
        settings = _settings(setup)
        bench.sources[key] = SOURCES[settings.source](Parts(settings, made, lambda: _search(bench, setup, made)))
    return bench.sources[key]


def _search(bench: Workbench, setup: Setup, made: list[Chunk]) -> Retriever:
    settings = _settings(setup)
    embeds = encoder(bench, setup)
    texts = [c.titled for c in made]
    dense = _dense(bench, setup, settings.dense.index, embeds, made, texts) if settings.dense else None
    with bench.timed("index"):
        lexical = build_lexical(texts, settings.lexical, bench.store) if settings.lexical else None
    reranker = None
    if settings.rerank:
        with bench.timed("embed"):
            tuned = grounds(bench, setup).get("rerank")
            model = tuned_model(tuned)[0] if tuned else None
            ref = (lambda name: model) if model else bench.ref
            parts = RerankParts(settings.rerank, texts, embeds, bench.store, ref, bench.progress.stage)
            reranker = RERANKERS[settings.rerank.kind](parts)
    more = settings.oracle.distractors if settings.source == "oracle" else 0
    wide = settings.model_copy(update={"top_k": max(KEPT, settings.top_k) + more})
    asks = mapped(bench, setup, embeds)
    return Retriever(made, wide, encoder=asks, dense=dense, lexical=lexical, reranker=reranker)


def _dense(
    bench: Workbench,
    setup: Setup,
    index: IndexSettings,
    encoder: CachedEncoder,
    made: list[Chunk],
    texts: list[str],
) -> DenseIndex:
    key = digest("index", INDEX_VERSION, index.model_dump(), encoder.fingerprint, chunk_step(bench, setup).key)
    folder = bench.store.find("index", key)
    if folder is None:
        vectors = _embed(bench, encoder, texts)
        with bench.timed("index") as work, bench.store.create("index", key) as folder:
            DenseIndex.build(vectors, [c.id for c in made], index).save(folder)
            work.computed += 1
        folder = bench.store.path("index", key)
    else:
        bench.work.setdefault("index", Work()).reused += 1
        bench.work.setdefault("embed", Work()).reused += len(set(texts))
    return DenseIndex.load(folder)


def _embed(bench: Workbench, encoder: CachedEncoder, texts: list[str]) -> Array:
    with bench.timed("embed") as work:
        before, long = encoder.computed, encoder.in_windows
        with bench.progress.stage("embed chunks", len(texts)) as tick:
            vectors = encoder.encode(texts, "document", tick)
        work.computed += encoder.computed - before
        work.reused += len(set(texts)) - (encoder.computed - before)
    if encoder.in_windows > long:
        bench.progress.say(
            f"{encoder.in_windows - long} chunk(s) are longer with their titles than the embedder reads at once: each is embedded "
            "in windows, whose mean stands for it. A smaller chunking.size gives sharper vectors."
        )
    return vectors


def hits_anew(bench: Workbench, setup: Setup, source: Source, questions: Sequence[Question]) -> list[list[Hit]]:
    """The source's hits with the questions embedded anew: whatever other setups did, each takes the seconds of its own."""
    with bench.fresh() if _settings(setup).dense else nullcontext():
        return source.hits(questions)


def _found(bench: Workbench, setup: Setup, questions: Sequence[Question]) -> list[Found]:
    """What the log holds for each question; missing ones are retrieved and stored."""
    step = retrieve_step(bench, setup, questions)
    by_key = {item_key(bench, setup, q): q for q in questions}

    def compute(keys: Sequence[str]) -> Mapping[str, Found]:
        ready, start = source(bench, setup), time.perf_counter()
        found = hits_anew(bench, setup, ready, [by_key[k] for k in keys])
        seconds = round((time.perf_counter() - start) / len(keys), 6)
        rows = [tuple((h.chunk.id, round(h.score, 6)) for h in hits) for hits in found]
        return {k: Found(row, seconds) for k, row in zip(keys, rows, strict=True)}

    if step.stored(bench) < len(step.items):
        hits_anew(
            bench, setup, source(bench, setup), [WARM]
        )  # built and loaded now, so that no question's seconds hold it
    items = fill(bench, step, compute, BATCH)
    rows = [items[item_key(bench, setup, q)] for q in questions]
    return [Found(tuple((c, s) for c, s in row["hits"]), float(row["seconds"])) for row in rows]


def hits(
    bench: Workbench, setup: Setup, questions: Sequence[Question], top_k: int | None = None
) -> list[tuple[list[Hit], float]]:
    """The setup's hits for each question, best first, and the seconds that finding them took."""
    found = _found(bench, setup, questions)
    by_id = {c.id: c for c in chunks(bench, setup)}
    k = top_k or _settings(setup).top_k
    return [([Hit(by_id[c], s, n) for n, (c, s) in enumerate(row.hits[:k], 1)], row.seconds) for row in found]
