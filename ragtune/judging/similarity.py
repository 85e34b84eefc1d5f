"""Closeness of meaning by an embedder, with the texts of many questions embedded in one go."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ragtune.models.encoder import Array, TextEncoder


class Similarity:
    """Cosine of two texts, clipped to [0, 1]."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._vectors: dict[str, Array] = {}
        self._wanted: dict[str, None] | None = None
        self._lock = threading.Lock()

    def __call__(self, a: str, b: str) -> float:
        if self._wanted is not None:
            self._wanted.update({a: None, b: None})
            return 0.0
        with self._lock:
            self._embed([t for t in dict.fromkeys((a, b)) if t not in self._vectors])
        return min(1.0, max(0.0, float(self._vectors[a] @ self._vectors[b])))

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
