"""Solved examples for prompts: which train questions stand before a question, and with what."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ragtune.corpus.check import NEAR, Bags
from ragtune.corpus.evidence import chunks_by_document, right_chunks
from ragtune.errors import ExperimentError
from ragtune.experiment.chunk import allowed_chunks, chunk_step, embedder_name
from ragtune.experiment.spec import Setup
from ragtune.experiment.workbench import Workbench
from ragtune.generation.prompts import Shot
from ragtune.records import Hit, Question, question_key
from ragtune.store import digest
from ragtune.text.counts import counted
from ragtune.tuning.choose import farthest_first

VERSION = 1
#: chunks that may stand with an example, at most
_CONTEXTS = 2

#: gives each question its examples, in the order in which they are shown
Choose = Callable[[Sequence[Question]], list[tuple[Shot, ...]]]


def candidates(bench: Workbench) -> list[Question]:
    """The train questions that may be shown: those with an answer, in an order that has nothing to do with the file's."""
    own = [q for q in bench.corpus.split("train") if q.answerable]
    return sorted(own, key=lambda q: digest("example", q.id))


def shots_key(bench: Workbench, setup: Setup) -> list[object]:
    """What the setup's examples depend on beside the question; nothing where it shows none."""
    prompt = setup.prompt
    if not prompt.shots:
        return []
    embedder = [] if prompt.choose == "fixed" else [bench.ref(embedder_name(setup)).fingerprint]
    cut = [chunk_step(bench, setup).key, NEAR, _CONTEXTS] if setup.retrieval else [NEAR]
    train = [question_key(q) for q in candidates(bench)]
    return [["shots", VERSION, prompt.shots, prompt.choose, embedder, cut, digest(train)]]


def refuse_few(bench: Workbench, name: str, setup: Setup) -> None:
    """Raises ExperimentError where there are fewer train questions with answers than the setup wants to show."""
    there = len(candidates(bench)) if setup.prompt.shots else 0
    if there < setup.prompt.shots:
        raise ExperimentError(
            f'setup "{name}" shows {counted(setup.prompt.shots, "example")}, and the train split has '
            f"{counted(there, 'question')} with an answer.",
            where="prompt.shots",
            fix="Lower it, or give more questions the split train.",
        )


def chooser(bench: Workbench, setup: Setup) -> Choose:
    """What chooses the setup's examples; it embeds the train questions where it needs to, once."""
    prompt = setup.prompt
    if not prompt.shots:
        return lambda questions: [()] * len(questions)
    pool = candidates(bench)
    known = Bags(q.text for q in pool)
    solved = _solver(bench, setup)
    vectors = _vectors(bench, setup, pool) if prompt.choose != "fixed" else None
    order = list(range(len(pool)))
    if prompt.choose == "diverse" and vectors is not None:
        order = farthest_first(vectors, [""] * len(pool), len(pool), 0)
    by_id = {q.id: n for n, q in enumerate(pool)}

    def of(question: Question, ranked: Sequence[int]) -> tuple[Shot, ...]:
        same = {i for _, i in known.near(question.text, NEAR)} | {by_id.get(question.id, -1)}
        taken = [n for n in ranked if n not in same][: prompt.shots]
        if prompt.choose == "nearest":
            taken.reverse()  # the most alike stands next to the question
        return tuple(solved(pool[n]) for n in taken)

    def choose(questions: Sequence[Question]) -> list[tuple[Shot, ...]]:
        if prompt.choose != "nearest" or vectors is None:
            return [of(q, order) for q in questions]
        asked = _vectors(bench, setup, questions)
        ranks = np.argsort(-(asked @ vectors.T), axis=1, kind="stable")
        return [of(q, row.tolist()) for q, row in zip(questions, ranks, strict=True)]

    return choose


def _vectors(bench: Workbench, setup: Setup, questions: Sequence[Question]) -> np.ndarray:
    encoder = bench.encoder(embedder_name(setup))
    return np.asarray(encoder.encode([q.text for q in questions], "query"))


def _solver(bench: Workbench, setup: Setup) -> Callable[[Question], Shot]:
    """What makes an example of a train question: in a setup that retrieves with chunks that hold its evidence, cited."""
    by_document = chunks_by_document(allowed_chunks(bench, setup)) if setup.retrieval else {}
    texts = {d.id: d.text for d in bench.corpus.documents} if setup.prompt.reasoning else {}

    def solve(question: Question) -> Shot:
        right = right_chunks(question, by_document)[:_CONTEXTS]
        hits = tuple(Hit(chunk, 1.0 / n, n) for n, chunk in enumerate(right, 1))
        answer = f"{question.references[0]} {''.join(f'[{h.rank}]' for h in hits)}".strip()
        if setup.prompt.reasoning:  # the words that give the answer are the thought that leads to it
            spans = [item.alternatives[0] for item in question.evidence]
            quotes = " ".join(" ".join(texts[s.document_id][s.start : s.end].split()) for s in spans)
            answer = f"{quotes}\nAnswer: {answer}".strip()
        return Shot(question.text, hits, answer)

    return solve
