"""The local witness: deterministic, no language model; needs only the embedder.

How much contexts *support* a statement is told by an `Evidence`: words (`support.support`: words held and missing, their
order, numbers, names, negation), or a model that reads both (`nli`). Embeddings tell how much an answer is about its
question and how close it is to the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from ragtune.judging import support as by_words
from ragtune.judging.settings import JudgeSettings
from ragtune.judging.similarity import Similarity
from ragtune.judging.support import Window
from ragtune.judging.witness import NEEDS_LLM, Finding, Support
from ragtune.models.encoder import TextEncoder
from ragtune.records import Question, Row, Score
from ragtune.store import digest
from ragtune.text.agree import agree
from ragtune.text.claims import claims

VERSION = 7


class Evidence(Protocol):
    """Where the support of statements comes from. ``identity`` stands in stage keys; ``calls`` counts model calls."""

    identity: tuple[object, ...]
    calls: int

    def gather(self, ask: Callable[[], object]) -> None: ...

    def support(
        self, statement: str, contexts: tuple[str, ...], question: str = "", among: tuple[str, ...] = ()
    ) -> tuple[float, str, int]:
        """(support in [0, 1], the sentence that decided, its context from 0 or -1).

        ``question``: what the statement answers, so that a short one is read with it; ``among``: all that was shown, where
        ``contexts`` are some of it.
        """
        ...


@lru_cache(maxsize=512)
def _windows(contexts: tuple[str, ...]) -> list[Window]:
    return by_words.windows(contexts)


class WordEvidence:
    """Support from words alone."""

    calls = 0

    def __init__(self) -> None:
        self.identity: tuple[object, ...] = ("local", VERSION)
        self._gathering = False

    def gather(self, ask: Callable[[], object]) -> None:
        """Words need no shared work: while others gather theirs, nothing is compared."""
        self._gathering = True
        try:
            ask()
        finally:
            self._gathering = False

    def support(
        self, statement: str, contexts: tuple[str, ...], question: str = "", among: tuple[str, ...] = ()
    ) -> tuple[float, str, int]:
        if self._gathering:
            return 0.0, "", -1
        found = by_words.support(statement, _windows(contexts), question, _windows(among))
        return (found.support, found.window.sentence, found.window.context) if found.window else (0.0, "", -1)


class LocalWitness:
    """Answers from evidence and embeddings; ``settings.threshold`` is the support from which a statement is backed."""

    asks = False
    concurrency = 1

    def __init__(self, settings: JudgeSettings, encoder: TextEncoder, evidence: Evidence | None = None) -> None:
        self.settings = settings
        self.similarity = Similarity(encoder)
        self.own: Mapping[str, Callable[[Row], Score]] = {}
        self._evidence: Evidence = evidence or WordEvidence()
        name, version, *more = self._evidence.identity
        self.key = digest(name, version, settings.identity(), encoder.fingerprint, *more, *self.similarity.known)

    @property
    def calls(self) -> int:
        return self._evidence.calls

    def gather(self, ask: Callable[[], object]) -> None:
        self.similarity.gather(lambda: self._evidence.gather(ask))

    def statements(self, question: Question, text: str) -> list[str]:
        return claims(question.text, text)

    def supports(
        self, said: Sequence[str], contexts: Sequence[str], question: str = "", among: Sequence[str] = ()
    ) -> list[Support]:
        found = []
        for statement in said:
            value, sentence, context = self._evidence.support(statement, tuple(contexts), question, tuple(among))
            found.append(Support(statement, value, value >= self.settings.threshold, sentence, context))
        return found

    def useful(self, question: Question, said: str | None, contexts: Sequence[str]) -> list[bool]:
        """A context is useful when it supports a reference, or a statement of ``said``."""
        texts = question.references if said is None else [said]
        wanted = [claim for text in texts for claim in (claims(question.text, text) or [text])]
        return [any(s.supported for s in self.supports(wanted, [c], question.text, contexts)) for c in contexts]

    def agrees(self, question: Question, answer: str) -> Finding:
        """The probability that a person calls the answer right, by the signs of `text.agree`."""
        found = agree(question.text, question.references, answer)
        return Finding(found.probability, found.reason)

    def about(self, question: Question, answer: str) -> Finding:
        """Unscored: no measure without a language model told an answer to the question from an answer to another."""
        return Finding(None, NEEDS_LLM)
