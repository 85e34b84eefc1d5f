"""What a search tried, as records that the report reads and a folder keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from ragtune.analysis.means import Estimate
from ragtune.errors import RunError
from ragtune.store import decode, encode, write_text

FORMAT = 1
FILE = "search.json"


@dataclass(frozen=True)
class Trial:
    """One setup that was tried. ``gap`` is its paired difference to the best one at the time over the ``answered`` questions,
    ``computed`` the answers that had to be made for it (others were shared). ``latency`` (median seconds of one user), ``cost``
    (a question, in the currency of costs) and ``tokens`` (a question) where they are known.

    ``state``: ``finished`` answered all questions, ``stopped`` was shown worse, ``same`` is a setup tried before in other words,
    ``impossible`` does not go together.
    """

    number: int
    values: Mapping[str, Any]
    state: Literal["finished", "stopped", "same", "impossible"]
    answered: int = 0
    computed: int = 0
    quality: Estimate | None = None
    gap: float | None = None
    latency: float | None = None
    cost: float | None = None
    tokens: float | None = None
    note: str = ""


def told(trial: Trial) -> str:
    """What the trial varies, in words."""
    return ", ".join(f"{name} {text_of(value)}" for name, value in trial.values.items()) or "the setup as written"


def text_of(value: Any) -> str:
    """A varied value for people, as it is written in YAML."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    if isinstance(value, dict | list):
        return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6).strip()
    return f"{value:.3g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Confirmed:
    """What the chosen setup and the one as written reached on the questions of ``split``, which chose nothing; ``low`` and ``high``
    bound their difference (95 %). ``run`` is the Run's folder."""

    split: str
    run: str
    before: Estimate
    found: Estimate
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Search:
    """A search that ended: its trials in their order, the ``chosen`` one's number, and what it took.

    ``space`` counts the setups that the ranges allow, None for numbers without steps; ``computed`` answers were made of the
    ``possible`` that all of the space (else all trials) would have taken. ``metric`` chose, on the ``questions`` of ``split``.
    """

    name: str
    setup: str
    metric: str
    split: str
    questions: int
    trials: tuple[Trial, ...]
    chosen: int
    space: int | None
    computed: int
    possible: int
    seconds: float
    currency: str = ""
    confirmed: Confirmed | None = None

    @property
    def winner(self) -> Trial:
        return next(t for t in self.trials if t.number == self.chosen)

    @property
    def front(self) -> tuple[int, ...]:
        """The Pareto front: finished trials that no other one matches or betters in quality, latency and cost at once; where latency
        is measured of some, of these."""
        done = [t for t in self.trials if t.state == "finished"]
        done = [t for t in done if t.latency is not None] or done
        return tuple(t.number for t in done if not any(_beats(o, t) for o in done))


def _axes(trial: Trial) -> tuple[float, float, float]:
    quality = trial.quality.mean if trial.quality and trial.quality.mean is not None else 0.0
    cost = trial.cost if trial.cost is not None else trial.tokens or 0.0
    return -quality, trial.latency or 0.0, cost


def _beats(a: Trial, b: Trial) -> bool:
    """``a`` is nowhere worse and somewhere better; of equals the earlier one stands."""
    first, second = _axes(a), _axes(b)
    if first == second:
        return a.number < b.number
    return all(x <= y for x, y in zip(first, second, strict=True))


def save(search: Search, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / FILE, json.dumps({"format": FORMAT, **encode(search)}, ensure_ascii=False, indent=1))


def load(folder: Path) -> Search:
    """Raises RunError where the folder holds no search."""
    path = folder / FILE if folder.is_dir() else folder
    try:
        data = json.loads(path.read_text("utf-8"))
        if data.pop("format") != FORMAT:
            raise ValueError
        return decode(Search, data)
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        raise RunError("this folder holds no search.", where=folder, fix="`ragtune search` makes one.") from None
