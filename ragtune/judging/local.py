"""The local judge: deterministic, no LLM; needs only the embedder.

How much contexts *support* a statement is found by `support.support`: words held and missing, their order, numbers, names,
negation. The deciding sentence is kept as the reason. A statement is *supported* from ``settings.support`` on. Embeddings
tell how much an answer is about its question (relevance) and how close it is to the reference (correctness).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ragtune.judging import support as evidence
from ragtune.judging.judge import Item, JudgeSettings
from ragtune.judging.metrics import (
    METRICS,
    abstention,
    answer_correctness,
    answer_relevance,
    citations,
    context_precision,
    context_recall,
    faithfulness,
    lexical,
    noise_sensitivity,
    semantic_similarity,
)
from ragtune.judging.metrics.base import asserted
from ragtune.judging.support import Window
from ragtune.models.encoder import Array, TextEncoder
from ragtune.records import Score
from ragtune.store import digest
from ragtune.text.words import statements

VERSION = 3


@dataclass(frozen=True)
class Verdict:
    """Support of one statement in [0, 1], the sentence that decided, and the context (from 0) it stands in."""

    statement: str
    support: float
    sentence: str
    context: int


class LocalJudge:
    """Scores faithfulness, relevance, precision, recall and correctness without a language model."""

    def __init__(self, settings: JudgeSettings, encoder: TextEncoder) -> None:
        self.settings = settings
        self._encoder = encoder
        self._vectors: dict[str, Array] = {}
        self.calls = 0
        self.key = digest("local", VERSION, settings.identity(), encoder.fingerprint)

    # --- shared work -----------------------------------------------------------------------------------

    def _texts(self, item: Item) -> list[str]:
        found = [item.question.text, *item.question.answers[:3]]
        if item.answer and not item.abstained:
            found += [item.answer, asserted(item.question.text, item.answer)]
        found += [item.question.answers[0]] if item.question.answers else []
        return found

    def _statements(self, item: Item) -> list[str]:
        return statements(item.answer)

    def prepare(self, items: Sequence[Item], progress: Callable[[int], None] | None = None) -> None:
        texts = list(dict.fromkeys(t for item in items for t in self._texts(item) if t not in self._vectors))
        if texts:
            self._vectors.update(zip(texts, self._encoder.encode(texts), strict=True))

    def similarity(self, a: str, b: str) -> float:
        """Cosine of two texts, clipped to [0, 1]."""
        missing = [t for t in (a, b) if t not in self._vectors]
        if missing:
            self._vectors.update(zip(missing, self._encoder.encode(missing), strict=True))
        return min(1.0, max(0.0, float(self._vectors[a] @ self._vectors[b])))

    # --- support ---------------------------------------------------------------------------------------

    def windows(self, contexts: Sequence[str]) -> list[Window]:
        """What evidence is drawn from."""
        return evidence.windows(contexts)

    def support(self, statement: str, windows: Sequence[Window]) -> Verdict:
        """How much ``windows`` support ``statement``."""
        found = evidence.support(statement, windows)
        if found.window is None:
            return Verdict(statement, 0.0, "", -1)
        return Verdict(statement, found.support, found.window.sentence, found.window.context)

    def supported(self, verdict: Verdict) -> bool:
        return verdict.support >= self.settings.threshold

    # --- the metrics -----------------------------------------------------------------------------------

    def judge(self, item: Item) -> Mapping[str, Score]:
        windows = self.windows(item.contexts)
        supports = citations.by_evidence(self)
        scores = [
            faithfulness.score(self, item, windows),
            answer_relevance.score(self, item),
            context_precision.score(self, item),
            context_recall.score(self, item, windows),
            answer_correctness.score(self, item),
            *self._plain(item),
            context_precision.without_reference(self, item),
            noise_sensitivity.score(self, item, windows),
            citations.recall(item, supports),
            citations.precision(item, supports),
        ]
        return self._ordered(scores)

    def _plain(self, item: Item) -> list[Score]:
        """The metrics that are the same whoever judges."""
        return [
            lexical.exact(item),
            lexical.f1(item),
            abstention.score(item),
            lexical.rouge(item),
            semantic_similarity.score(self, item),
        ]

    def _ordered(self, scores: Sequence[Score]) -> dict[str, Score]:
        found = {s.metric: s for s in scores}
        extra = self.settings.extra_metrics
        return {
            m: found[m] for m, metric in METRICS.items() if m in found and (metric.core or extra is None or m in extra)
        }

    def answer_support(self, item: Item) -> float:
        """Support of the whole answer in [0, 1]: read as one statement, and the mean of its statements, half each."""
        found = self._statements(item)
        if not found:
            return 0.0
        windows = self.windows(item.contexts)
        values = [self.support(s, windows).support for s in found]
        return (self.support(item.answer, windows).support + sum(values) / len(values)) / 2


__all__ = ["LocalJudge", "Verdict", "Window"]
