"""Measuring a judge on labelled answers."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ragtune.analysis.agreement import Agreement, Labelled, agreement
from ragtune.experiment.progress import Progress
from ragtune.judging.judge import Item, JudgeSettings
from ragtune.judging.judges import make_judge
from ragtune.models.encoder import CachedEncoder, SentenceEncoder
from ragtune.models.names import resolve
from ragtune.records import Question
from ragtune.store import Store


def evaluate_judge(
    rows: Sequence[Labelled], settings: JudgeSettings, store: Store, progress: Progress, label: str
) -> Agreement:
    """Let the judge give every answer its support, and measure it against the labels.

    ``seconds_per_item`` counts judging once texts are embedded (the cache keeps embeddings for ever).
    """
    encoder = CachedEncoder(SentenceEncoder(resolve(settings.embedder)), store.root / "vectors")
    judge = make_judge(settings, encoder, resolve, store)
    items = [Item(r.id, Question(r.id, r.question or "?", ("x",)), r.answer, False, r.contexts) for r in rows]
    with progress.stage(f"embed {label}", len(items)) as tick:
        for at in range(0, len(items), 64):
            judge.prepare(items[at : at + 64])
            tick(len(items[at : at + 64]))
    start = time.perf_counter()
    support = [judge.answer_support(i) for i in items]
    return agreement(support, rows, settings.threshold, time.perf_counter() - start, float(judge.calls))
