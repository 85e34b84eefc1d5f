"""What to train on: which hits stand with a question, and what the model should say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from ragtune.records import Chunk, Document, Hit, Question
from ragtune.text.sentences import sentence_spans
from ragtune.tuning.settings import TuningSettings

_WORD = re.compile(r"[^\W\d_]{3,}")
Relevant = Callable[[Chunk, Question], bool]


@dataclass(frozen=True)
class TrainItem:
    """One training conversation before it becomes tokens."""

    question: Question
    hits: tuple[Hit, ...]
    target: str


def _cited(question: Question, hits: Sequence[Hit], relevant: Relevant) -> str:
    marks = "".join(f"[{n}]" for n, h in enumerate(hits, 1) if relevant(h.chunk, question))
    return f"{question.answers[0]} {marks}".strip()


def _raft(
    question: Question,
    hits: Sequence[Hit],
    right: Sequence[Chunk],
    settings: TuningSettings,
    relevant: Relevant,
    abstain: str,
    rng: Random,
) -> TrainItem:
    distractors = [h for h in hits if not relevant(h.chunk, question)]
    if not question.answerable:
        return TrainItem(question, tuple(hits), abstain)
    if rng.random() < settings.without_right:
        target = abstain if settings.when_absent == "abstain" else question.answers[0]
        return TrainItem(question, tuple(distractors), target)
    room = max(0, len(hits) - len(right))
    shown = [Hit(c, 0.0, 0) for c in right] + distractors[:room]
    rng.shuffle(shown)
    return TrainItem(question, tuple(shown), _cited(question, shown, relevant))


def words_around(question: Question, documents: Mapping[str, Document]) -> tuple[str, ...]:
    """Words of the sentences that hold the evidence, and of their documents' titles; none of the answers' words."""
    told = {word.casefold() for answer in question.answers for word in _WORD.findall(answer)}
    texts = []
    for evidence in question.evidence:
        document = documents[evidence.document_id]
        spans = [(a, b) for a, b in sentence_spans(document.text) if a < evidence.end and b > evidence.start]
        texts += [
            str(document.metadata.get("title") or ""),
            document.text.split("\n", 1)[0],
            *(document.text[a:b] for a, b in spans),
        ]
    return tuple(dict.fromkeys(w for text in texts for w in _WORD.findall(text) if w.casefold() not in told))


def variant(question: str, around: Sequence[str], settings: TuningSettings, rng: Random) -> str:
    """``question`` with words left out, so that a fact is tied to no single phrasing, and with words from ``around`` put in.

    The first two words, which say what is asked for (how many, who), stay with a probability of at least 0.85.
    """
    words = question.split()
    kept = [
        w
        for n, w in enumerate(words)
        if rng.random() >= (min(0.15, settings.word_dropout) if n < 2 else settings.word_dropout)
    ]
    if len(kept) < min(2, len(words)):
        kept = words
    for word in rng.sample(around, rng.randint(0, min(len(around), settings.evidence_words))):
        kept.insert(rng.randint(1, len(kept)), word)
    return " ".join(kept)


def build_items(
    questions: Sequence[Question],
    hits: Sequence[Sequence[Hit]],
    chunks: Sequence[Chunk],
    settings: TuningSettings,
    relevant: Relevant,
    abstain: str,
    seed: int,
    documents: Mapping[str, Document] | None = None,
) -> list[TrainItem]:
    """One TrainItem per question (and variant), in order. ``hits`` are the retrieved ones (unused for closed-book).

    With ``contexts``, a question whose right chunk was not retrieved is trained to abstain, as serving should.
    ``documents``, by id, give closed-book variants their ``evidence_words``.
    """
    by_document: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        by_document.setdefault(chunk.document_id, []).append(chunk)
    items = []
    for n, question in enumerate(questions):
        rng = Random(f"{seed}/{question.id}")
        if settings.train_on == "closed-book":
            target = question.answers[0] if question.answerable else abstain
            around = words_around(question, documents) if documents and settings.evidence_words else ()
            texts = [question.text, *(variant(question.text, around, settings, rng) for _ in range(settings.variants))]
            items += [TrainItem(replace(question, text=text), (), target) for text in texts]
            continue
        own = list(hits[n])
        if settings.train_on == "contexts":
            found = question.answerable and (not question.evidence or any(relevant(h.chunk, question) for h in own))
            items.append(TrainItem(question, tuple(own), _cited(question, own, relevant) if found else abstain))
            continue
        right = [
            c
            for d in dict.fromkeys(e.document_id for e in question.evidence)
            for c in by_document.get(d, ())
            if relevant(c, question)
        ]
        items.append(_raft(question, own, right, settings, relevant, abstain, rng))
    return items
