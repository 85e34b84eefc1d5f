"""The stages from documents to hits: chunk, embed, index, retrieve."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial

from ragtune.errors import ExperimentError
from ragtune.experiment.chunk import allowed_chunks, chunk_step, chunks, embedder_name
from ragtune.experiment.contextual import context_key, searched_texts
from ragtune.experiment.finding import FindingSettings
from ragtune.experiment.material import library
from ragtune.experiment.over import kept_index, over
from ragtune.experiment.query import query_key, written
from ragtune.experiment.seeding import seeded
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Step, fill
from ragtune.experiment.summed import summaries, summary_key
from ragtune.experiment.tune_retriever import Ground, first_stage, needed_questions, tuned_model, tuning_key
from ragtune.experiment.workbench import Workbench
from ragtune.models.encoder import CachedEncoder, TextEncoder
from ragtune.models.packages import DEFAULT_EMBEDDER
from ragtune.models.tokens import token_spans
from ragtune.records import Chunk, Hit, Question, question_key
from ragtune.retrieval.lexical import build_lexical
from ragtune.retrieval.offer import Offer
from ragtune.retrieval.rerank import RERANKERS, Reranker, own_model
from ragtune.retrieval.rerank import Parts as RerankParts
from ragtune.retrieval.retriever import Retriever
from ragtune.retrieval.settings import RetrievalSettings
from ragtune.retrieval.source import SOURCES, Parts, Source
from ragtune.retrieval.tuning.query_map import MappedEncoder
from ragtune.retrieval.written import find
from ragtune.store import decode, digest

RETRIEVE_VERSION, INDEX_VERSION = 4, 2
#: raised when the oracle's hits change, which depend on evidence as no others do
ORACLE_VERSION = 2
#: of searches under a filter
FILTER_VERSION = 1
#: raised when written queries find other hits
QUERIES_VERSION = 2
#: hits kept per question: enough for recall@10, more if a setup shows more
KEPT = 10
#: questions that are searched for together
BATCH = 64
#: what is asked before anything counts, so that models are loaded
WARM = Question("", "Is everything there?")


@dataclass(frozen=True)
class Found:
    """What the retrieve log holds for a question: (chunk id, score) best first, and its share of the seconds
    that its batch took, embedding the questions included; ``made`` are hits that are no chunks of the corpus."""

    hits: tuple[tuple[str, float], ...]
    seconds: float
    made: tuple[Chunk, ...] = ()


def _settings(setup: Setup) -> FindingSettings:
    assert setup.retrieval is not None
    return setup.retrieval


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
    kept = max(KEPT, settings.shown)
    filtered: list[object] = [FILTER_VERSION] if settings.where else []
    filtered += [
        *context_key(bench, setup),
        *summary_key(bench, setup),
        *([query_key(bench, setup)] if settings.query else []),
        *([QUERIES_VERSION] if _ranks_by_question(settings) else []),
    ]
    return digest(
        "retrieve", RETRIEVE_VERSION, settings.identity(), kept, models, chunk_step(bench, setup).key, *filtered, *tuned
    )


def _ranks_by_question(settings: FindingSettings) -> bool:
    """Whether the question ranks what other texts found, or their rankings are fused before they are cut."""
    if settings.query is None or settings.query.by in ("hyde", "sql") or settings.source in ("graph", "summary"):
        return False
    return settings.query.by != "rewrite" or settings.rerank is not None or settings.mmr is not None


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
                "the documents gave no chunks.",
                where=library(bench, setup).corpus.path,
                fix="Check that they hold text.",
            )
        settings = _settings(setup)
        kept = max(KEPT, settings.shown)
        bench.sources[key] = SOURCES[settings.source](
            Parts(
                settings,
                allowed_chunks(bench, setup),
                lambda: _search(bench, setup, made),
                partial(_over, bench, setup),
                kept,
                library(bench, setup).corpus.documents,
                partial(summaries, bench, setup),
            )
        )
    return bench.sources[key]


def _over(bench: Workbench, setup: Setup, texts: Sequence[Chunk]) -> Source:
    embeds = encoder(bench, setup)
    return over(bench, setup, embeds, mapped(bench, setup, embeds), texts)


def _search(bench: Workbench, setup: Setup, made: list[Chunk]) -> Retriever:
    settings = _settings(setup)
    embeds = encoder(bench, setup)
    texts = searched_texts(bench, setup, library(bench, setup).corpus, made)
    ranks = cache(partial(_reranker, bench, setup, embeds, texts))
    dense = None
    if settings.dense:
        index, cut, more_said = settings.dense.index, chunk_step(bench, setup).key, context_key(bench, setup)
        key = digest("index", INDEX_VERSION, index.model_dump(), embeds.fingerprint, cut, *more_said)
        dense = kept_index(bench, key, index, embeds, [c.id for c in made], texts, ranks)
    with bench.timed("index"):
        lexical = build_lexical(texts, settings.lexical, bench.store) if settings.lexical else None
    with bench.timed("embed") if settings.rerank else nullcontext():
        reranker = ranks()
    more = settings.oracle.distractors if settings.source == "oracle" else 0
    more = settings.depth if settings.source in ("summary", "graph") else more  # what is ranked anew
    wide = settings.model_copy(update={"top_k": max(KEPT, settings.shown) + more})
    asks = mapped(bench, setup, embeds)
    return Retriever(made, wide, texts=texts, encoder=asks, dense=dense, lexical=lexical, reranker=reranker)


def _reranker(bench: Workbench, setup: Setup, embeds: CachedEncoder, texts: list[str]) -> Reranker | None:
    settings = _settings(setup).rerank
    if settings is None:
        return None
    tuned = grounds(bench, setup).get("rerank")
    model = tuned_model(tuned)[0] if tuned else None
    ref = (lambda name: model) if model else bench.ref
    return RERANKERS[settings.kind](RerankParts(settings, texts, embeds, bench.store, ref, bench.progress.stage))


def hits_anew(
    bench: Workbench,
    setup: Setup,
    source: Source,
    questions: Sequence[Question],
    texts: Sequence[Sequence[str]] | None = None,
) -> list[list[Hit]]:
    """The source's hits with the questions embedded anew: whatever other setups did, each takes the seconds of its own.

    ``texts`` are what was written to search with, for each of the questions.
    """
    settings = _settings(setup)
    with bench.fresh() if settings.dense else nullcontext():
        if settings.query is None or texts is None:
            return source.hits(questions)
        kept = max(KEPT, settings.shown)
        return find(source, questions, settings.query.by, texts, kept, settings.fusion.rrf_k)


def _found(bench: Workbench, setup: Setup, questions: Sequence[Question]) -> list[Found]:
    """What the log holds for each question; missing ones are retrieved and stored."""
    step = retrieve_step(bench, setup, questions)
    by_key = {item_key(bench, setup, q): q for q in questions}

    def compute(keys: Sequence[str]) -> Mapping[str, Found]:
        asked = [by_key[k] for k in keys]
        texts = [own.texts for own in written(bench, setup, asked)]
        ready, start = source(bench, setup), time.perf_counter()
        found = hits_anew(bench, setup, ready, asked, texts)
        seconds = round((time.perf_counter() - start) / len(keys), 6)
        rows = [tuple((h.chunk.id, round(h.score, 6)) for h in hits) for hits in found]
        made = [tuple(h.chunk for h in hits) if _settings(setup).source == "sql" else () for hits in found]
        return {k: Found(row, seconds, own) for k, row, own in zip(keys, rows, made, strict=True)}

    if step.stored(bench) < len(step.items):
        written(bench, setup, questions)  # all at once, so that batches are those of an undisturbed run
        hits_anew(
            bench, setup, source(bench, setup), [WARM]
        )  # built and loaded now, so that no question's seconds hold it
    items = fill(bench, step, compute, BATCH)
    rows = [items[item_key(bench, setup, q)] for q in questions]
    return [decode(Found, row) for row in rows]


def hits(
    bench: Workbench, setup: Setup, questions: Sequence[Question], top_k: int | None = None
) -> list[tuple[list[Hit], float]]:
    """The setup's hits for each question, best first, and the seconds that finding them took.

    Without ``top_k`` they are what is offered to the generator: cut and widened as the settings say; with it as they were found.
    """
    found = _found(bench, setup, questions)
    by_id = {c.id: c for own in (chunks(bench, setup), *(row.made for row in found)) for c in own}
    k = top_k or _settings(setup).shown
    rows = [([Hit(by_id[c], s, n) for n, (c, s) in enumerate(row.hits[:k], 1)], row.seconds) for row in found]
    return (
        rows
        if top_k
        else [(own, seconds) for own, (_, seconds) in zip(offer(bench, setup)([h for h, _ in rows]), rows, strict=True)]
    )


def offer(bench: Workbench, setup: Setup) -> Offer:
    """What makes of hits what the generator is offered."""
    settings, by = _settings(setup), setup.chunking
    count = token_spans(bench.ref(embedder_name(setup))) if settings.auto.budget else None
    return Offer(settings, library(bench, setup).corpus.documents, chunks(bench, setup), by.titles, count)
