"""What is taught: questions chosen for their spread, answers of another setup in place of the file's own, and both as tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from ragtune.experiment import retrieve
from ragtune.experiment.chunk import allowed_chunks, embedder_name
from ragtune.experiment.fitting import spoken_with
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Step
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generators import kind_of
from ragtune.generation.prompts import Prompt
from ragtune.models.causal import LanguageModel
from ragtune.records import Hit, Question, Row
from ragtune.text.agree import agree
from ragtune.tuning.batches import Encoded
from ragtune.tuning.choose import farthest_first
from ragtune.tuning.recipes import RECIPES
from ragtune.tunings import Spent

#: the probability from which an answer of the teacher counts as right
RIGHT = 0.5


def diverse(bench: Workbench, setup: Setup, questions: list[Question], count: int, seed: int) -> list[Question]:
    """``count`` of the questions that are far from one another, in their order, as many of each tag as there are."""
    if count >= len(questions):
        return questions
    vectors = bench.encoder(embedder_name(setup)).encode([q.text for q in questions], "query")
    groups = [q.tags[0] if q.tags else "" for q in questions]
    return [questions[i] for i in sorted(farthest_first(vectors, groups, count, seed))]


def _asked(teacher: Setup, questions: list[Question]) -> list[Question]:
    covers = kind_of(teacher.generator).covers(teacher.generator)
    return questions if covers is None else [q for q in questions if q.id in covers]


def teacher_of(bench: Workbench, setup: Setup) -> tuple[str, Setup] | None:
    """The setup whose answers are taught, by name."""
    name = setup.tuning.teacher if setup.tuning else None
    return (name, bench.setup(name)) if name else None


def teacher_step(bench: Workbench, setup: Setup, questions: list[Question], seed: int) -> Step | None:
    """The answers that are taught; None without a teacher."""
    from ragtune.experiment.answer import answer_step

    found = teacher_of(bench, setup)
    if found is None:
        return None
    name, teacher = found
    return answer_step(bench, name, teacher, seed, _asked(teacher, questions))


def teacher_key(bench: Workbench, setup: Setup, steps: Sequence[Step]) -> list[object]:
    """What the answers depend on that are taught: ``steps`` are those of `teacher_step`."""
    from ragtune.experiment.answer import reading_key

    found = teacher_of(bench, setup)
    return [*([s.key, s.items] for s in steps), *(reading_key(found[1]) if found else [])]


def _teaching_rows(
    bench: Workbench, setup: Setup, questions: list[Question], seed: int
) -> Iterator[tuple[Question, Row]]:
    """Each question that the teacher is asked, with its row; none without a teacher."""
    from ragtune.experiment.answer import answered

    found = teacher_of(bench, setup)
    if found is not None:
        name, teacher = found
        asked = _asked(teacher, questions)
        yield from zip(asked, answered(bench, name, teacher, seed, asked), strict=True)


def teaching_took(asked: Sequence[tuple[Workbench, list[Question]]], setup: Setup, seed: int) -> Spent:
    """What the answers of the teacher took, each once; ``asked``: the questions by corpus."""
    rows = [r for b, own in asked for r in {q.id: row for q, row in _teaching_rows(b, setup, own, seed)}.values()]
    tokens = [row.answer.tokens for row in rows]
    prompt, answer = sum(t.prompt + t.before_prompt for t in tokens), sum(t.answer + t.before_answer for t in tokens)
    return Spent(sum(row.times.total for row in rows), prompt, answer)


def taught(bench: Workbench, setup: Setup, questions: list[Question], seed: int) -> list[Question]:
    """The questions with the teacher's answers as their references (Hinton et al. 2015, arXiv:1503.02531; of a language model its
    words are taught: Kim and Rush 2016, arXiv:1606.07947). Where it abstained, so will the student; what is cut short is left out.

    With ``teacher_filter: right`` only those of which the references say the same.
    """
    if setup.tuning is None or not setup.tuning.teacher:
        return questions
    made = []
    for question, row in _teaching_rows(bench, setup, questions, seed):
        said, abstained = row.answer.text, row.answer.outcome == "abstained"
        if row.answer.outcome not in ("answered", "abstained"):
            continue
        right = (
            abstained
            if not question.answerable
            else not abstained and (agree(question.text, question.references, said).probability >= RIGHT)
        )
        if right or setup.tuning.teacher_filter == "none":
            made.append(replace(question, answers=() if abstained else (said,)))
    return made


def encoded(
    bench: Workbench,
    questions: list[Question],
    setup: Setup,
    seed: int,
    split: str,
    model: LanguageModel,
    prompts: Sequence[Prompt],
) -> Iterator[Encoded]:
    """What is taught about questions of one corpus, each in one of the prompts, as tokens."""
    from ragtune.generation.local import shown
    from ragtune.tuning.batches import encode_item
    from ragtune.tuning.recipes import build_items

    assert setup.tuning is not None
    settings, generator = setup.tuning, spoken_with(bench, setup)
    contexts = RECIPES[settings.train_on].sees_contexts
    if split == "train":
        questions = taught(bench, setup, questions, seed)
    top_k = setup.retrieval.shown if setup.retrieval else 0
    top_k = settings.contexts[1] if settings.contexts else top_k
    found: list[list[Hit]] = [[] for _ in questions]
    if contexts:
        found = [h for h, _ in retrieve.hits(bench, setup, questions, max(retrieve.KEPT, top_k))]
    own = settings if split == "train" else settings.model_copy(update={"variants": 0})
    documents = {d.id: d for d in bench.corpus.documents} if settings.evidence_words and not contexts else {}
    chunks = allowed_chunks(bench, setup) if contexts else []
    widened = retrieve.offer(bench, setup).widened if contexts else list
    drawn = [Random(f"{seed}/prompt/{n}/{q.id}").randrange(len(prompts)) for n, q in enumerate(questions)]
    for n, prompt in enumerate(prompts):

        def fits(question: Question, hits: Sequence[Hit], prompt: Prompt = prompt) -> tuple[Hit, ...]:
            return shown(model, prompt, generator, question.text, widened(hits)).hits

        mine = [i for i, which in enumerate(drawn) if which == n]
        items = build_items(
            [questions[i] for i in mine],
            [found[i] for i in mine],
            chunks,
            own,
            prompt.abstain,
            seed,
            documents,
            top_k,
            fits,
        )
        for item in items:
            yield encode_item(
                model, prompt.messages(item.question.text, item.hits), item.target, setup.generator.thinking
            )
