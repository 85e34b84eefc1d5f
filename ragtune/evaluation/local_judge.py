"""The local judge: deterministic, no LLM; needs only the embedder.

How a statement's *support* by the contexts is found (`support`):

1. Contexts are cut into sentences; a window is a sentence alone or with the next one, with its context's title.
2. Lexical evidence of a window: the share of the statement's content stems it holds, rare stems (by idf over the
   windows at hand) counting more.
3. Embedding evidence: cosine of statement and sentence, scaled so that .25 is 0 and .85 is 1.
4. ``support = .7 lexical + .3 embedding`` of the best window; a short answer (three content words or fewer) is
   judged by lexical evidence alone.
5. Every number of the statement that no window holds halves it; every name likewise takes a quarter away;
   a negation on one side only halves it.

A statement is *supported* from ``settings.support`` on. The deciding sentence is kept as the reason.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ragtune.corpus.sentences import sentence_spans
from ragtune.evaluation import metrics
from ragtune.evaluation.judge import Item, JudgeSettings
from ragtune.evaluation.statements import names, negated, numbers, statements, words
from ragtune.models.encoder import Array, TextEncoder
from ragtune.records import Score
from ragtune.store import digest

VERSION = 1


@dataclass(frozen=True)
class Verdict:
    """Support of one statement in [0, 1], the sentence that decided, and the context (from 0) it stands in."""

    statement: str
    support: float
    sentence: str
    context: int


@dataclass(frozen=True)
class Window:
    text: str
    sentence: str
    context: int
    stems: frozenset[str]


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
            found += [item.answer, metrics.asserted(item.question.text, item.answer), *self._statements(item)]
        found += [item.question.answers[0]] if item.question.answers else []
        for context in item.contexts:
            found += [context[a:b] for a, b in sentence_spans(context)]
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
        found = []
        for n, context in enumerate(contexts):
            parts = [context[a:b] for a, b in sentence_spans(context)]
            head = parts[0] if len(parts) > 1 and len(parts[0].split()) <= 12 else ""
            pairs = [(" ".join(p), max(p, key=len)) for p in zip(parts, parts[1:], strict=False)]
            for text, sentence in [*((p, p) for p in parts), *pairs]:  # a sentence alone decides where it can
                found.append(Window(text, sentence, n, frozenset(words(f"{head} {text}"))))
        return found

    def support(self, statement: str, windows: Sequence[Window]) -> Verdict:
        """See the module's docstring for the formula."""
        stems = Counter(words(statement))
        if not windows or not stems:
            return Verdict(statement, 0.0, "", -1)
        held = Counter(s for w in windows for s in w.stems if s in stems)
        weight = {s: math.log(1 + len(windows) / (0.5 + held[s])) for s in stems}
        total = sum(weight[s] for s in stems)
        best = Verdict(statement, -1.0, "", -1)
        short = len(stems) <= 3
        for window in windows:
            lexical = sum(weight[s] for s in stems if s in window.stems) / total
            value = lexical
            if not short:
                cosine = self.similarity(statement, window.sentence)
                value = 0.7 * lexical + 0.3 * min(1.0, max(0.0, (cosine - 0.25) / 0.6))
            if negated(statement) != negated(window.text) and not short:
                value *= 0.5
            if value > best.support + 1e-9:
                best = Verdict(statement, value, window.sentence, window.context)
        everything = frozenset().union(*(w.stems for w in windows if w.context == best.context))
        value = best.support * 0.5 ** len(numbers(statement) - everything) * 0.75 ** len(names(statement) - everything)
        return Verdict(statement, min(1.0, value), best.sentence, best.context)

    def supported(self, verdict: Verdict) -> bool:
        return verdict.support >= self.settings.support

    # --- the metrics -----------------------------------------------------------------------------------

    def judge(self, item: Item) -> Mapping[str, Score]:
        windows = self.windows(item.contexts)
        scores = [
            metrics.faithfulness(self, item, windows), metrics.answer_relevance(self, item), metrics.context_precision(self, item),
            metrics.context_recall(self, item, windows), metrics.answer_correctness(self, item), metrics.exact(item), metrics.f1(item),
            metrics.abstention(item),
        ]  # fmt: skip
        return {s.metric: s for s in scores}

    def answer_support(self, item: Item) -> float:
        """Support of the whole answer in [0, 1]: the mean of its statements' support and that of the weakest."""
        found = self._statements(item)
        if not found:
            return 0.0
        windows = self.windows(item.contexts)
        values = [self.support(s, windows).support for s in found]
        return (sum(values) / len(values) + min(values)) / 2


__all__ = ["LocalJudge", "Verdict", "Window"]
