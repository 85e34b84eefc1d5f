"""Requests side by side: what finishes is handed on as it comes, and a failure loses nothing that was on its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from ragtune.generation.generator import Reply, Request


def side_by_side(
    ask: Callable[[Request], tuple[str, Reply]], batch: Sequence[Request], width: int
) -> Iterator[tuple[str, Reply]]:
    """(key of the request, its reply) as they come, ``width`` at a time.

    Raises:
        what ``ask`` raised first, after all that was on its way; what had not begun is left.
    """
    failed: Exception | None = None
    with ThreadPoolExecutor(width) as pool:
        asked = [pool.submit(ask, request) for request in batch]
        for done in as_completed(asked):
            if done.cancelled():
                continue
            error = done.exception()
            if error is None:
                yield done.result()
            elif not isinstance(error, Exception):
                raise error
            elif failed is None:
                failed = error
                for other in asked:
                    other.cancel()
    if failed:
        raise failed
