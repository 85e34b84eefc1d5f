"""What each verb does, records in and out: the functions behind the command line, for use in Python.

Paths may be texts. Every function raises a `RagtuneError`, one line, for what a user can mend.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from ragtune.corpus.answers import questions_of, read_answers
from ragtune.errors import CorpusError, ExperimentError, RunError
from ragtune.experiment.explain import explain
from ragtune.experiment.folder import Run, load_run, refuse_foreign
from ragtune.experiment.outlook import is_control
from ragtune.experiment.plan import Plan
from ragtune.experiment.progress import Progress, default_progress
from ragtune.experiment.run import plan_experiment, reanalyse, rejudge, run_experiment
from ragtune.experiment.search.found import Found, find, load_found
from ragtune.experiment.spec import Experiment, load_experiment
from ragtune.gate import Baseline, Gate, GateSettings, load_baseline, make_baseline
from ragtune.gate import check as check_baselines
from ragtune.gate import save_baseline as _save_baseline
from ragtune.judging.judges import refuse_incomplete, refuse_unread
from ragtune.judging.quotes import cited
from ragtune.judging.settings import JudgeSettings
from ragtune.records import Row
from ragtune.store import Store, digest, write_text

if TYPE_CHECKING:
    import pandas as pd

STORE = Path(".ragtune")
PathLike = str | Path


def _experiment(experiment: Experiment | PathLike, overrides: Sequence[str], limit: int | None) -> Experiment:
    overrides = [overrides] if isinstance(overrides, str) else list(overrides)
    if not isinstance(experiment, Experiment):
        return load_experiment(Path(experiment), overrides, limit)
    if overrides:
        raise ExperimentError(
            "overrides are for experiment files.", fix="Change the Experiment with model_copy instead."
        )
    return experiment if limit is None else experiment.model_copy(update={"limit": limit})


def plan(
    experiment: Experiment | PathLike,
    *,
    overrides: Sequence[str] = (),
    limit: int | None = None,
    out: PathLike | None = None,
    store: PathLike = STORE,
    progress: Progress | None = None,
    force: bool = False,
) -> Plan:
    """What a run would compute and what is stored; ``overrides`` are texts like ``seeds=[0]``. Refuses what the run would."""
    if out is not None:
        refuse_foreign(Path(out), force)
    return plan_experiment(_experiment(experiment, overrides, limit), Store(Path(store)), progress)


def run(
    experiment: Experiment | PathLike,
    *,
    overrides: Sequence[str] = (),
    limit: int | None = None,
    out: PathLike | None = None,
    store: PathLike = STORE,
    progress: Progress | None = None,
    force: bool = False,
    until: Literal["untuned"] | None = None,
    written: Callable[[Run], None] | None = None,
) -> Run:
    """Run an experiment (or its file) into the Run folder ``out`` (default ``runs/NAME``); what is stored is reused.

    Args:
        force: move aside, to ``NAME~1``, what stands in ``out`` and is no Run.
        until: ``"untuned"`` stops before anything is tuned; running it again goes on.
        written: is told of the Run each time it is written: unfinished (``about.waiting``) while setups are still to be tuned.
    """
    made = _experiment(experiment, overrides, limit)
    place = Path(out or f"runs/{made.name}")

    def tell(path: Path) -> None:
        if written:
            written(load_run(path))

    return load_run(run_experiment(made, Store(Path(store)), place, progress, "", force, until or "", tell))


def ask(
    target: PathLike,
    questions: str | Sequence[str],
    *,
    setup: str | None = None,
    seed: int | None = None,
    overrides: Sequence[str] = (),
    store: PathLike | None = None,
    progress: Progress | None = None,
) -> list[Row]:
    """The answers of a Run, an experiment file or a corpus folder to one or several questions."""
    from ragtune.serving.ask import open_assistant

    at = Path(store) if store else None
    assistant = open_assistant(Path(target), list(overrides), at, setup=setup, seed=seed, progress=progress)
    return [assistant.ask(q) for q in ([questions] if isinstance(questions, str) else questions)]


def export(
    run: PathLike,
    setup: str,
    dest: PathLike,
    *,
    seed: int | None = None,
    merged: bool = False,
    store: PathLike | None = None,
    dtype: Literal["float32", "float16", "bfloat16"] | None = None,
) -> Path:
    """Write a tuned setup's adapter to the new folder ``dest``; with ``merged`` the model with the adapter in its weights.

    ``dtype`` is what the weights are kept in (default: as they were trained, or as the model runs).
    """
    from ragtune.serving.export import export as written

    return written(Path(run), setup, Path(dest), seed, merged, Path(store) if store else None, dtype)


def score(
    files: PathLike | pd.DataFrame | Sequence[PathLike | pd.DataFrame] | Mapping[str, PathLike | pd.DataFrame],
    *,
    columns: Mapping[str, str] | None = None,
    judge: Mapping[str, Any] | None = None,
    out: PathLike | None = None,
    store: PathLike = STORE,
    progress: Progress | None = None,
    force: bool = False,
) -> Run:
    """Score answers of any system: a run whose questions and answers come from files, each file a setup of its own.

    Args:
        files: files or pandas frames, a list of them, or a mapping that names each; a frame is kept in the store.
        columns: our column -> the files' column.
        judge: judge settings, as in an experiment file.
        out: the Run folder (default ``runs/score-NAME``).
        force: move aside, to ``NAME~1``, what stands in ``out`` and is no Run.
    """
    if isinstance(files, Mapping):
        given = list(files.values())
    else:
        several = isinstance(files, Sequence) and not isinstance(files, str)
        given = list(files) if several else [files]  # type: ignore[arg-type, list-item]
    paths = [_kept(f, Path(store)) for f in given]
    if not paths:
        raise CorpusError("there is no file to score.")
    settings = judge_settings(judge or {})
    read = [read_answers(path, columns) for path in paths]
    place = Path(out or f"runs/score-{paths[0].stem}")
    known = any(q.answerable for q in questions_of(read))
    progress = progress or default_progress()
    if not known:
        progress.say("No references were given: correctness, exact match, F1 and context measures are left out.")
    made = Experiment.model_validate(
        {
            "name": re.sub(r"[^A-Za-z0-9._-]+", "-", place.name).strip("-.") or "score",
            "corpus": {"path": str(paths[0]), "answers": [str(p) for p in paths], "columns": dict(columns or {})},
            "setups": {
                name: {
                    "title": name,
                    "generator": {"model": "given", "answers": str(path), "columns": dict(columns or {})},
                }
                for name, path in zip(files if isinstance(files, Mapping) else _names(paths), paths, strict=True)
            },
            "judge": settings,
            "main_metric": "answer_correctness" if known else "faithfulness",
        }
    )
    said = f"ragtune score {' '.join(map(str, paths))}"
    return load_run(run_experiment(made, Store(Path(store)), place, progress, said, force))


def judge_settings(given: Mapping[str, Any], option: str = "judge.", evaluated: bool = False) -> JudgeSettings:
    """The settings of a judge, as in an experiment file. ``option`` stands before a setting's name in errors; ``evaluated``: by
    `ragtune judge evaluate`, where any judge has a threshold.

    Raises:
        ExperimentError: an unknown judge or key, a wrong value, a setting without effect or one that is missing.
    """
    try:
        made = JudgeSettings.model_validate(dict(given))
    except ValidationError as error:
        raise explain(error.errors()[0], {}, Path("judge"), JudgeSettings) from None
    except (TypeError, ValueError):
        raise ExperimentError(
            f"{given!r} are no settings.", where="judge", fix='For example judge={"name": "local"}.'
        ) from None
    refuse_incomplete(made)
    refuse_unread({k: v for k, v in given.items() if not (evaluated and k == "support")}, made, option)
    return made


def _kept(answers: PathLike | pd.DataFrame, store: Path) -> Path:
    """The file of answers; a frame is written to one, in a folder named by its content."""
    if isinstance(answers, str | Path):
        return Path(answers)
    if not hasattr(answers, "to_json"):
        raise CorpusError(f"{type(answers).__name__} is neither a file nor a pandas frame.", where="score")
    text = answers.to_json(orient="records", lines=True, force_ascii=False, date_format="iso")
    path = store / "frames" / digest(text) / "answers.jsonl"
    if not path.is_file():
        write_text(path, text)
    return path


def _names(paths: Sequence[Path]) -> list[str]:
    found: list[str] = []
    for path in paths:
        name, n = path.stem, 2
        while name in found:
            name, n = f"{path.stem} {n}", n + 1
        found.append(name)
    return found


def save_baseline(run: Run | PathLike, path: PathLike, force: bool = False) -> Baseline:
    """Keep the scores of a Run for later checks; a file that stands at ``path`` is overwritten with ``force`` only."""
    return _save_baseline(run if isinstance(run, Run) else load_run(run), Path(path), force)


def check(run: Run | PathLike, baseline: Baseline | PathLike, **settings: Any) -> Gate:
    """The gate: a Run against a Baseline. ``settings`` are those of `ragtune.gate.GateSettings`."""
    old = baseline if isinstance(baseline, Baseline) else load_baseline(Path(baseline))
    new = make_baseline(run if isinstance(run, Run) else load_run(run))
    known = [f.name for f in fields(GateSettings)]
    wrong = [name for name in settings if name not in known]
    if wrong:
        raise RunError(f'unknown setting "{wrong[0]}".', where="check", fix=f"Known: {', '.join(known)}.")
    return check_baselines(old, new, GateSettings(**settings))


def write_report(run: Run | PathLike, path: PathLike | None = None, renews: bool = False) -> Path:
    """Write the HTML report of a Run (default ``reports/NAME.html``) and return its path; one that ``renews`` itself is read again
    by the browser every 20 seconds, for a Run that grows."""
    from ragtune.report.build import write_report as write

    found = run if isinstance(run, Run) else load_run(run)
    chosen = found.summary.decision.setup
    if chosen and is_control(found.experiment.setups[chosen]):  # as Runs of earlier versions may have it
        found = reanalyse(found)
    return write(found, Path(path or f"reports/{found.about.name}.html"), renews)


def search(
    experiment: Experiment | PathLike,
    *,
    overrides: Sequence[str] = (),
    out: PathLike | None = None,
    winner: PathLike | None = None,
    confirm: bool = True,
    store: PathLike = STORE,
    progress: Progress | None = None,
    force: bool = False,
) -> Found:
    """Vary a setup as the section ``search`` says; the best one is an experiment in ``winner`` (default: in ``out``, else
    ``runs/NAME-search``). With ``confirm`` the test split is asked once."""
    made = _experiment(experiment, overrides, None)
    place = Path(out or f"runs/{made.name}-search")
    return find(made, Store(Path(store)), place, Path(winner) if winner else None, confirm, progress, force)


def write_search_report(found: Found | PathLike, path: PathLike | None = None) -> Path:
    """Write the HTML page of a search (default ``reports/NAME-search.html``) and return its path."""
    from ragtune.report.search import write

    made = found if isinstance(found, Found) else load_found(Path(found))
    return write(made, Path(path or f"reports/{made.search.name}-search.html"))


__all__ = [
    "ask",
    "check",
    "cited",
    "load_run",
    "plan",
    "reanalyse",
    "rejudge",
    "run",
    "save_baseline",
    "score",
    "search",
    "write_report",
    "write_search_report",
]
