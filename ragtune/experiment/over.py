"""A search over texts that are no chunks of the corpus, such as summaries: with a setup's models, past its index."""

from __future__ import annotations

from collections.abc import Sequence

from ragtune.experiment.spec import Setup
from ragtune.experiment.workbench import Workbench
from ragtune.records import Chunk
from ragtune.retrieval.dense import DenseIndex
from ragtune.retrieval.lexical import build_lexical
from ragtune.retrieval.retriever import Retriever
from ragtune.retrieval.summaries import DOCUMENTS


def over(bench: Workbench, setup: Setup, texts: Sequence[Chunk]) -> Retriever:
    """The search; vectors are kept like those of chunks. Filters and re-ranking are those of the chunks' own search."""
    assert setup.retrieval is not None
    settings = setup.retrieval.model_copy(update={"rerank": None, "where": {}, "mmr": None, "top_k": DOCUMENTS})
    words = [c.text for c in texts]
    encoder = bench.encoder(settings.dense.embedder) if settings.dense else None
    dense = None
    if settings.dense and encoder:
        with bench.timed("embed"):
            vectors = encoder.encode(words, "document")
        dense = DenseIndex.build(vectors, [c.id for c in texts], settings.dense.index)
    lexical = build_lexical(words, settings.lexical, bench.store) if settings.lexical else None
    return Retriever(texts, settings, texts=words, encoder=encoder, dense=dense, lexical=lexical)
