"""Measuring a judge on labelled answers, and thresholds calibrated on them and used by name.

``ragtune judge evaluate L --calibrate ours``, then ``judge: {support: ours}``.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ragtune.analysis.agreement import Agreement, agreement
from ragtune.analysis.few import ENOUGH
from ragtune.corpus.labelled import Labelled, read_begin, read_judged, read_labelled
from ragtune.errors import CorpusError, ExperimentError
from ragtune.experiment.progress import Progress
from ragtune.judging.judges import make_judge
from ragtune.judging.settings import JudgeSettings
from ragtune.models.encoder import CachedEncoder, SentenceEncoder
from ragtune.models.names import resolve
from ragtune.store import Store, write_text
from ragtune.text.overlap import contains_reference, token_f1

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


@dataclass(frozen=True)
class Evaluation:
    """How far a judge agrees with the labels of one file; ``beside``: how far plainer measures do, by name."""

    name: str
    metric: str
    found: Agreement
    beside: Mapping[str, Agreement] = field(default_factory=dict)


#: what is measured against people: how answers are read, and what is measured beside the judge
_READ: dict[str, Callable[[Path], list[Labelled]]] = {
    "faithfulness": lambda path: read_begin(path) if path.suffix == ".tsv" else read_labelled(path),
    "answer_correctness": read_judged,
}
_BESIDE: dict[str, dict[str, Callable[[str, Sequence[str]], float]]] = {
    "answer_correctness": {"token F1": token_f1, "reference contained": contains_reference}
}
MEASURED = tuple(_READ)


def evaluate(
    paths: Sequence[Path], metric: str, settings: JudgeSettings, store: Store, progress: Progress
) -> list[Evaluation]:
    """Measure the judge against the labels of each file: its support by contexts, or its answer correctness by references.

    Raises:
        RagtuneError: a file is missing, wrong or given twice; the judge misses a setting.
    """
    names = distinct_names(paths)
    read = [_READ[metric](path) for path in paths]
    found = []
    for name, rows in zip(names, read, strict=True):
        made = evaluate_judge(rows, settings, store, progress, name, metric)
        beside = {
            title: agreement([of(r.row.answer.text, r.row.question.references) for r in rows], rows, settings.threshold)
            for title, of in _BESIDE.get(metric, {}).items()
        }
        found.append(Evaluation(name, metric, made, beside))
    return found


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """The files' names without suffix, with as many folders before them, or their suffix, as tell them apart.

    Raises:
        CorpusError: a file is given twice.
    """
    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise CorpusError("this file is given twice.", where=path, fix="Give each once.")
        seen.add(path.resolve())
    whole = [path.resolve() for path in paths]
    for depth in range(1, max((len(p.parts) for p in whole), default=1) + 1):
        for ending in (False, True):
            last = [p.name if ending else Path(p.name.removesuffix(".gz")).stem for p in whole]
            names = ["/".join((*p.parts[-depth:-1], end)) for p, end in zip(whole, last, strict=True)]
            if len(set(names)) == len(names):
                return names
    return [str(p) for p in paths]


def refuse_few(evaluations: Sequence[Evaluation], name: str) -> None:
    """Raises CorpusError where a file has too few labels of a class to keep a threshold."""
    for each in evaluations:
        yes, no = each.found.positive, each.found.items - each.found.positive
        if each.found.few:
            raise CorpusError(
                f'the threshold "{name}" is not kept: {yes} supported and {no} unsupported answers do not settle one.',
                where=each.name,
                fix=f"Label {ENOUGH} of each or more: with {ENOUGH} the share of a class on the right side of a threshold "
                "is known to within 17 points.",
            )


def evaluate_judge(
    labelled: Sequence[Labelled],
    settings: JudgeSettings,
    store: Store,
    progress: Progress,
    label: str,
    metric: str = "faithfulness",
) -> Agreement:
    """Let the judge give every answer its support (or its answer correctness), and measure it against the labels."""
    encoder = CachedEncoder(SentenceEncoder(resolve(settings.embedder)), store.root / "vectors")
    judge = make_judge(settings, encoder, resolve, store)
    rows = [x.row for x in labelled]
    given: list[float] = []
    start = time.perf_counter()
    with progress.stage(f"judge {label}", len(rows)) as tick:
        for at in range(0, len(rows), BATCH):
            part = rows[at : at + BATCH]
            given += judge.support(part) if metric == "faithfulness" else judge.values(part, metric)
            tick(len(part))
    return agreement(given, labelled, settings.threshold, time.perf_counter() - start, float(judge.calls))
