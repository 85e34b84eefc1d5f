"""The words of the project as frozen records. Every floor above speaks in these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Json = dict[str, Any]
Outcome = Literal["answered", "abstained", "none"]


@dataclass(frozen=True, slots=True)
class Document:
    """One source text. ``text`` is normalised once, on reading; all offsets count its characters."""

    id: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """The span ``[start, end)`` of one Document; ``text == document.text[start:end]`` always.

    ``title`` is what a reader should see above the text (document title and heading path), or ``""``.
    """

    id: str
    document_id: str
    start: int
    end: int
    text: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def titled(self) -> str:
        """The title line, then the text: what is embedded, indexed and shown to judges."""
        return f"{self.title}\n{self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span of a Document that holds (part of) a Question's answer.

    ``quote`` is the text that is evidence wherever it stands (see `corpus.evidence`); "" where only the place counts.
    """

    document_id: str
    start: int
    end: int
    quote: str = ""

    @property
    def alternatives(self) -> tuple[Evidence, ...]:
        return (self,)

    def overlaps(self, chunk: Chunk) -> bool:
        """True if the chunk shares at least one character with the span."""
        return self.document_id == chunk.document_id and self.start < chunk.end and chunk.start < self.end


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Spans each of which is evidence enough."""

    any: tuple[Evidence, ...]

    @property
    def alternatives(self) -> tuple[Evidence, ...]:
        return self.any


#: one thing that is needed to answer
Item = Evidence | AnyOf


@dataclass(frozen=True, slots=True)
class Question:
    """``answers`` are the accepted references; ``()``: the documents hold no answer; ``None``: nobody said.

    Every item of ``evidence`` is needed.
    """

    id: str
    text: str
    answers: tuple[str, ...] | None = None
    evidence: tuple[Item, ...] = ()
    split: str = "test"
    tags: tuple[str, ...] = ()

    @property
    def references(self) -> tuple[str, ...]:
        """The references that are known."""
        return self.answers or ()

    @property
    def answerable(self) -> bool:
        """A reference is known."""
        return bool(self.answers)

    @property
    def unanswerable(self) -> bool:
        """It is known that the documents hold no answer."""
        return self.answers == ()

    @property
    def spans(self) -> tuple[Evidence, ...]:
        """Every span of the evidence, alternatives too."""
        return tuple(span for item in self.evidence for span in item.alternatives)


@dataclass(frozen=True, slots=True)
class Hit:
    """One retrieved Chunk; ``rank`` counts from 1, ``score`` is the last stage's (higher is better)."""

    chunk: Chunk
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """``answer`` counts all that was generated; ``thought`` are those of them that the answer was thought out in, where known.

    ``before_prompt`` and ``before_answer`` are those of what a generator did before it answered: queries written, earlier rounds.
    ``cached`` are those of the prompt that the server had read before, where it says so.
    """

    prompt: int = 0
    answer: int = 0
    thought: int = 0
    before_prompt: int = 0
    before_answer: int = 0
    cached: int = 0

    def after(self, other: Tokens) -> Tokens:
        """These, with ``other`` spent before them."""
        return replace(
            self,
            before_prompt=self.before_prompt + other.prompt + other.before_prompt,
            before_answer=self.before_answer + other.answer + other.before_answer,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a Setup said to one Question.

    ``citations`` are the numbers (from 1) of the hits it cites; ``dropped`` counts hits that did not fit the window; ``outcome`` is
    ``none`` where no answer came, ``finish`` says why the reply ended (``stop``, ``length``, ...); ``confidence`` is the geometric mean
    of its tokens' probabilities, where known; ``thought`` is what a reasoning model wrote before it answered, no part of the answer;
    ``examples`` counts the solved examples that stood in its prompt; ``queries`` are what was searched for where that was not the
    question alone.
    """

    text: str
    citations: tuple[int, ...] = ()
    hits: tuple[Hit, ...] = ()
    dropped: int = 0
    outcome: Outcome = "answered"
    tokens: Tokens = Tokens()
    finish: str = "stop"
    confidence: float | None = None
    thought: str = ""
    examples: int = 0
    queries: tuple[str, ...] = ()

    @property
    def abstained(self) -> bool:
        return self.outcome == "abstained"

    @property
    def withheld(self) -> bool:
        """It abstained, or no answer came."""
        return self.outcome != "answered"

    @property
    def missing(self) -> str:
        """Why no answer came, where none did."""
        return "length, while thinking" if self.finish == "length" and self.thought else self.finish

    @property
    def contexts(self) -> tuple[str, ...]:
        """The texts that were shown, best first."""
        return tuple(h.chunk.titled for h in self.hits)


@dataclass(frozen=True, slots=True)
class Score:
    """One metric's value in [0, 1] with the judge's reason, or ``value=None``: unscored, with the reason why.

    ``failed``: the judge could not score what it should have (an unreadable reply), not that there was nothing to score.
    """

    metric: str
    value: float | None
    reason: str = ""
    failed: bool = False

    @property
    def scored(self) -> bool:
        return self.value is not None


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of compute that one answer took: its share of the batches that found its contexts and that made it."""

    retrieval: float = 0.0
    generation: float = 0.0

    @property
    def total(self) -> float:
        return self.retrieval + self.generation


@dataclass(frozen=True, slots=True)
class Row:
    """One answer of one Setup under one seed, from answering to the report; later stages return ``replace(row, ...)``.

    ``cause`` says why a wrong answer is wrong (a key of `analysis.causes.CAUSES`), else ``""``.
    """

    setup: str
    seed: int
    question: Question
    answer: Answer
    times: Times = Times()
    scores: Mapping[str, Score] = field(default_factory=dict)
    cause: str = ""

    def _repr_html_(self) -> str:
        from html import escape

        shown = "".join(f"<li>{escape(f'{h.chunk.document_id}: {h.chunk.text[:200]}')}</li>" for h in self.answer.hits)
        return f"<p>{escape(self.question.text)}</p><p><b>{escape(self.answer.text)}</b></p><ol>{shown}</ol>"

    def value(self, metric: str) -> float | None:
        """The metric's value; None where it is unscored or was not asked for."""
        score = self.scores.get(metric)
        return score.value if score else None


@dataclass(frozen=True)
class Metric:
    """One metric: its definition, how it is scored, and where it shows. Values are in [0, 1] or unscored with a reason.

    ``score`` takes a `judging.witness.Witness` and a Row. ``needs`` holds "reference", "contexts", "citations", or
    "llm" where only a judge that asks a language model scores it.
    ``core`` metrics stand in every table, the others in a second one; ``compared`` ones get paired differences between
    setups, ``sliced`` ones a table by tag, ``gated`` ones are checked against a baseline by default. ``asks`` is true
    where a language model must be asked for it, so that it is scored by such a judge only on request.
    """

    name: str
    title: str
    short: str
    meaning: str
    formula: str
    source: str
    unscored: str
    score: Callable[[Any, Row], Score]
    needs: frozenset[str] = frozenset()
    core: bool = True
    compared: bool = False
    sliced: bool = False
    gated: bool = False
    higher_is_better: bool = True
    asks: bool = False


def to_json(record: Any) -> Json:
    """A record as plain JSON types (tuples become lists)."""
    return asdict(record)


def question_key(question: Question) -> Json:
    """A Question as keys hold it: quotes are left out, since they follow from the spans and the documents."""
    found = to_json(question)
    for span in (s for item in found["evidence"] for s in item.get("any", [item])):
        del span["quote"]
    return found
