"""What an embedder or a re-ranker is taught: a question, chunks, and the share of the right that each has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from ragtune.corpus.evidence import chunks_by_document, relevant_chunks, right_chunks
from ragtune.records import Chunk, Evidence, Hit, Question


@dataclass(frozen=True)
class Lesson:
    """``target`` is the share of each of ``chunks``, which sums to 1. ``also`` are ids of all chunks that are right: none of
    them is ever shown as wrong. ``bare``: a chunk is taught without its headings, since they are the question."""

    query: str
    chunks: tuple[Chunk, ...]
    target: tuple[float, ...]
    also: frozenset[str] = frozenset()
    bare: bool = False

    def text(self, chunk: Chunk) -> str:
        return body(chunk) if self.bare else chunk.titled


def body(chunk: Chunk) -> str:
    """The chunk's text without lines that are headings."""
    return "\n".join(line for line in chunk.text.splitlines() if not line.startswith("#")).strip()


def heading_questions(chunks: Sequence[Chunk]) -> list[Question]:
    """A question for each heading with text under it: its path is the question, the chunks of its section are the evidence."""
    sections: dict[tuple[str, str], list[Chunk]] = {}
    for chunk in chunks:
        if chunk.metadata.get("headings") and chunk.title.strip() and body(chunk):
            sections.setdefault((chunk.document_id, chunk.title), []).append(chunk)
    return [
        Question(f"heading {n}", title, None, tuple(Evidence(c.document_id, c.start, c.end) for c in own), "train")
        for n, ((_, title), own) in enumerate(sections.items())
    ]


def lessons_of(
    questions: Sequence[Question],
    hits: Sequence[Sequence[Hit]],
    chunks: Sequence[Chunk],
    negatives: int,
    bare: bool = False,
) -> list[Lesson]:
    """A lesson for each question whose evidence stands in some chunk; its right chunks share the target equally.

    Beside them stand the ``negatives`` best of its ``hits`` that hold no evidence (hard negatives, Karpukhin et al. 2020, DPR,
    arXiv:2004.04906); where there are too few, chunks drawn by the question's id.
    """
    by_document, relevant = chunks_by_document(chunks), relevant_chunks(questions, chunks)
    found = []
    for question, own in zip(questions, hits, strict=True):
        also = frozenset(relevant[question.id])
        right = right_chunks(question, by_document)
        right = right if right or not also else [next(c for c in chunks if c.id in also)]
        if not right:
            continue
        wrong = {h.chunk.id: h.chunk for h in own if h.chunk.id not in also}
        wrong = dict(islice(wrong.items(), negatives))
        drawn = Random(question.id).sample(chunks, min(len(chunks), 4 * negatives)) if len(wrong) < negatives else []
        for chunk in drawn:
            if len(wrong) < negatives and chunk.id not in also:
                wrong[chunk.id] = chunk
        target = (1 / len(right),) * len(right) + (0.0,) * len(wrong)
        found.append(Lesson(question.text, (*right, *wrong.values()), target, also, bare))
    return found
