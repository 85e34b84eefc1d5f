"""Why an answer failed: one cause per wrong answer, from evidence at hand, and what mending a cause could add.

The rules, in this order (the first that fits):

1. no reference, yet answered: ``answered_unanswerable``;
2. the contexts miss the evidence (no shown Hit overlaps it) although the Setup retrieves: ``not_retrieved`` where the
   first ten Hits miss it too, else ``ranked_out`` (dropped for space, or ranked below ``top_k``);
3. abstained: ``abstained_answerable``;
4. the reference and the answer hold one another's content words, or mean the same (cosine .85): ``form``;
5. tuned, no document holds the answer, but the training answers do: ``stale_memory``;
6. no contexts at all: ``unsupported``;
7. the contexts state it with another number or name, or negated, in a sentence that shares half of the question's
   words: ``contradicted``; not supported by the contexts: ``unsupported``; supported, but not the answer: ``ignored``.

An answer is wrong when it answers the unanswerable, when both its correctness and token F1 are below .5, or when the
numbers it names are those of no reference although every reference names some.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ragtune.records import Answer, Hit, Json, Question, Score
from ragtune.text.overlap import normalise_answer
from ragtune.text.words import names, negated, numbers, words

WRONG_BELOW = 0.5
SAME_MEANING = 0.85

#: cause -> (title, meaning, kind of hallucination or "", what would mend it)
CAUSES = {
    "not_retrieved": ("Not retrieved", "the evidence is not among the first ten hits", "", "perfect retrieval"),
    "ranked_out": (
        "Retrieved, but not shown",
        "the evidence is among the first ten hits, but ranked below those shown or dropped for space",
        "",
        "perfect ranking",
    ),
    "ignored": (
        "Retrieved, but ignored",
        "the evidence was shown; the answer repeats something else from the contexts",
        "",
        "a better reader",
    ),
    "contradicted": (
        "Contradicts its contexts",
        "the contexts say it with another number or name, or deny it",
        "faithfulness",
        "a faithful reader",
    ),
    "unsupported": (
        "Unsupported addition",
        "nothing shown supports the answer",
        "faithfulness",
        "contexts and a faithful reader",
    ),
    "stale_memory": (
        "Stale memory",
        "a trained-in fact that the documents no longer hold",
        "factual",
        "tuning again, or contexts",
    ),
    "answered_unanswerable": (
        "Answered the unanswerable",
        "the documents hold no answer, yet one was given",
        "factual",
        "abstaining from the unanswerable",
    ),
    "abstained_answerable": (
        "Abstained needlessly",
        "the evidence was at hand, yet the answer was withheld",
        "",
        "answering what was withheld",
    ),
    "form": (
        "Right in substance, wrong in form",
        "the answer holds the reference, or the reference the answer",
        "",
        "stricter answer style",
    ),
}


@dataclass(frozen=True)
class Case:
    """One answer with what its Setup could have known.

    ``deep`` are the Setup's first ten hits, shown or not; ``trained_answers`` the normalised answers it was tuned on;
    ``in_documents`` tells whether a normalised text stands in any document of the corpus.
    """

    question: Question
    answer: Answer
    scores: dict[str, Score]
    deep: Sequence[Hit]
    retrieves: bool
    trained_answers: Collection[str]
    in_documents: Callable[[str], bool]
    similarity: Callable[[str, str], float]


def _value(case: Case, metric: str) -> float | None:
    score = case.scores.get(metric)
    return score.value if score else None


def wrong(case: Case) -> bool:
    """See the module's docstring."""
    if not case.question.answerable:
        return not case.answer.abstained
    if max(_value(case, "answer_correctness") or 0.0, _value(case, "token_f1") or 0.0) < WRONG_BELOW:
        return True
    said, wanted = numbers(case.answer.text), [numbers(r) for r in case.question.answers]
    return all(wanted) and bool(said) and not any(w & said for w in wanted)


def holds_evidence(question: Question, hits: Sequence[Hit]) -> bool:
    """True if every span of the evidence overlaps a Hit (or nothing is known about evidence)."""
    return all(
        any(h.chunk.document_id == e.document_id and h.chunk.start < e.end and e.start < h.chunk.end for h in hits)
        for e in question.evidence
    )


def cause(case: Case) -> str:
    """The cause of a wrong answer (a key of `CAUSES`), or "" for a right one."""
    question, answer = case.question, case.answer
    if not wrong(case):
        return ""
    if not question.answerable:
        return "answered_unanswerable"
    if case.retrieves and question.evidence and not holds_evidence(question, answer.hits):
        return "ranked_out" if holds_evidence(question, case.deep) else "not_retrieved"
    if answer.abstained:
        return "abstained_answerable"
    if _same_substance(case):
        return "form"
    said = normalise_answer(answer.text)
    if said and said in case.trained_answers and not case.in_documents(said):
        return "stale_memory"
    if not answer.hits:
        return "unsupported"
    if _contradicts(question, answer):
        return "contradicted"
    faithful = _value(case, "faithfulness")
    return "ignored" if faithful is None or faithful >= WRONG_BELOW else "unsupported"


def _same_substance(case: Case) -> bool:
    said = set(words(case.answer.text))
    for reference in case.question.answers:
        wanted = set(words(reference))
        if said and wanted and (wanted <= said or (said <= wanted and len(said) * 2 >= len(wanted))):
            return True
        if (
            numbers(reference) == numbers(case.answer.text)
            and case.similarity(case.answer.text, reference) >= SAME_MEANING
        ):
            return True
    return False


def _contradicts(question: Question, answer: Answer) -> bool:
    """A shown sentence about the question holds the reference's kind of detail, and the answer another that is nowhere shown."""
    asked = set(words(question.text))
    shown = " ".join(h.chunk.text for h in answer.hits)
    mine = numbers(answer.text) | names(f"x {answer.text}")
    foreign = mine - set(words(shown))
    about = any(len(asked & set(words(h.chunk.text))) * 2 >= len(asked) for h in answer.hits if asked)
    denied = negated(answer.text) != any(negated(r) for r in question.answers) and bool(set(words(answer.text)) & asked)
    return about and (bool(foreign) or denied)


def ceilings(rows: Sequence[tuple[str, float | None]], total: int, scored: int) -> list[Json]:
    """Per cause: count, share of all answers, and the points that mending it could add at most.

    Args:
        rows: (cause, value of the main metric in [0, 1]) of the wrong answers of one Setup; None where that metric
            is unscored (no reference): mending such an answer adds nothing to the metric.
        total: all answers of the Setup.
        scored: those that the main metric scored, over which its mean is taken.
    """
    found = []
    for name in CAUSES:
        own = [value for c, value in rows if c == name]
        if own:
            lost = sum(1 - value for value in own if value is not None)
            found.append(
                {
                    "cause": name,
                    "count": len(own),
                    "share": round(len(own) / total, 6),
                    "adds": round(lost / max(1, scored), 6),
                }
            )
    return sorted(found, key=lambda f: (-f["adds"], -f["count"]))
