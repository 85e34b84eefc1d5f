"""The stage that cuts: the corpus in chunks, as a setup cuts it, or what its source puts in their place."""

from __future__ import annotations

from ragtune.corpus import chunking
from ragtune.corpus.check import unknown_share
from ragtune.corpus.chunking import ChunkSettings
from ragtune.experiment.material import cutting, drawn, library, read_chunks, save_chunks, solved, source_key
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Step
from ragtune.experiment.workbench import Workbench
from ragtune.models.packages import DEFAULT_EMBEDDER
from ragtune.models.tokens import token_spans
from ragtune.records import Chunk
from ragtune.retrieval.retriever import matches
from ragtune.store import digest


def embedder_name(setup: Setup) -> str:
    dense = setup.retrieval.dense if setup.retrieval else None
    return dense.embedder if dense else DEFAULT_EMBEDDER


def chunk_step(bench: Workbench, setup: Setup) -> Step:
    tokenizer = bench.ref(embedder_name(setup)).fingerprint
    settings, documents = (
        cutting(setup).model_dump(include=set(ChunkSettings.model_fields)),
        library(bench, setup).corpus.documents_hash,
    )
    key = digest("chunk", chunking.VERSION, settings, tokenizer, documents, *source_key(bench, setup))
    return Step("chunk", key, label="chunk")


def allowed_chunks(bench: Workbench, setup: Setup) -> list[Chunk]:
    """Those of the `chunks` that the setup's filter lets through."""
    where = setup.retrieval.where if setup.retrieval else {}
    found = chunks(bench, setup)
    return [c for c in found if matches(c.metadata, where)] if where else found


def chunks(bench: Workbench, setup: Setup) -> list[Chunk]:
    """What the setup searches: the corpus in chunks as it cuts it, or what `material` puts in its place."""
    key = chunk_step(bench, setup).key
    if key in bench.chunks:
        return bench.chunks[key]
    of, kind = library(bench, setup).corpus, setup.retrieval.source if setup.retrieval else "chunks"
    with bench.timed("chunk") as work:
        folder = bench.store.find("chunk", key)
        if folder is None:
            tokens = token_spans(bench.ref(embedder_name(setup)))
            if kind == "training":
                made = solved(bench)
            else:
                made = [c for d in of.documents for c in chunking.chunk_document(d, cutting(setup), tokens)]
            if kind == "corpus" and setup.retrieval:
                own = setup.model_copy(update={"retrieval": setup.retrieval.model_copy(update={"source": "chunks"})})
                made = drawn(made, len(chunks(bench, own)))
            if said := unknown_share(of.documents, tokens):
                bench.progress.say(f"{embedder_name(setup)}: {said}")
            with bench.store.create("chunk", key) as folder:
                save_chunks(folder, made)
            work.computed += len(made)
        else:
            made = solved(bench) if kind == "training" else read_chunks(of, folder)
            work.reused += len(made)
    bench.chunks[key] = made
    return made
