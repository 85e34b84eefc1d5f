"""Progress: bars with rate and time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

Tick = Callable[[int], None]


class Rate:
    """How fast a stage goes, from its first tick on: models load before that, and what was done already comes with it."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def at(self, now: float, done: int) -> float | None:
        """Pieces a second when ``done`` are done at the time ``now`` (seconds); None where nothing tells it yet."""
        if self._first is None:
            self._first = (now, done)
        seconds, pieces = now - self._first[0], done - self._first[1]
        return pieces / seconds if seconds > 0 and pieces > 0 else None


class Progress(Protocol):
    """Where long stages say how far they are."""

    def stage(self, label: str, total: int) -> AbstractContextManager[Tick]: ...

    def say(self, text: str) -> None: ...


def clock(seconds: float) -> str:
    """Seconds as people read them."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


class Lines:
    """One line when a stage ends, and one every ``every`` seconds while it runs."""

    def __init__(self, out: TextIO | None = None, every: float = 15.0) -> None:
        self._out = out or sys.stderr
        self._every = every

    def say(self, text: str) -> None:
        print(text, file=self._out, flush=True)

    @contextmanager
    def stage(self, label: str, total: int) -> Iterator[Tick]:
        start = last = time.monotonic()
        done, rate = 0, Rate()

        def tick(n: int = 1) -> None:
            nonlocal done, last
            done += n
            now = time.monotonic()
            speed = rate.at(now, done)
            if now - last > self._every and done:
                last = now
                left = f" ({speed:.1f}/s, {clock(max(0, total - done) / speed)} left)" if speed else ""
                self.say(f"  {label}: {done}/{total}{left}")

        yield tick
        seconds = time.monotonic() - start
        self.say(f"  {label}: {done}/{total} done in {clock(seconds)}")


class Bars:
    """rich's progress bars."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)

    @contextmanager
    def stage(self, label: str, total: int) -> Iterator[Tick]:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = [
            TextColumn("  {task.description:<34}"),
            BarColumn(28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TimeElapsedColumn(),
        ]
        done, rate = 0, Rate()
        with Progress(*columns, console=self._console) as bar:
            task = bar.add_task(label, total=total, rate="")

            def tick(n: int = 1) -> None:
                nonlocal done
                done += n
                speed = rate.at(time.monotonic(), done)
                bar.update(task, advance=n, rate=f"{speed:.1f}/s" if speed else "")

            yield tick


class Silent:
    def say(self, text: str) -> None:
        return None

    @contextmanager
    def stage(self, label: str, total: int) -> Iterator[Tick]:
        yield lambda n: None


def default_progress() -> Progress:
    return Bars() if sys.stderr.isatty() else Lines()
