"""A Baseline: the scores of a Run per question, with what they depend on, in one JSON file to keep under version control."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ragtune import __version__
from ragtune.errors import RunError
from ragtune.experiment.folder import Run
from ragtune.judging.judge import JudgeSettings
from ragtune.store import digest, write_text

FORMAT = 1


@dataclass(frozen=True)
class Baseline:
    """``scores[setup][metric]`` are (question id, seed, value or None) rows; ``questions`` maps ids to text hash,
    tags and cluster; ``latency`` is the median seconds per setup, ``cost`` the total per question where priced."""

    format: int
    version: str
    name: str
    judge: str
    settings: str
    corpus: str
    questions: dict[str, dict[str, Any]]
    scores: dict[str, dict[str, list[tuple[str, int, float | None]]]]
    latency: dict[str, float]
    cost: dict[str, float] = field(default_factory=dict)
    failed: dict[str, dict[str, int]] = field(default_factory=dict)


def make_baseline(run: Run) -> Baseline:
    """Take from a Run what later Runs are checked against."""
    questions: dict[str, dict[str, Any]] = {}
    scores: dict[str, dict[str, list[tuple[str, int, float | None]]]] = {}
    failed: dict[str, dict[str, int]] = {}
    for line in run.lines:
        cluster = line["evidence"][0]["document_id"] if line["evidence"] else None
        tags = ["answerable" if line["reference"] else "unanswerable", *(t for t in line["tags"] if ":" not in t)]
        questions[line["question_id"]] = {
            "text": digest(line["question"], line["reference"]),
            "question": line["question"],
            "tags": sorted(set(tags)),
            "cluster": cluster,
        }
        own = scores.setdefault(line["setup"], {})
        for metric, score in line["scores"].items():
            own.setdefault(metric, []).append((line["question_id"], line["seed"], score["value"]))
            if score.get("failed"):
                by = failed.setdefault(line["setup"], {})
                by[metric] = by.get(metric, 0) + 1
    latency = {str(n): float(g["seconds"].median()) for n, g in run.answers.groupby("setup")}
    cost = {n: float(c["total"]) for n, c in run.costs["costs"].items()}
    settings = {k: v for k, v in run.experiment.items() if k not in {"name", "description", "costs", "limits"}}
    judge = digest(JudgeSettings.model_validate(run.experiment["judge"]).identity())
    return Baseline(
        FORMAT,
        __version__,
        run.about["name"],
        judge,
        digest(settings),
        run.about["corpus"]["hash"],
        questions,
        scores,
        latency,
        cost,
        failed,
    )


def save_baseline(run: Run, path: Path) -> Baseline:
    """Write the Baseline of ``run`` to ``path``."""
    made = make_baseline(run)
    write_text(path, json.dumps(asdict(made), ensure_ascii=False, indent=1))
    return made


def load_baseline(path: Path) -> Baseline:
    """Read a Baseline.

    Raises:
        RunError: missing, not a Baseline, or of a format that this version does not read.
    """
    if not path.is_file():
        raise RunError(
            "there is no baseline here.", where=path, fix="Make one with `ragtune baseline save RUN -o baseline.json`."
        )
    try:
        data = json.loads(path.read_text("utf-8"))
        if not isinstance(data, dict) or "scores" not in data or "questions" not in data:
            raise RunError(
                "this is not a baseline.", where=path, fix="Make one with `ragtune baseline save RUN -o baseline.json`."
            )
        if data.get("format") != FORMAT:
            raise RunError(
                f"this baseline has format {data.get('format')} (ragtune {data.get('version')}); this ragtune {__version__} reads format {FORMAT}.",
                where=path,
                fix="Save it again with this version.",
            )
        rows = {
            s: {m: [(str(q), int(k), v) for q, k, v in r] for m, r in by.items()} for s, by in data["scores"].items()
        }
        return Baseline(**{**data, "scores": rows})
    except (ValueError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise RunError(
            f"this baseline is damaged ({type(error).__name__}).", where=path, fix="Save it again from its Run."
        ) from None
