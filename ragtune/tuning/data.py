"""What to train on: which hits stand with a question, and what the model should say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from ragtune.records import Chunk, Hit, Question
from ragtune.tuning.settings import TuningSettings

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
    question: Question, hits: Sequence[Hit], right: Sequence[Chunk], settings: TuningSettings, relevant: Relevant, abstain: str, rng: Random
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


def thinned(question: str, share: float, rng: Random) -> str:
    """``question`` with each word left out with probability ``share``, so that a fact is tied to no single phrasing."""
    words = question.split()
    kept = [w for w in words if rng.random() >= share]
    return " ".join(kept if len(kept) >= min(2, len(words)) else words)


def build_items(
    questions: Sequence[Question], hits: Sequence[Sequence[Hit]], chunks: Sequence[Chunk], settings: TuningSettings, relevant: Relevant, abstain: str, seed: int
) -> list[TrainItem]:
    """One TrainItem per question (and variant), in order. ``hits`` are the retrieved ones (unused for closed-book).

    With ``contexts``, a question whose right chunk was not retrieved is trained to abstain, as serving should.
    """
    by_document: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        by_document.setdefault(chunk.document_id, []).append(chunk)
    items = []
    for n, question in enumerate(questions):
        rng = Random(f"{seed}/{question.id}")
        if settings.train_on == "closed-book":
            target = question.answers[0] if question.answerable else abstain
            texts = [question.text, *(thinned(question.text, settings.word_dropout, rng) for _ in range(settings.variants))]
            items += [TrainItem(replace(question, text=text), (), target) for text in texts]
            continue
        own = list(hits[n])
        if settings.train_on == "contexts":
            found = question.answerable and (not question.evidence or any(relevant(h.chunk, question) for h in own))
            items.append(TrainItem(question, tuple(own), _cited(question, own, relevant) if found else abstain))
            continue
        right = [c for d in dict.fromkeys(e.document_id for e in question.evidence) for c in by_document.get(d, ()) if relevant(c, question)]
        items.append(_raft(question, own, right, settings, relevant, abstain, rng))
    return items
