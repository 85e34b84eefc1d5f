"""Executing a plan: stages in order, then analysis, then the Run folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ragtune.analysis.latency import Latency
from ragtune.analysis.learning import Family
from ragtune.analysis.means import Estimate
from ragtune.analysis.notes import repeating, unwritten
from ragtune.analysis.summary import Study, summarise
from ragtune.errors import ExperimentError, RagtuneError, RunError
from ragtune.experiment import folder as run_folder
from ragtune.experiment.answer import answered
from ragtune.experiment.calibration import settle
from ragtune.experiment.folder import Run, load_run, refuse_foreign
from ragtune.experiment.forecast import forecast
from ragtune.experiment.judge import attributed, judged
from ragtune.experiment.latency import measured
from ragtune.experiment.locate import located
from ragtune.experiment.measure import left_to_tune, measure, retriever_tunings, untuned
from ragtune.experiment.outlook import is_control, outlook
from ragtune.experiment.plan import Plan, make_plan
from ragtune.experiment.prepare import prepare
from ragtune.experiment.progress import Progress, default_progress
from ragtune.experiment.seeding import is_tuned
from ragtune.experiment.spec import Experiment, Setup
from ragtune.experiment.tune import tune_all, tune_key, tunings
from ragtune.experiment.workbench import Workbench
from ragtune.judging.judges import refuse_incomplete
from ragtune.judging.metrics import METRICS
from ragtune.judging.settings import JudgeSettings
from ragtune.records import Question, Row
from ragtune.store import Store
from ragtune.text.counts import counted
from ragtune.tunings import Tuning


def plan_experiment(experiment: Experiment, store: Store, progress: Progress | None = None) -> Plan:
    """What a run would do; refuses what the run would refuse before work begins."""
    bench = Workbench(settled(experiment, store), store, progress or default_progress())
    prepare(bench)
    return make_plan(bench)


def run_experiment(
    experiment: Experiment,
    store: Store,
    out: Path,
    progress: Progress | None = None,
    command: str = "",
    force: bool = False,
    until: str = "",
    written: Callable[[Path], None] = lambda out: None,
) -> Path:
    """Run what is missing, score, analyse, and write the Run folder ``out``. Returns ``out``.

    Where something is to be tuned, the setups that need no tuning are answered, judged and written first, as an unfinished Run
    that grows with each tuned setup; ``written`` is told of it each time. ``until="untuned"`` ends there. ``force`` moves aside
    what stands in ``out`` and is no Run.

    Raises:
        RagtuneError: bad corpus, model, settings, store or disk; what was finished stays stored.
    """
    progress = progress or default_progress()
    refuse_foreign(out, force)
    with store.locked():
        bench = Workbench(settled(experiment, store), store, progress)
        prepare(bench)
        seeds = ", ".join(map(str, experiment.seeds))
        progress.say(
            f"Plan for {experiment.name}: {counted(len(experiment.setups), 'setup')}, "
            f"{counted(len(bench.questions), 'question')}, seed{'s' if len(experiment.seeds) > 1 else ''} {seeds}"
        )
        progress.say(str(make_plan(bench)))
        _run(bench, out, command, force, until, written)
    return out


def _run(bench: Workbench, out: Path, command: str, force: bool, until: str, written: Callable[[Path], None]) -> None:
    """Answer, measure and judge the groups of setups one after the other, each setup once, and write what is there."""
    setups, groups = bench.experiment.setups, _groups(bench, until)
    rows: dict[str, list[Row]] = {}
    latency: dict[str, Latency] = {}
    tuned = False
    for n, names in enumerate(groups):
        part = bench.narrowed(names)
        if not tuned and any(setups[name].tuning for name in names):
            tuned = True
            tune_all(bench, _tunings(bench, list(setups)))
        answers = answer_all(part)
        latency |= measured(part, answers)
        for row in attributed(part, judged(part, answers)):
            rows.setdefault(row.setup, []).append(row)
        waiting = [name for name in setups if name not in rows]
        kept = [row for name in setups for row in rows.get(name, ())]
        there = bench.narrowed(rows) if waiting else bench
        write(there, kept, {name: latency[name] for name in setups if name in latency}, out, command, force, waiting)
        written(out)
        if waiting and n == 0:
            left = _left(bench)
            for line in filter(None, (outlook(part.experiment, kept), left, _unfinished(waiting, until))):
                bench.progress.say(line)
        force = False


def _left(bench: Workbench) -> str:
    """What the tunings that are left will take; why it could not be tried, where it could not: training says it with an error."""
    try:
        parts = [forecast(bench, _tunings(bench, list(bench.experiment.setups))), left_to_tune(bench)]
        return " ".join(str(part) for part in parts if part)
    except (RagtuneError, RuntimeError) as error:  # the second: a GPU without room
        return f"What tuning will take could not be tried: {str(error).splitlines()[0]}"


def _groups(bench: Workbench, until: str) -> list[list[str]]:
    """The setups in the parts that a Run grows by: all at once where nothing is left to tune, or everything is tuned."""
    setups = bench.experiment.setups
    plain, tuned = ([n for n, s in setups.items() if is_tuned(s) is wanted] for wanted in (False, True))
    if until:
        if not plain:
            raise ExperimentError("every setup is to be tuned: there is none to stop after.", where="--until untuned")
        return [plain]
    missing = bool(untuned(bench)) or any(
        bench.store.find("tune", tune_key(bench, setups[n], seed)) is None for n, seed in _tunings(bench, tuned)
    )
    return [plain, *([name] for name in tuned)] if plain and missing else [list(setups)]


def _tunings(bench: Workbench, names: Sequence[str]) -> list[tuple[str, int]]:
    setups = bench.experiment.setups
    return [(n, seed) for n in names if setups[n].tuning for seed in bench.experiment.seeds_of(setups[n])]


def _unfinished(waiting: Sequence[str], until: str) -> str:
    what = f"Still to be tuned: {', '.join(waiting)}."
    return f"{what} Run it again without --until to go on; nothing is done twice." if until else what


def rejudge(run: Run, judge: JudgeSettings, store: Store, out: Path, progress: Progress | None = None) -> Path:
    """The answers of a Run, judged anew, as a Run in ``out``; nothing is answered, tuned or retrieved again.

    Raises:
        RagtuneError: the judge misses a setting, or the corpus is gone or has changed.
    """
    experiment = located(run, store=store).model_copy(update={"judge": judge})
    with store.locked():
        bench = Workbench(settled(experiment, store), store, progress or default_progress())
        if bench.corpus.hash != run.about.corpus.hash:
            raise RunError(
                "its corpus has changed since: old answers cannot be judged by new references.",
                where=run.path,
                fix="Run the experiment again.",
            )
        refuse_incomplete(bench.experiment.judge, bench.experiment.main_metric)
        rows = attributed(bench, judged(bench, [replace(row, scores={}, cause="") for row in run.rows]))
        summary, costs = summarise(_again(run, bench.experiment, bench.questions), rows)
        run_folder.write_run(out, bench, rows, summary, costs, run.tunings, run.about.command)
    return out


def reanalyse(run: Run) -> Run:
    """The Run with its conclusions drawn anew from its rows (and the questions these answer); nothing is loaded or judged."""
    questions = tuple({row.question.id: row.question for row in run.rows}.values())
    summary, costs = summarise(_again(run, run.experiment, questions), run.rows)
    return replace(run, summary=summary, costs=costs)


def _again(run: Run, experiment: Experiment, questions: Sequence[Question]) -> Study:
    """The study of a stored Run, with what it measured."""
    study = study_of(experiment, questions, run.summary.retrieval, run.tunings)
    return replace(study, skipped=run.summary.skipped_documents, latency=run.costs.latency)


def write(
    bench: Workbench,
    rows: Sequence[Row],
    latency: Mapping[str, Latency],
    out: Path,
    command: str,
    force: bool = False,
    waiting: Sequence[str] = (),
) -> None:
    """Analyse the rows and write the Run folder; ``waiting`` are the setups still to be tuned."""
    retrieval = measure(bench)
    found = [*tunings(bench), *retriever_tunings(bench)]
    with bench.timed("analyse"):
        study = study_of(bench.experiment, bench.questions, retrieval, found)
        study = replace(study, skipped=tuple(bench.corpus.skipped), latency=latency)
        summary, costs = summarise(study, rows)
    run_folder.write_run(out, bench, rows, summary, costs, found, command, force, waiting)


def _titled(name: str, setup: Setup) -> str:
    title = setup.title or name
    return f"{title} (control)" if is_control(setup) and "control" not in title.lower() else title


def study_of(
    experiment: Experiment,
    questions: Sequence[Question],
    retrieval: Mapping[str, Mapping[str, Estimate]],
    found: Sequence[Tuning],
) -> Study:
    """What analysis must know of an experiment."""
    families: dict[str, tuple[str, dict[int, str]]] = {}
    counts = {t.setup: t.questions for t in reversed(found) if t.kind == "generator"}
    for name, setup in experiment.setups.items():
        if setup.tuning and name in counts:
            own = setup.model_dump_json(include={"retrieval", "generator", "prompt"})
            way = own + setup.tuning.model_dump_json(exclude={"questions"})
            families.setdefault(way, (setup.tuning.train_on, {}))[1][counts[name]] = name
    return Study(
        experiment.name,
        {name: _titled(name, setup) for name, setup in experiment.setups.items()},
        tuple(questions),
        experiment.seeds,
        experiment.main_metric,
        METRICS,
        retrieval,
        tuple(found),
        tuple(Family(train_on, members) for train_on, members in families.values()),
        tuple(name for name, setup in experiment.setups.items() if not setup.tuning and not is_control(setup)),
        experiment.costs,
        experiment.limits,
        controls=tuple(name for name, setup in experiment.setups.items() if is_control(setup)),
        queried=tuple(name for name, setup in experiment.setups.items() if setup.queried),
        shots={name: setup.prompt.shots for name, setup in experiment.setups.items() if setup.prompt.shots},
        stopped=tuple(
            name
            for name, setup in experiment.setups.items()
            if experiment.split == "dev" and setup.tuning and setup.tuning.early_stop
        ),
    )


def settled(experiment: Experiment, store: Store) -> Experiment:
    """The experiment with names that stand for stored values (a calibrated threshold) replaced by them."""
    return experiment.model_copy(update={"judge": settle(experiment.judge, store)})


def answer_all(bench: Workbench) -> list[Row]:
    """Answer setup by setup (the base before its adapters); rows in the order of the setups."""
    setups, seeds_of = bench.experiment.setups, bench.experiment.seeds_of
    order = sorted(setups, key=lambda n: setups[n].tuning is not None)
    done = {
        (name, seed): answered(bench, name, setups[name], seed) for name in order for seed in seeds_of(setups[name])
    }
    for name in setups:
        rows = [row for seed in seeds_of(setups[name]) for row in done[name, seed]]
        for note in filter(None, (repeating(name, rows), unwritten(name, rows) if setups[name].queried else "")):
            bench.progress.say(note)
    return [row for name in setups for seed in seeds_of(setups[name]) for row in done[name, seed]]


__all__ = ["load_run", "plan_experiment", "reanalyse", "rejudge", "run_experiment"]
