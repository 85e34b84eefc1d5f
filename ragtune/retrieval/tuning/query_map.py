"""``query-map``: a linear map on the vectors of questions. Documents keep their vectors, so that no index is made anew.

A plain form of the adapters of Yoon et al. 2024 (Search-Adaptor, arXiv:2310.08750): one matrix, on the side of questions alone,
that starts from the identity and is held near it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ragtune.errors import StoreError
from ragtune.models.encoder import Array, Kind, Progress, TextEncoder, unit
from ragtune.retrieval.tuning.lessons import Lesson
from ragtune.retrieval.tuning.settings import DenseTuning

FILE = "map.npy"
#: similarities are divided by it before the softmax, as sentence-transformers' losses do (scale 20)
TEMPERATURE = 0.05
#: steps between two looks at the dev questions
EVERY = 10
_RATE = 1e-3


class MappedEncoder:
    """An encoder whose query vectors pass through a map; texts and tokens are embedded as ever."""

    def __init__(self, inner: TextEncoder, folder: Path) -> None:
        self.inner = inner
        self.fingerprint = inner.fingerprint
        try:
            self._map: Array = np.load(folder / FILE, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise StoreError("this query map is damaged.", where=folder, fix="Run the experiment again.") from error

    def encode(self, texts: Sequence[str], kind: Kind = "document", progress: Progress | None = None) -> Array:
        vectors = self.inner.encode(texts, kind, progress)
        return unit(vectors @ self._map.T) if kind == "query" and len(texts) else vectors

    def encode_tokens(self, texts: Sequence[str], kind: Kind = "document") -> list[Array]:
        return self.inner.encode_tokens(texts, kind)


def save(matrix: Array, folder: Path) -> None:
    np.save(folder / FILE, matrix, allow_pickle=False)


class _Taught:
    """Lessons as matrices: vectors of questions and of all their chunks, targets, and which chunks count for which question."""

    def __init__(self, lessons: Sequence[Lesson], encoder: TextEncoder, alone: bool) -> None:
        import torch

        ids = list({c.id: c for lesson in lessons for c in lesson.chunks}.values())
        row = {c.id: n for n, c in enumerate(ids)}
        shape = (len(lessons), len(ids))
        target, counts = np.zeros(shape), np.zeros(shape, bool) if alone else np.ones(shape, bool)
        for n, lesson in enumerate(lessons):
            if not alone:
                counts[n, [row[i] for i in lesson.also if i in row]] = False
            for chunk, share in zip(lesson.chunks, lesson.target, strict=True):
                target[n, row[chunk.id]] += share
                counts[n, row[chunk.id]] = True
        queries = encoder.encode([lesson.query for lesson in lessons], "query")
        texts = encoder.encode([c.titled for c in ids], "document")
        self.queries, self.texts = (torch.tensor(v, dtype=torch.float64) for v in (queries, texts))
        self.target, self.left_out = torch.tensor(target), torch.tensor(~counts)

    def loss(self, matrix: Any) -> Any:
        """Mean cross-entropy between the targets and the softmax over the chunks that count."""
        from torch.nn.functional import normalize

        scores = normalize(self.queries @ matrix.T, dim=1) @ self.texts.T / TEMPERATURE
        logs = scores.masked_fill(self.left_out, -1e9).log_softmax(dim=1)
        return -(self.target * logs).sum(dim=1).mean()


def fit(
    lessons: Sequence[Lesson],
    dev: Sequence[Lesson],
    encoder: TextEncoder,
    settings: DenseTuning,
    progress: Callable[[int], None] | None = None,
) -> tuple[Array, list[tuple[int, float]], list[tuple[int, float]]]:
    """The map, shape (dim, dim), with its losses on ``lessons`` and on ``dev`` as (step, loss).

    Every step sees all lessons at once and the start is the identity, so that nothing is drawn. With ``dev`` the map of the step
    that is best there is kept, which may be the identity; without, the last one's. In float64 on the CPU.
    """
    import torch

    alone = settings.supervise == "generator"
    taught = _Taught(lessons, encoder, alone)
    held = _Taught(dev, encoder, alone) if dev else None
    size = taught.queries.shape[1]
    same = torch.eye(size, dtype=torch.float64)
    matrix = same.clone().requires_grad_()
    optimiser = torch.optim.Adam([matrix], lr=_RATE)
    curve, dev_curve = [], []
    best, kept = float("inf"), same
    for step in range(settings.steps + 1):
        loss = taught.loss(matrix)
        if step % EVERY == 0 or step == settings.steps:
            curve.append((step, round(float(loss.detach()), 5)))
            if held is not None:
                with torch.no_grad():
                    dev_curve.append((step, round(float(held.loss(matrix)), 5)))
            if held is None or dev_curve[-1][1] < best:
                best, kept = dev_curve[-1][1] if held is not None else best, matrix.detach().clone()
        if step == settings.steps:
            break
        optimiser.zero_grad()
        (loss + settings.near_identity * ((matrix - same) ** 2).sum() / size).backward()
        optimiser.step()
        if progress:
            progress(1)
    return np.asarray(kept.numpy(), np.float32), curve, dev_curve
