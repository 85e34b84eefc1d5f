"""Closeness of meaning by an embedder, with the texts of many questions embedded in one go."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ragtune.models.encoder import Array, TextEncoder
from ragtune.models.packages import PACKAGED

#: by embedder (its fingerprint) the mean cosine of texts that have nothing to do with each other (pairs of questions, and of
#: answers, of the train split of Natural Questions: e5-small .804 and .818, MiniLM .016 and .160): cosines are told from there on,
#: as BERTScore tells its own (Zhang et al. 2020, section 3, baseline rescaling)
BASELINES = {PACKAGED["bundled:e5-small"].identity: 0.81}


class Similarity:
    """Cosine of two texts, from the embedder's ``baseline`` on and clipped to [0, 1]: (cosine - baseline) / (1 - baseline)."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self.baseline = BASELINES.get(encoder.fingerprint, 0.0)
        self._vectors: dict[str, Array] = {}
        self._wanted: dict[str, None] | None = None
        self._lock = threading.Lock()

    @property
    def known(self) -> tuple[float, ...]:
        """What stands in keys: the baseline, where there is one."""
        return (self.baseline,) if self.baseline else ()

    def __call__(self, a: str, b: str) -> float:
        if self._wanted is not None:
            self._wanted.update({a: None, b: None})
            return 0.0
        with self._lock:
            self._embed([t for t in dict.fromkeys((a, b)) if t not in self._vectors])
        cosine = float(self._vectors[a] @ self._vectors[b])
        return min(1.0, max(0.0, (cosine - self.baseline) / (1 - self.baseline)))

    def gather(self, ask: Callable[[], object]) -> None:
        """Run ``ask``, in which every similarity is 0, and embed what it asked for."""
        self._wanted = {}
        try:
            ask()
            wanted = list(self._wanted)
        finally:
            self._wanted = None
        self._embed([t for t in wanted if t not in self._vectors])

    def _embed(self, texts: list[str]) -> None:
        if texts:
            self._vectors.update(zip(texts, self._encoder.encode(texts), strict=True))
