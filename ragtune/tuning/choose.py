"""Which questions are trained on, where fewer are wanted than there are: a small set that covers much (LIMA, arXiv:2305.11206)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Item = TypeVar("Item")


def drawn(items: list[Item], count: int, seed: int) -> list[Item]:
    """``count`` of the items in their order, by lot; a smaller number is part of a larger one."""
    if count >= len(items):
        return items
    order = list(range(len(items)))
    Random(f"{seed}/questions").shuffle(order)
    return [items[i] for i in sorted(order[:count])]


def farthest_first(vectors: NDArray[np.float32], groups: Sequence[str], count: int, seed: int) -> list[int]:
    """Places of ``count`` of the unit ``vectors`` (n, width), each the farthest from those chosen before it; so a smaller number
    is the beginning of a larger one. Gonzalez 1985, Clustering to minimize the maximum intercluster distance: at most twice as far
    from the chosen as the best choice leaves any.

    The first is drawn by the seed. Every choice is made in the group that has fewest so far, so that all are heard.
    """
    import numpy as np

    size = len(groups)
    left, taken = Counter(groups), Counter[str]()
    first = Random(f"{seed}/diverse").randrange(size)
    nearest = np.full(size, np.inf)
    chosen: list[int] = []
    for n in range(min(count, size)):
        fewest = min(taken[group] for group, rest in left.items() if rest)
        open_ = [i for i in range(size) if nearest[i] >= 0 and taken[groups[i]] == fewest]
        at = first if n == 0 else max(open_, key=lambda i: (nearest[i], -i))
        chosen.append(at)
        left[groups[at]] -= 1
        taken[groups[at]] += 1
        nearest = np.minimum(nearest, np.round(1 - vectors @ vectors[at], 6).clip(min=0))
        nearest[chosen] = -1
    return chosen
