"""What a judge must be able to say about an answer: the six questions that every metric is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ragtune.records import Question, Row, Score

NO_CONTEXTS = "no contexts were given"
NO_REFERENCE = "no reference: the documents hold no answer"
UNKNOWN_REFERENCE = "no reference was given"
WITHHELD = "withheld although the documents hold an answer"
NOTHING_CLAIMED = "withheld: nothing was claimed"
NEEDS_LLM = "told by a language model alone (judge: llm)"
NO_STATEMENT = "the answer holds no statement"


@dataclass(frozen=True, slots=True)
class Support:
    """How far contexts support one statement: ``value`` in [0, 1], whether that is enough, and the reason.

    ``sentence`` is what decided (a sentence of the contexts, or the judge's own words); ``context`` counts from 0, -1
    where there is none.
    """

    statement: str
    value: float
    supported: bool
    sentence: str = ""
    context: int = -1


@dataclass(frozen=True, slots=True)
class Finding:
    """A value in [0, 1] with its reason; None where it cannot be told, ``failed`` where it should have been."""

    value: float | None
    reason: str
    failed: bool = False


class Unscorable(Exception):
    """A witness could not tell, after every repair; the text says why. The metric is unscored, and counted as failed."""


class Witness(Protocol):
    """Answers questions about one answer. Adding a judge is writing one and a line in `judges.JUDGES`.

    ``key`` identifies it with its settings in stage keys. ``calls`` counts questions put to a model. ``asks``: every
    question is a call to a language model, so optional metrics are scored on request alone, and support is a verdict,
    not a degree. ``concurrency``: rows that may be scored at a time. ``own``: metrics that it scores its own way.
    """

    key: str
    asks: bool
    concurrency: int
    own: Mapping[str, Callable[[Row], Score]]

    @property
    def calls(self) -> int: ...

    def gather(self, ask: Callable[[], object]) -> None:
        """Learn what will be asked by running ``ask`` on placeholders, and do the shared work for all of it in one go."""
        ...

    def statements(self, question: Question, text: str) -> list[str]:
        """The statements that ``text``, said to ``question``, consists of."""
        ...

    def supports(
        self, said: Sequence[str], contexts: Sequence[str], question: str = "", among: Sequence[str] = ()
    ) -> list[Support]:
        """How far ``contexts`` together support each statement; ``question`` is what they answer, ``among`` all that was shown."""
        ...

    def useful(self, question: Question, said: str | None, contexts: Sequence[str]) -> list[bool]:
        """Which contexts help to arrive at ``said``, or at a reference where that is None."""
        ...

    def agrees(self, question: Question, answer: str) -> Finding:
        """How far the answer agrees with the question's references."""
        ...

    def about(self, question: Question, answer: str) -> Finding:
        """How much the answer is about the question."""
        ...

    def similarity(self, a: str, b: str) -> float:
        """Closeness of meaning of two texts, in [0, 1]."""
        ...


def lacks_reference(question: Question) -> str:
    """Why there is no reference to compare with, or ""."""
    return UNKNOWN_REFERENCE if question.answers is None else "" if question.answers else NO_REFERENCE


def asserted(question: str, answer: str) -> str:
    """A short answer read with its question, so that "14 days" says something that can be compared."""
    return answer if len(answer.split()) > 8 else f"{question.rstrip('?？ ')}: {answer}"


def average_precision(name: str, useful: Sequence[bool], nothing: str) -> Score:
    """Mean of precision@k over the ranks k of useful contexts; 0 with the reason ``nothing`` where there are none."""
    if not any(useful):
        return Score(name, 0.0, nothing)
    total = sum(sum(useful[: k + 1]) / (k + 1) for k, u in enumerate(useful) if u)
    ranks = ", ".join(str(k + 1) for k, u in enumerate(useful) if u)
    return Score(name, total / sum(useful), f"useful contexts: {ranks}")
