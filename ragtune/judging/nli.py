"""Evidence by an NLI model: support of a statement is a CrossEncoder's entailment (or consistency) score.

Any sentence-transformers CrossEncoder id or path. With labels, the probability of the label that says entailment
(``entail*``, ``support*``, ``consisten*``; of two unnamed labels the second, as MiniCheck has it); with a single
output, its sigmoid, as HHEM has it. Long contexts are read in windows of about ``WINDOW`` words that overlap by half;
the best window wins (SummaC's max, Laban et al. 2022). Everything else is the local witness's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from ragtune.judging.support import Window
from ragtune.judging.witness import asserted
from ragtune.models.pairs import PairModel
from ragtune.text.sentences import sentence_spans

VERSION = 4
WINDOW = 180
#: entailment in [0, 1] of (premise, hypothesis) pairs
Entails = Callable[[Sequence[tuple[str, str]]], list[float]]


def entailment(model: PairModel) -> Entails:
    """A function from (premise, hypothesis) pairs to entailment scores in [0, 1].

    A premise longer than the model's window is read in windows, of which the best counts.

    Raises:
        ModelError: the model cannot be loaded, or its labels name no entailment.
    """
    yes = model.entailing_label()

    def score(pairs: Sequence[tuple[str, str]]) -> list[float]:
        parts = [model.windows(premise, beside=hypothesis) for premise, hypothesis in pairs]
        flat = [(part, hypothesis) for (_, hypothesis), own in zip(pairs, parts, strict=True) for part in own]
        logits = model.logits(flat).astype(np.float64)
        if yes is None:
            found = 1 / (1 + np.exp(-logits[:, 0]))
        else:
            made = np.exp(logits - logits.max(axis=1, keepdims=True))
            found = made[:, yes] / made.sum(axis=1)
        rows = iter(found)
        return [max(float(next(rows)) for _ in own) for own in parts]

    return score


@lru_cache(maxsize=512)
def windows(contexts: tuple[str, ...]) -> list[Window]:
    """Windows of about `WINDOW` words, whole sentences, each overlapping the one before by half."""
    found = []
    for n, context in enumerate(contexts):
        parts = [context[a:b] for a, b in sentence_spans(context)]
        sizes = [len(p.split()) for p in parts]
        start = 0
        while start < len(parts):
            end, total = start, 0
            while end < len(parts) and (end == start or total + sizes[end] <= WINDOW):
                total += sizes[end]
                end += 1
            text = " ".join(parts[start:end])
            found.append(Window(text, text, n))
            if end >= len(parts):
                break
            start = max(start + 1, (start + end) // 2)
    return found


class NliEvidence:
    """Support by entailment. What a gathering asks for is scored in one go; ``calls`` counts pairs."""

    def __init__(self, entails: Entails, fingerprint: str) -> None:
        self.identity: tuple[object, ...] = ("nli", VERSION, fingerprint)
        self.calls = 0
        self._entails = entails
        self._known: dict[tuple[str, str], float] = {}
        self._wanted: dict[tuple[str, str], None] | None = None

    def gather(self, ask: Callable[[], object]) -> None:
        self._wanted = {}
        try:
            ask()
            waiting = list(self._wanted)
        finally:
            self._wanted = None
        self._score(waiting)

    def _score(self, pairs: list[tuple[str, str]]) -> None:
        if pairs:
            self.calls += len(pairs)
            self._known.update(zip(pairs, self._entails(pairs), strict=True))

    def support(
        self, statement: str, contexts: tuple[str, ...], question: str = "", among: tuple[str, ...] = ()
    ) -> tuple[float, str, int]:
        found = windows(contexts)
        statement = asserted(question, statement) if question else statement
        if not found:
            return 0.0, "", -1
        pairs = [(w.text, statement) for w in found]
        missing = [p for p in dict.fromkeys(pairs) if p not in self._known]
        if self._wanted is not None:
            self._wanted.update(dict.fromkeys(missing))
            return 0.0, "", -1
        self._score(missing)
        best = max(range(len(pairs)), key=lambda i: (self._known[pairs[i]], -i))
        return self._known[pairs[best]], found[best].text, found[best].context
