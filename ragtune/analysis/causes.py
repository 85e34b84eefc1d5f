"""Why an answer failed: one cause per wrong answer, from evidence at hand, and what mending a cause could add.

The rules, in this order (the first that fits):

1. the reply held no text: ``no_answer``; no reference, yet answered: ``answered_unanswerable``;
2. the contexts miss the evidence (no shown Hit fulfils some item of it, see `corpus.evidence`) although the Setup retrieves: ``not_retrieved`` where the
   first ten Hits miss it too, else ``ranked_out`` (dropped for space, or ranked below ``top_k``);
3. abstained: ``abstained_answerable``;
4. the judge's score is low, yet the answer agrees with a reference (`text.agree`): ``form``;
5. tuned, no document holds the answer, but the training answers do: ``stale_memory``;
6. no contexts at all: ``unsupported``;
7. not faithful, and the contexts state it with another number or name, or negated, in a sentence that shares half of the
   question's words: ``contradicted``; else not supported by the contexts: ``unsupported``; supported, but not the answer: ``ignored``.

An answer is wrong when it answers the unanswerable, withholds an answer that there is, or when its answer correctness is below .5.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ragtune.corpus.evidence import share_fulfilled
from ragtune.records import Answer, Hit, Question, Row
from ragtune.text.agree import agree
from ragtune.text.claims import bare_polarity
from ragtune.text.numerals import Value
from ragtune.text.overlap import normalise_answer
from ragtune.text.values import conflicting, same, values
from ragtune.text.words import names, negated, numbers, words

WRONG_BELOW = 0.5

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
        "the documents hold an answer, and it was withheld",
        "",
        "answering what was withheld",
    ),
    "no_answer": (
        "No answer came",
        "the reply held no text: a refusal, a filter, a tool call, or its length was used up by reasoning",
        "",
        "a reply to every question",
    ),
    "form": (
        "Right in substance, wrong in form",
        "the answer holds the reference, or the reference the answer",
        "",
        "stricter answer style",
    ),
}


@dataclass(frozen=True)
class Known:
    """What a Setup could have known when it answered.

    ``deep`` are its first ten hits, shown or not; ``trained_answers`` the normalised answers it was tuned on;
    ``in_documents`` tells whether a normalised text stands in any document of the corpus.
    """

    deep: Sequence[Hit]
    retrieves: bool
    trained_answers: Collection[str]
    in_documents: Callable[[str], bool]


@dataclass(frozen=True)
class Ceiling:
    """A cause among one Setup's answers: how many, their share of all, and the most that mending it adds to the metric."""

    cause: str
    count: int
    share: float
    adds: float


def wrong(row: Row) -> bool:
    """See the module's docstring. Without a known reference nothing says that an answer is wrong."""
    question = row.question
    if question.answers is None:
        return False
    if question.unanswerable:
        return not row.answer.abstained
    value = row.value("answer_correctness")
    return row.answer.withheld or (_right(row) if value is None else value) < WRONG_BELOW


def _right(row: Row) -> float:
    return agree(row.question.text, row.question.references, row.answer.text).probability


def _missing(question: Question, hits: Sequence[Hit]) -> bool:
    """True if some item of the evidence stands in no Hit."""
    return share_fulfilled(question, [h.chunk for h in hits]) < 1


def cause(row: Row, known: Known) -> str:
    """The cause of a wrong answer (a key of `CAUSES`), or "" for a right one."""
    question, answer = row.question, row.answer
    if not wrong(row):
        return ""
    if answer.outcome == "none":
        return "no_answer"
    if question.unanswerable:
        return "answered_unanswerable"
    if known.retrieves and _missing(question, answer.hits):
        return "not_retrieved" if _missing(question, known.deep) else "ranked_out"
    if answer.abstained:
        return "abstained_answerable"
    if _right(row) >= WRONG_BELOW:
        return "form"
    said = normalise_answer(answer.text)
    if said and said in known.trained_answers and not known.in_documents(said):
        return "stale_memory"
    if not answer.hits:
        return "unsupported"
    faithful = row.value("faithfulness")
    if (faithful is None or faithful < WRONG_BELOW) and _contradicts(question, answer):
        return "contradicted"
    return "ignored" if faithful is None or faithful >= WRONG_BELOW else "unsupported"


def _contradicts(question: Question, answer: Answer) -> bool:
    """A shown sentence about the question holds the reference's kind of detail, and the answer another that is nowhere shown."""
    asked = set(words(question.text))
    shown = " ".join(h.chunk.text for h in answer.hits)
    if bare_polarity(question.text, answer.text):
        return any(len(asked & set(words(h.chunk.text))) * 2 >= len(asked) for h in answer.hits if asked)
    mine = numbers(answer.text) | names(f"x {answer.text}")
    wanted, given = ([v for t in texts for v in values(t)] for texts in (question.references, [answer.text]))
    if about_values(wanted, given) and not any(same(w, g) for w in wanted for g in given):
        return any(len(asked & set(words(h.chunk.text))) * 2 >= len(asked) for h in answer.hits if asked)
    foreign = mine - set(words(shown))
    about = any(len(asked & set(words(h.chunk.text))) * 2 >= len(asked) for h in answer.hits if asked)
    denied = negated(answer.text) != any(negated(r) for r in question.references) and bool(
        set(words(answer.text)) & asked
    )
    return about and (bool(foreign) or denied)


def about_values(wanted: Sequence[Value], given: Sequence[Value]) -> bool:
    """A value of the answer speaks against one of the reference."""
    return any(conflicting(w, g) for w in wanted for g in given)


def ceilings(rows: Sequence[Row], metric: str) -> tuple[Ceiling, ...]:
    """The causes of one Setup's wrong answers, those first whose mending could add most.

    A wrong answer whose ``metric`` is unscored (no reference) adds nothing; the mean is taken over scored answers.
    """
    scored = sum(row.value(metric) is not None for row in rows)
    found = []
    for name in CAUSES:
        own = [row.value(metric) for row in rows if row.cause == name]
        if own:
            lost = sum(1 - value for value in own if value is not None)
            share = round(len(own) / len(rows), 6)
            found.append(Ceiling(name, len(own), share, round(lost / max(1, scored), 6)))
    return tuple(sorted(found, key=lambda c: (-c.adds, -c.count)))
