"""A Baseline: the scores of a Run per question, with what they depend on, in one JSON file under version control."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from ragtune import __version__
from ragtune.analysis.means import Scored
from ragtune.analysis.summary import parts_of
from ragtune.errors import RunError
from ragtune.experiment.folder import Run
from ragtune.store import decode, digest, encode, write_text
from ragtune.text.data import read_json

FORMAT = 1


@dataclass(frozen=True)
class Asked:
    """A question of the Baseline: the hash of its text and references, its text, its slices, its cluster if any."""

    text: str
    question: str
    tags: tuple[str, ...]
    cluster: str | None


@dataclass(frozen=True)
class Baseline:
    """``scores[setup][metric]`` are (question id, seed, value or None) rows; ``latency`` is the median seconds that one user
    waits per setup (where known),    ``cost`` the total per question where priced; ``failed`` counts answers that the judge failed to score."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    format: int
    version: str
    name: str
    judge: str
    settings: str
    corpus: str
    questions: Mapping[str, Asked]
    scores: Mapping[str, Mapping[str, tuple[Scored, ...]]]
    latency: Mapping[str, float]
    cost: Mapping[str, float] = field(default_factory=dict)
    failed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def make_baseline(run: Run) -> Baseline:
    """Take from a Run what later Runs are checked against."""
    questions: dict[str, Asked] = {}
    scores: dict[str, dict[str, list[Scored]]] = {}
    failed: dict[str, dict[str, int]] = {}
    for row in run.rows:
        question = row.question
        questions[question.id] = Asked(
            digest(question.text, list(question.references)),
            question.text,
            tuple(sorted(set(parts_of(question)) - {"all"})),
            question.spans[0].document_id if question.evidence else None,
        )
        for metric, score in row.scores.items():
            own = scores.setdefault(row.setup, {}).setdefault(metric, [])
            own.append((question.id, row.seed, score.value))
            if score.failed:
                by = failed.setdefault(row.setup, {})
                by[metric] = by.get(metric, 0) + 1
    settings = run.experiment.model_dump(mode="json", exclude={"name", "description", "costs", "limits", "latency"})
    return Baseline(
        FORMAT,
        __version__,
        run.about.name,
        digest(run.experiment.judge.identity()),
        digest(settings),
        run.about.corpus.hash,
        questions,
        {setup: {metric: tuple(own) for metric, own in by.items()} for setup, by in scores.items()},
        {name: latency.p50 for name, latency in run.costs.latency.items()},
        {name: cost.total for name, cost in run.costs.costs.items()},
        failed,
    )


def save_baseline(run: Run, path: Path, force: bool = False) -> Baseline:
    """Write the Baseline of ``run`` to ``path``.

    Raises:
        RunError: a file stands there, and ``force`` is not to overwrite it.
    """
    if path.is_file() and not force:
        raise RunError(
            "there is a file already.", where=path, fix="Overwrite it with --force, or name another with --out."
        )
    made = make_baseline(run)
    write_text(path, json.dumps(encode(made), ensure_ascii=False, indent=1))
    return made


def load_baseline(path: Path) -> Baseline:
    """Read a Baseline.

    Raises:
        RunError: missing, not a Baseline, or of a format that this version does not read.
    """
    make = "Make one with `ragtune baseline save RUN -o baseline.json`."
    if not path.is_file():
        raise RunError("there is no baseline here.", where=path, fix=make)
    try:
        data = read_json(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        raise RunError("this is not a baseline: it is not JSON.", where=path, fix=make) from None
    try:
        if not isinstance(data, dict) or not {"scores", "questions", "format"} <= set(data):
            raise RunError("this is not a baseline.", where=path, fix=make)
        if data.get("format") != FORMAT:
            raise RunError(
                f"this baseline has format {data.get('format')} (ragtune {data.get('version')}); "
                f"this ragtune {__version__} reads format {FORMAT}.",
                where=path,
                fix="Save it again with this version.",
            )
        found = decode(Baseline, data, strict=True)
        values = [v for by in found.scores.values() for rows in by.values() for _, _, v in rows if v is not None]
        if not all(0 <= v <= 1 for v in values):
            raise ValueError("a score outside [0, 1]")
        return found
    except (ValueError, TypeError, KeyError, RecursionError):
        raise RunError("this baseline is damaged.", where=path, fix="Save it again from its Run.") from None
