"""Measuring a judge on labelled answers, and thresholds calibrated on them and used by name.

``ragtune judge evaluate L --calibrate ours``, then ``judge: {support: ours}``.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path

from ragtune.analysis.agreement import Agreement, agreement
from ragtune.corpus.labelled import Labelled
from ragtune.errors import ExperimentError
from ragtune.experiment.progress import Progress
from ragtune.judging.judges import make_judge
from ragtune.judging.settings import JudgeSettings
from ragtune.models.encoder import CachedEncoder, SentenceEncoder
from ragtune.models.names import resolve
from ragtune.store import Store, write_text

LOWEST, HIGHEST = 0.01, 0.99
#: answers that are judged together
BATCH = 64
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")


def _folder(store: Store) -> Path:
    return store.root / "thresholds"


def check_name(name: str) -> str:
    """``name`` itself.

    Raises:
        ExperimentError: it is no name for a threshold.
    """
    if not _NAME.fullmatch(name):
        raise ExperimentError(
            f'"{name}" cannot name a threshold.',
            where="--calibrate",
            fix="Use letters, digits, dots and dashes, beginning with a letter.",
        )
    return name


def save_threshold(store: Store, name: str, settings: JudgeSettings, threshold: float, about: str) -> float:
    """Keep a threshold under ``name`` for judges of the same kind and model; ``about`` says what it was calibrated on. Returns it, kept inside (0, 1)."""
    value = round(min(HIGHEST, max(LOWEST, threshold)), 4)
    folder = _folder(store)
    folder.mkdir(parents=True, exist_ok=True)
    made = {"judge": settings.name, "model": settings.model, "threshold": value, "about": about}
    write_text(folder / f"{check_name(name)}.json", json.dumps(made, indent=1))
    return value


def settle(settings: JudgeSettings, store: Store) -> JudgeSettings:
    """The settings with a named threshold replaced by its value.

    Raises:
        ExperimentError: there is no threshold of that name, or it was calibrated for another judge.
    """
    if not isinstance(settings.support, str):
        return settings
    path = _folder(store) / f"{settings.support}.json"
    if not _NAME.fullmatch(settings.support) or not path.is_file():
        known = ", ".join(sorted(p.stem for p in _folder(store).glob("*.json"))) or "none"
        raise ExperimentError(
            f'there is no threshold "{settings.support}" in {store.root} (known: {known}).',
            where="judge.support",
            fix=f"Make it: ragtune judge evaluate LABELLED.jsonl --judge {settings.name} --calibrate {settings.support}",
        )
    found = json.loads(path.read_text("utf-8"))
    if (found["judge"], found["model"]) != (settings.name, settings.model):
        raise ExperimentError(
            f'the threshold "{settings.support}" was calibrated for the judge {found["judge"]}{" with " + found["model"] if found["model"] else ""}.',
            where="judge.support",
            fix="Calibrate one for this judge.",
        )
    return settings.model_copy(update={"support": found["threshold"]})


def evaluate_judge(
    labelled: Sequence[Labelled], settings: JudgeSettings, store: Store, progress: Progress, label: str
) -> Agreement:
    """Let the judge give every answer its support, and measure it against the labels."""
    encoder = CachedEncoder(SentenceEncoder(resolve(settings.embedder)), store.root / "vectors")
    judge = make_judge(settings, encoder, resolve, store)
    rows = [x.row for x in labelled]
    support: list[float] = []
    start = time.perf_counter()
    with progress.stage(f"judge {label}", len(rows)) as tick:
        for at in range(0, len(rows), BATCH):
            part = rows[at : at + BATCH]
            support += judge.support(part)
            tick(len(part))
    return agreement(support, labelled, settings.threshold, time.perf_counter() - start, float(judge.calls))
