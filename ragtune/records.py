"""The words of the project as frozen records. Every floor above speaks in these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Json = dict[str, Any]


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


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span of a Document that holds (part of) a Question's answer."""

    document_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Question:
    """``answers`` are the accepted references; none means that the documents do not answer it."""

    id: str
    text: str
    answers: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    split: str = "test"
    tags: tuple[str, ...] = ()

    @property
    def answerable(self) -> bool:
        return bool(self.answers)


@dataclass(frozen=True, slots=True)
class Hit:
    """One retrieved Chunk; ``rank`` counts from 1, ``score`` is the last stage's (higher is better)."""

    chunk: Chunk
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Tokens:
    prompt: int = 0
    answer: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a Setup said to one Question.

    ``citations`` are the numbers (from 1) of the hits it cites; ``dropped`` counts hits that did not fit
    the window; ``finish`` is ``stop``, ``length`` or ``error``; ``confidence`` is the geometric mean of the answer's
    token probabilities, where the generator gives them.
    """

    text: str
    citations: tuple[int, ...] = ()
    hits: tuple[Hit, ...] = ()
    dropped: int = 0
    abstained: bool = False
    tokens: Tokens = Tokens()
    finish: str = "stop"
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """One metric's value in [0, 1] with the judge's reason, or ``value=None``: unscored, with the reason why.

    ``failed`` tells that the judge could not score what it should have (an unreadable reply), rather than that
    there was nothing to score.
    """

    metric: str
    value: float | None
    reason: str = ""
    failed: bool = False

    @property
    def scored(self) -> bool:
        return self.value is not None


def to_json(record: Any) -> Json:
    """A record as plain JSON types (tuples become lists)."""
    found: Json = asdict(record)
    return found


def hit_to_json(hit: Hit) -> Json:
    """A Hit as it stands in ``answers.jsonl``: flat, with the document's id and offsets."""
    c = hit.chunk
    return {
        "rank": hit.rank,
        "score": round(hit.score, 6),
        "chunk_id": c.id,
        "document_id": c.document_id,
        "start": c.start,
        "end": c.end,
        "title": c.title,
        "text": c.text,
    }


def hit_from_json(data: Json) -> Hit:
    chunk = Chunk(data["chunk_id"], data["document_id"], data["start"], data["end"], data["text"], data["title"])
    return Hit(chunk, data["score"], data["rank"])


def question_from_json(data: Json) -> Question:
    return Question(
        data["id"],
        data["text"],
        tuple(data["answers"]),
        tuple(Evidence(**e) for e in data["evidence"]),
        data["split"],
        tuple(data["tags"]),
    )
