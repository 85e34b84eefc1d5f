"""Texts longer than a model's window: cut into windows, so that no word goes unread."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Span = tuple[int, int]
#: tokens that a cut inside a word may add to a window
_SPARE = 2


def windows(text: str, room: int, spans: Callable[[str], Sequence[Span]]) -> list[tuple[str, int]]:
    """(text, tokens) of the fewest even windows of at most ``room`` tokens that hold all of ``text``; itself where it fits."""
    if len(text.encode("utf-8", "replace")) <= room:  # a token is a byte at least
        return [(text, max(1, len(text)))]
    tokens = [t for t in spans(text) if t[1] > t[0]]
    if len(tokens) <= room:
        return [(text, max(1, len(tokens)))]
    count = -(-len(tokens) // max(1, room - _SPARE))
    edges = [round(i * len(tokens) / count) for i in range(count + 1)]
    return [(text[tokens[a][0] : tokens[b - 1][1]], b - a) for a, b in zip(edges, edges[1:], strict=False) if b > a]


def pooled(vectors: Sequence[npt.NDArray[np.float32]], tokens: Sequence[int]) -> npt.NDArray[np.float32]:
    """The mean of the windows' vectors, each weighted by its tokens; shape (dim,)."""
    if len(vectors) == 1:
        return vectors[0]
    return np.asarray(np.average(np.stack(vectors), axis=0, weights=tokens), np.float32)
