"""What a setup searches: the chunks of its corpus or of another one, whole documents, or the train questions with their answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ragtune.corpus.chunking import ChunkSettings
from ragtune.corpus.load import Corpus, CorpusSettings
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


def save_chunks(folder: Path, chunks: Sequence[Chunk]) -> None:
    """Where the chunks begin and end, their titles and headings; what else they hold is in the documents."""
    rows = [[c.document_id, c.start, c.end, c.title, c.metadata.get("headings", [])] for c in chunks]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "chunks.jsonl").write_text("\n".join(lines), "utf-8")


def read_chunks(corpus: Corpus, folder: Path) -> list[Chunk]:
    """The chunks of the documents that were saved."""
    by_id = {d.id: d for d in corpus.documents}
    found = []
    for line in filter(None, (folder / "chunks.jsonl").read_text("utf-8").split("\n")):
        doc_id, start, end, title, path = json.loads(line)
        document = by_id[doc_id]
        text = document.text[start:end]
        metadata = {**document.metadata, "headings": path}
        found.append(Chunk(digest(doc_id, start, end, text), doc_id, start, end, text, title, metadata))
    return found
