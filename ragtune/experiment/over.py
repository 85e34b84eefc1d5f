"""The vectors and the index of texts, kept in the store; a search over texts that are no chunks of the corpus, such as summaries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragtune.experiment.spec import Setup
from ragtune.experiment.workbench import Work, Workbench
from ragtune.models.encoder import Array, CachedEncoder, TextEncoder
from ragtune.records import Chunk
from ragtune.retrieval.dense import DenseIndex
from ragtune.retrieval.lexical import build_lexical
from ragtune.retrieval.parts import IndexSettings
from ragtune.retrieval.retriever import Retriever
from ragtune.retrieval.summaries import DOCUMENTS


def over(
    bench: Workbench, setup: Setup, encoder: CachedEncoder, asks: TextEncoder, texts: Sequence[Chunk]
) -> Retriever:
    """The search: ``encoder`` embeds the texts, ``asks`` the questions. Vectors are kept like those of chunks. Filters and re-ranking are those of the chunks' own search."""
    assert setup.retrieval is not None
    settings = setup.retrieval.model_copy(update={"rerank": None, "where": {}, "mmr": None, "top_k": DOCUMENTS})
    words = [c.text for c in texts]
    dense = None
    if settings.dense:
        dense = DenseIndex.build(embedded(bench, encoder, words), [c.id for c in texts], settings.dense.index)
    lexical = build_lexical(words, settings.lexical, bench.store) if settings.lexical else None
    return Retriever(texts, settings, texts=words, encoder=asks, dense=dense, lexical=lexical)


def kept_index(
    bench: Workbench,
    key: str,
    settings: IndexSettings,
    encoder: CachedEncoder,
    ids: Sequence[str],
    texts: list[str],
    first: Callable[[], object],
) -> DenseIndex:
    """The index under ``key`` in the store, or made now of the texts' vectors; ``first`` as `embedded` has it."""
    folder = bench.store.find("index", key)
    if folder is None:
        vectors = embedded(bench, encoder, texts, first)
        with bench.timed("index") as work, bench.store.create("index", key) as folder:
            DenseIndex.build(vectors, ids, settings).save(folder)
            work.computed += 1
        folder = bench.store.path("index", key)
    else:
        bench.work.setdefault("index", Work()).reused += 1
        bench.work.setdefault("embed", Work()).reused += len(set(texts))
    return DenseIndex.load(folder)


def embedded(
    bench: Workbench, encoder: CachedEncoder, texts: list[str], first: Callable[[], object] = lambda: None
) -> Array:
    """The texts' vectors, from the cache or made now. ``first`` may read them for something else, which leaves their vectors there."""
    with bench.timed("embed") as work:
        before, long = encoder.computed, encoder.in_windows
        first()
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
