"""The Generator contract and what all generators share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from ragtune.generation.prompts import Shot
from ragtune.records import Hit, Question, Tokens

#: is told of a reply while it is made: the raw text so far, without an end that is not certain, and how many hits were shown
Hear = Callable[[str, int], None]


@dataclass(frozen=True)
class Request:
    """One question with the hits it may use and the solved examples before it; both shrink when they do not fit."""

    key: str
    question: Question
    hits: tuple[Hit, ...]
    shots: tuple[Shot, ...] = ()


@dataclass(frozen=True)
class Reply:
    """The raw text for one request. ``hits`` is how many of its hits were shown, ``seconds`` its share of the batch.

    ``confidence`` is the geometric mean of the probabilities of the answer's tokens, None where the model gives none.
    ``raw`` may hold thoughts between tags (`text.thoughts`); ``thought`` is what came apart from it.
    ``brought`` are hits that the generator found itself, in place of the request's. ``shots``: how many examples were shown.
    """

    raw: str
    hits: int
    tokens: Tokens
    finish: str
    seconds: float
    confidence: float | None = None
    brought: tuple[Hit, ...] | None = None
    thought: str = ""
    shots: int = 0


class Generator(Protocol):
    """Answers requests in batches. Adding one is a file and a line in `generators.GENERATORS`."""

    def batches(self, requests: Sequence[Request], seed: int) -> list[list[Request]]:
        """The batches these requests are answered in; a pure function of the requests."""
        ...

    def answer(self, batch: Sequence[Request], adapter: Path | None, seed: int) -> Iterator[tuple[str, Reply]]:
        """(key of the request, its reply) for a batch; ``adapter`` is the folder of tuned weights, if any."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """A Generator that can be heard while it makes a reply; others are asked as ever."""

    def stream(self, request: Request, adapter: Path | None, seed: int, hear: Hear) -> Reply:
        """The reply that `Generator.answer` gives to a batch of this one request."""
        ...
