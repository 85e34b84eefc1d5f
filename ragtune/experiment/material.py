"""What a setup searches: the chunks of its corpus or of another one, whole documents, or the train questions with their answers."""

from __future__ import annotations

from collections.abc import Sequence

from ragtune.corpus.chunking import ChunkSettings
from ragtune.corpus.load import CorpusSettings
from ragtune.experiment.spec import Setup
from ragtune.experiment.workbench import Workbench
from ragtune.records import Chunk, Question
from ragtune.store import digest

MATERIAL_VERSION = 1


def library(bench: Workbench, setup: Setup) -> Workbench:
    """The workbench over the documents that the setup searches."""
    found = setup.retrieval
    return (
        bench.over(CorpusSettings(path=found.corpus)) if found and found.source == "corpus" and found.corpus else bench
    )


def cutting(setup: Setup) -> ChunkSettings:
    """How its documents are cut: not at all where all of them are shown."""
    everything = setup.retrieval is not None and setup.retrieval.everything
    return setup.chunking.model_copy(update={"by": "document"}) if everything else setup.chunking


def taught(bench: Workbench) -> list[Question]:
    """The train questions whose answer the documents hold: what tuning sees."""
    return [q for q in bench.corpus.split("train") if q.answerable]


def source_key(bench: Workbench, setup: Setup) -> list[object]:
    """What identifies what is searched, beside the documents and how they are cut; nothing for these alone."""
    found = setup.retrieval
    if found is None or found.source not in ("training", "corpus"):
        return []
    if found.source == "training":
        return ["training", MATERIAL_VERSION, [[q.id, q.text, q.references[0]] for q in taught(bench)]]
    return ["corpus", MATERIAL_VERSION, bench.corpus.documents_hash]  # as many chunks as this one has


def solved(bench: Workbench) -> list[Chunk]:
    """Each train question with its first answer, as a chunk of its own."""
    texts = {q.id: f"{q.text}\n{q.references[0]}" for q in taught(bench)}
    return [Chunk(digest("train", n, text), f"train/{n}", 0, len(text), text) for n, text in texts.items()]


def drawn(chunks: Sequence[Chunk], count: int) -> list[Chunk]:
    """``count`` of the chunks by lot, in their order."""
    kept = {c.id for c in sorted(chunks, key=lambda c: digest("drawn", c.id))[:count]}
    return [c for c in chunks if c.id in kept]
