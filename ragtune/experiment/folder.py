"""The Run folder: what a Run leaves behind, and reading it back as records and with pandas."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from itertools import count, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ragtune.analysis.costs import Costs
from ragtune.analysis.summary import Summary
from ragtune.errors import RagtuneError, RunError
from ragtune.experiment.frames import as_html, frame, in_short
from ragtune.experiment.places import places_of
from ragtune.experiment.sound import measured, refuse_unsound
from ragtune.experiment.spec import NAME, RESOLVED, Experiment
from ragtune.experiment.workbench import Work, Workbench
from ragtune.records import Hit, Row, Times
from ragtune.store import decode, digest, encode, refuse_place, write_text, writing
from ragtune.text.data import exists, read_json, read_yaml
from ragtune.tunings import Tuning

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 3
PACKAGES = (
    "ragtune torch transformers sentence-transformers peft trl accelerate faiss-cpu faiss-gpu bm25s rank-bm25 pandas "
    "numpy scipy ir-measures"
).split()


@dataclass(frozen=True)
class Environment:
    """Versions and hardware that a reader needs to reproduce a Run."""

    python: str
    system: str
    machine: str
    cores: int
    packages: Mapping[str, str]


@dataclass(frozen=True)
class WorkDone:
    """What each stage did, and how often a generator was loaded."""

    stages: Mapping[str, Work]
    generator_loads: int


@dataclass(frozen=True)
class CorpusFacts:
    """``hash`` is of documents and questions, ``texts`` of the documents alone ("" where an earlier version made the Run)."""

    path: str
    hash: str
    documents: int
    questions: int
    texts: str = ""


@dataclass(frozen=True)
class About:
    """What a Run is: ``store`` is its store's path from the Run folder, ``command`` what made it if not ``run``; ``places`` tells
    where the files lay that its experiment names (and the store, by its path): from the Run folder, and absolute."""

    format: int
    name: str
    store: str
    corpus: CorpusFacts
    command: str
    python: str
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: str = ""  # the digest of experiment.yaml
    waiting: tuple[str, ...] = ()  # the setups that are still to come, once they are tuned: the Run is unfinished


@dataclass(frozen=True)
class _Timed:
    """A line of ``times.jsonl``: what belongs to the Row of the same line, and never repeats exactly."""

    setup: str
    seed: int
    question_id: str
    times: Times


def environment() -> Environment:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    cores = os.cpu_count() or 1
    return Environment(platform.python_version(), platform.system(), platform.machine(), cores, versions)


def _bare(row: Row) -> Row:
    """The Row as it is kept: without times (they have a file of their own) and without the documents' metadata."""
    hits = tuple(Hit(replace(h.chunk, metadata={}), h.score, h.rank) for h in row.answer.hits)
    return replace(row, times=Times(), answer=replace(row.answer, hits=hits))


def _lines(records: Sequence[object]) -> str:
    return "".join(json.dumps(encode(r), ensure_ascii=False) + "\n" for r in records)


def _text(record: object) -> str:
    return json.dumps(encode(record), ensure_ascii=False, indent=1)


KEPT_RUNS = 10


def is_run(path: Path) -> bool:
    """Whether ``path`` holds a Run, complete or not."""
    return any((path / name).exists() for name in ("run.json", "answers.jsonl"))


def unfinished(path: Path, name: str) -> bool:
    """Whether a Run of the experiment ``name`` stands there that was written while setups were still to be tuned."""
    try:
        about = json.loads((path / "run.json").read_text("utf-8"))
        return bool(about.get("waiting")) and about.get("name") == name
    except (OSError, ValueError, AttributeError):
        return False


def refuse_foreign(out: Path, force: bool = False) -> None:
    """Raises RunError where ``out`` is no place for a Run: a file, or what is no Run (unless ``force`` is to move it aside),
    or the folder that one works in; and StoreError where a file stands on the way to it."""
    if not out.is_file():
        refuse_place(out / "run.json")
    fix = f"Choose another place with --out, or move this to {out.name}~1 with --force."
    if out.is_file() and not force:
        raise RunError("this is a file, not a folder for a Run.", where=out, fix=fix)
    held = out.is_dir() and any(out.iterdir())
    if held and Path.cwd().is_relative_to(out.resolve()):
        raise RunError("this is the folder that you work in.", where=out, fix="Choose another place with --out.")
    if held and not is_run(out) and not force:
        raise RunError("this folder holds something that is no Run.", where=out, fix=fix)


def keep_earlier(out: Path, force: bool = False, name: str = "") -> None:
    """Move a Run that stands in ``out`` aside, to ``NAME~1`` (the newest) up to ``NAME~10``; the oldest beyond goes, and so does an
    unfinished one of the experiment ``name``.

    With ``force`` anything else is moved to the first ``NAME~N`` that is free. What is no Run is never moved again nor deleted.
    """
    refuse_foreign(out, force)
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    with writing(out):
        if unfinished(out, name):  # what comes holds all of it
            shutil.rmtree(out)
            return
        places = (out.with_name(f"{out.name}~{n}") for n in count(1))
        if not is_run(out):
            out.rename(next(place for place in places if not place.exists()))
            return
        earlier = list(islice((p for p in places if not p.exists() or is_run(p)), KEPT_RUNS))
        if earlier[-1].exists():
            shutil.rmtree(earlier[-1])
        for newer, older in reversed(list(pairwise(earlier))):
            if newer.exists():
                newer.rename(older)
        out.rename(earlier[0])


