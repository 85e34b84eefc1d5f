"""Recipes: what to train on, which hits stand with a question, and what the model should say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from ragtune.corpus.evidence import chunks_by_document, concerns, right_chunks, share_fulfilled
from ragtune.records import Chunk, Document, Hit, Question
from ragtune.text.sentences import sentence_spans
from ragtune.tuning import methods
from ragtune.tuning.settings import TuningSettings

_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class TrainItem:
    """One training conversation before it becomes tokens."""

    question: Question
    hits: tuple[Hit, ...]
    target: str


#: those of the hits that a setup would show with the question, in order: what does not fit its window is dropped
Fits = Callable[[Question, Sequence[Hit]], Sequence[Hit]]


@dataclass(frozen=True)
class Lesson:
    """What a recipe may use for one question.

    ``hits`` are the retrieved ones, of which serving offers ``top_k`` and shows what ``fits``; ``right`` are the chunks that
    hold the evidence, ``chunks`` all of them; ``documents`` (by id) give closed-book variants their ``evidence_words``;
    ``abstain`` is the agreed sentence. ``rng`` is the question's own.
    """

    question: Question
    hits: tuple[Hit, ...]
    top_k: int
    fits: Fits
    right: tuple[Chunk, ...]
    chunks: Sequence[Chunk]
    documents: Mapping[str, Document]
    settings: TuningSettings
    abstain: str
    rng: Random


@dataclass(frozen=True)
class Recipe:
    """``teach`` makes the items of one question. ``sees_contexts``: training shows retrieved hits, in the setup's own
    prompt; without, a setup that retrieves is trained in the prompt ``closed``. ``reads``: the settings that it alone
    heeds."""

    teach: Callable[[Lesson], list[TrainItem]]
    sees_contexts: bool
    reads: frozenset[str] = frozenset()


def _cited(question: Question, hits: Sequence[Hit]) -> str:
    marks = "".join(f"[{n}]" for n, h in enumerate(hits, 1) if concerns(question, h.chunk))
    return f"{question.references[0]} {marks}".strip()


def closed_book(lesson: Lesson) -> list[TrainItem]:
    """Question -> answer, without contexts; with ``variants``, further copies with words left out and put in."""
    question, settings = lesson.question, lesson.settings
    target = question.references[0] if question.answerable else lesson.abstain
    wanted = bool(lesson.documents) and settings.evidence_words
    around = words_around(question, lesson.documents) if wanted else ()
    texts = [
        question.text,
        *(variant(question.text, around, settings, lesson.rng) for _ in range(settings.variants)),
    ]
    return [TrainItem(replace(question, text=text), (), target) for text in texts]


def with_contexts(lesson: Lesson) -> list[TrainItem]:
    """The hits that serving shows; where they miss a needed item of the evidence, the target is to abstain."""
    question = lesson.question
    own = tuple(lesson.fits(question, lesson.hits[: lesson.top_k]))
    return [TrainItem(question, own, _cited(question, own) if _complete(question, own) else lesson.abstain)]


def _complete(question: Question, hits: Sequence[Hit]) -> bool:
    return question.answerable and share_fulfilled(question, [h.chunk for h in hits]) == 1


def raft(lesson: Lesson) -> list[TrainItem]:
    """The right chunks among distractors; for the share ``without_right``, distractors alone (Zhang et al. 2024).

    With ``both`` every question is taught in either way, so that the model learns from the pair what the right chunk changes
    (Wu et al. 2024, PA-RAG, arXiv:2412.14510, whose pairs these follow). As many contexts stand in either, so that their number does not tell which it is.
    """
    question, settings = lesson.question, lesson.settings
    if not question.answerable:
        shown = tuple(lesson.fits(question, lesson.hits[: lesson.top_k]))
        return [TrainItem(question, shown, lesson.abstain)]
    if settings.both:
        return [_among_distractors(lesson, left_out) for left_out in (False, True)]
    return [_among_distractors(lesson, lesson.rng.random() < settings.without_right)]


def _among_distractors(lesson: Lesson, left_out: bool) -> TrainItem:
    question, settings = lesson.question, lesson.settings
    right = [] if left_out else [Hit(c, 0.0, 0) for c in lesson.right[: lesson.top_k]]
    kept = list(lesson.fits(question, right + _distractors(lesson, lesson.top_k - len(right))))  # the right ones first
    lesson.rng.shuffle(kept)
    shown = tuple(lesson.fits(question, kept))
    if _complete(question, shown):
        return TrainItem(question, shown, _cited(question, shown))
    return TrainItem(question, shown, lesson.abstain if settings.when_absent == "abstain" else question.references[0])


def _distractors(lesson: Lesson, count: int) -> list[Hit]:
    """Hits that hold no evidence, best first; where the hits run out, other chunks by lot."""
    found = [h for h in lesson.hits if not concerns(lesson.question, h.chunk)][:count]
    seen = {h.chunk.id for h in lesson.hits}
    tried: set[int] = set()
    while len(found) < count and len(tried) < len(lesson.chunks):
        n = lesson.rng.randrange(len(lesson.chunks))
        chunk = lesson.chunks[n]
        if n not in tried and chunk.id not in seen and not concerns(lesson.question, chunk):
            found.append(Hit(chunk, 0.0, 0))
        tried.add(n)
    return found


#: by ``tuning.train_on``
RECIPES: dict[str, Recipe] = {
    "closed-book": Recipe(closed_book, False, frozenset({"variants", "evidence_words", "word_dropout"})),
    "contexts": Recipe(with_contexts, sees_contexts=True),
    "raft": Recipe(raft, True, frozenset({"without_right", "when_absent", "both"})),
}


def unread(settings: TuningSettings) -> dict[str, str]:
    """The settings that have no effect on the tuning that these settings name, each with the reason."""
    found = {}
    for recipe, kind in RECIPES.items():
        for name in kind.reads if recipe != settings.train_on else ():
            found[name] = f"it needs train_on: {recipe}"
    if not settings.variants:
        found |= {name: found.get(name, "it needs variants") for name in ("evidence_words", "word_dropout")}
    if settings.both:
        found.setdefault("without_right", "both: true teaches each question with and without")
    elif not settings.without_right:
        found.setdefault("when_absent", "it needs without_right above 0")
    if not RECIPES[settings.train_on].sees_contexts:
        found["contexts"] = "it needs train_on: contexts or raft"
    if settings.early_stop and not settings.evaluate_every:
        found["early_stop"] = "it needs evaluate_every"
    if settings.schedule == "constant":
        found["warmup"] = "schedule: constant has no warm-up"
    if settings.choose != "random" and settings.questions is None:
        found["choose"] = "it needs questions"
    if settings.preference:
        pairs = "preference has pairs of the train split alone"
        found |= dict.fromkeys(("evaluate_every", "early_stop"), pairs)
        own = "preference is taught what the model says itself"
        found |= dict.fromkeys(("both", "without_right", "when_absent", "variants", "contexts"), own)
    if settings.teacher is None:
        found["teacher_filter"] = "it needs teacher"
    return methods.unread(settings) | found


def words_around(question: Question, documents: Mapping[str, Document]) -> tuple[str, ...]:
    """Words of the sentences that hold the evidence, and of their documents' titles; none of the answers' words."""
    told = {word.casefold() for answer in question.references for word in _WORD.findall(answer)}
    texts = []
    for evidence in question.spans:
        document = documents[evidence.document_id]
        spans = [(a, b) for a, b in sentence_spans(document.text) if a < evidence.end and b > evidence.start]
        title = str(document.metadata.get("title") or "")
        texts += [title, document.text.split("\n", 1)[0], *(document.text[a:b] for a, b in spans)]
    return tuple(dict.fromkeys(w for text in texts for w in _WORD.findall(text) if w.casefold() not in told))


def variant(question: str, around: Sequence[str], settings: TuningSettings, rng: Random) -> str:
    """``question`` with words left out, so that a fact is tied to no single phrasing, and with words from ``around``.

    The first two words, which say what is asked for (how many, who), stay with a probability of at least 0.85.
    """
    words, dropout = question.split(), settings.word_dropout
    kept = [w for n, w in enumerate(words) if rng.random() >= (min(0.15, dropout) if n < 2 else dropout)]
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
    abstain: str,
    seed: int,
    documents: Mapping[str, Document] | None = None,
    top_k: int = 0,
    fits: Fits = lambda question, hits: hits,
) -> list[TrainItem]:
    """The items of every question by the recipe of ``settings.train_on``, in order.

    ``hits`` may be more than the ``top_k`` that serving offers (0: it offers all of them); ``fits`` says what it shows.
    With ``settings.contexts`` as many are offered as the lot says. A question that comes again is taught anew.
    """
    by_document = chunks_by_document(chunks)
    teach = RECIPES[settings.train_on].teach
    items = []
    times: Counter[str] = Counter()
    for question, own in zip(questions, hits, strict=True):
        times[question.id] += 1
        name = question.id if times[question.id] == 1 else f"{question.id}/{times[question.id]}"
        right = tuple(right_chunks(question, by_document))
        rng = Random(f"{seed}/{name}")
        offered = top_k or len(own)
        if settings.contexts:
            offered = min(offered, Random(f"{seed}/contexts/{name}").randint(*settings.contexts))
        known = documents or {}
        items += teach(Lesson(question, tuple(own), offered, fits, right, chunks, known, settings, abstain, rng))
    return items