def write_run(
    out: Path,
    bench: Workbench,
    rows: Sequence[Row],
    summary: Summary,
    costs: Costs,
    tunings: Sequence[Tuning],
    command: str = "",
    force: bool = False,
    waiting: Sequence[str] = (),
) -> None:
    """Write every file of the Run; ``run.json`` comes last and marks it complete. ``waiting`` are setups still to be tuned."""
    keep_earlier(out, force, bench.experiment.name)
    settings = bench.experiment.model_dump(mode="json")
    text = RESOLVED + yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    write_text(out / "experiment.yaml", text)
    write_text(out / "answers.jsonl", _lines([_bare(row) for row in rows]))
    write_text(out / "times.jsonl", _lines([_Timed(r.setup, r.seed, r.question.id, r.times) for r in rows]))
    write_text(out / "summary.json", _text(summary))
    write_text(out / "costs.json", _text(costs))
    write_text(out / "environment.json", _text(environment()))
    write_text(out / "tuning.json", json.dumps([encode(t) for t in tunings], indent=1))
    stages = {k: replace(w, seconds=round(w.seconds, 3)) for k, w in bench.work.items()}
    write_text(out / "work.json", _text(WorkDone(stages, bench.model_loads)))
    corpus = bench.corpus
    counts = len(corpus.documents), len(corpus.questions)
    facts = CorpusFacts(str(bench.experiment.corpus.path), corpus.hash, *counts, corpus.documents_hash)
    store = os.path.relpath(bench.store.root, out)
    places = {**places_of(settings, out), store: (store, str(bench.store.root.absolute()))}
    made = command, platform.python_version(), places, digest(text), tuple(waiting)
    write_text(out / "run.json", _text(About(FORMAT, bench.experiment.name, store, facts, *made)))


@dataclass(frozen=True, repr=False)
class Run:
    """A Run read back: what was asked (``experiment``), every answer (``rows``), and what they show (``summary``)."""

    path: Path
    experiment: Experiment
    rows: tuple[Row, ...]
    summary: Summary
    costs: Costs
    tunings: tuple[Tuning, ...]
    environment: Environment
    work: WorkDone
    about: About

    @property
    def answers(self) -> pd.DataFrame:
        """One row per setup, seed and question: scores as columns (NaN where unscored), ``seconds`` of compute in all."""
        return frame(self.rows, list(self.summary.metrics))

    def to_pandas(self) -> pd.DataFrame:
        """The same as ``answers``."""
        return self.answers

    def __repr__(self) -> str:
        return in_short(self.summary, self.about.waiting)

    def _repr_html_(self) -> str:
        return as_html(self.summary, self.about.waiting)


def load_run(path: str | Path) -> Run:
    """Read a Run folder.

    Raises:
        RunError: there is no complete Run there, it is damaged, or an older version made it.
    """
    path = Path(path)
    if not exists(path / "run.json"):
        what = "this Run is not complete." if exists(path / "experiment.yaml") else "there is no Run here."
        raise RunError(what, where=path, fix="Make one with `ragtune run EXPERIMENT.yaml`.")
    again = "Run the experiment again; stored work is reused."
    try:
        about = read_json((path / "run.json").read_text("utf-8"))
        if isinstance(about, dict) and isinstance(about.get("format"), int) and about["format"] != FORMAT:
            age = "an older" if about["format"] < FORMAT else "a newer"
            raise RunError(f"this Run was made by {age} version of ragtune.", where=path, fix="Run it again.")
        found = decode(About, about)
        if not re.fullmatch(NAME, found.name):  # its report is written under this name
            raise ValueError("a name that is a path")
        return _read(path, found)
    except RagtuneError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        missing = f": {Path(error.filename).name} is missing" if isinstance(error, FileNotFoundError) else ""
        raise RunError(f"this Run is damaged{missing}.", where=path, fix=again) from None


def _read(path: Path, about: About) -> Run:
    def read(name: str) -> Any:
        return read_json((path / name).read_text("utf-8"))

    def lines(name: str) -> list[Any]:
        return [read_json(x) for x in (path / name).read_text("utf-8").split("\n") if x]

    text = (path / "experiment.yaml").read_text("utf-8")
    if about.settings not in ("", digest(text)):
        raise ValueError("settings that are not those of the Run")
    experiment = Experiment.model_validate(read_yaml(text)[0])
    timed = decode(tuple[_Timed, ...], lines("times.jsonl"))
    kept = decode(tuple[Row, ...], lines("answers.jsonl"))
    rows = tuple(replace(row, times=t.times) for row, t in zip(kept, timed, strict=True))
    summary, costs = decode(Summary, read("summary.json")), measured(decode(Costs, read("costs.json")))
    tunings = decode(tuple[Tuning, ...], read("tuning.json"))
    refuse_unsound(experiment.setups, summary, rows, costs, tunings)
    return Run(
        path,
        experiment,
        rows,
        summary,
        costs,
        tunings,
        decode(Environment, read("environment.json")),
        decode(WorkDone, read("work.json")),
        about,
    )
