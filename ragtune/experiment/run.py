"""Executing a plan: stages in order, then analysis, then the Run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ragtune.analysis.latency import Latency
from ragtune.analysis.learning import Family
from ragtune.analysis.means import Estimate
from ragtune.analysis.notes import repeating
from ragtune.analysis.summary import Study, summarise
from ragtune.corpus.check import refuse_leaks
from ragtune.errors import ExperimentError, RunError
from ragtune.experiment import folder as run_folder
from ragtune.experiment import retrieve
from ragtune.experiment.answer import answered
from ragtune.experiment.calibration import settle
from ragtune.experiment.folder import Run, load_run, refuse_foreign
from ragtune.experiment.judge import attributed, judged
from ragtune.experiment.latency import measured
from ragtune.experiment.locate import located
from ragtune.experiment.plan import Plan, make_plan
from ragtune.experiment.progress import Progress, default_progress
from ragtune.experiment.spec import Experiment, Setup
from ragtune.experiment.tune import count_questions, tune_all, tunings
from ragtune.experiment.workbench import Workbench
from ragtune.judging.judges import refuse_incomplete
from ragtune.judging.metrics import METRICS
from ragtune.judging.settings import JudgeSettings
from ragtune.models.address import address
from ragtune.models.devices import check_device
from ragtune.models.names import check_at_hand, check_embedder, check_pairs, check_writes
from ragtune.records import Question, Row, Tuning
from ragtune.store import Store
from ragtune.text.counts import counted


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
) -> Path:
    """Run what is missing, score, analyse, and write the Run folder ``out``. Returns ``out``.

    ``force`` moves aside what stands in ``out`` and is no Run.

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
        answers = answer_all(bench)
        latency = measured(bench, answers)
        rows = attributed(bench, judged(bench, answers))
        write(bench, rows, latency, out, command, force)
    return out


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
) -> None:
    """Analyse the rows and write the Run folder."""
    retrieval = retrieve.measure(bench)
    found = tunings(bench)
    with bench.timed("analyse"):
        study = study_of(bench.experiment, bench.questions, retrieval, found)
        study = replace(study, skipped=tuple(bench.corpus.skipped), latency=latency)
        summary, costs = summarise(study, rows)
    run_folder.write_run(out, bench, rows, summary, costs, found, command, force)


def study_of(
    experiment: Experiment,
    questions: Sequence[Question],
    retrieval: Mapping[str, Mapping[str, Estimate]],
    found: Sequence[Tuning],
) -> Study:
    """What analysis must know of an experiment."""
    families: dict[str, tuple[str, dict[int, str]]] = {}
    counts = {t.setup: t.questions for t in reversed(found)}
    for name, setup in experiment.setups.items():
        if setup.tuning and name in counts:
            own = setup.model_dump_json(include={"retrieval", "generator", "prompt"})
            way = own + setup.tuning.model_dump_json(exclude={"questions"})
            families.setdefault(way, (setup.tuning.train_on, {}))[1][counts[name]] = name
    return Study(
        experiment.name,
        {name: setup.title or name for name, setup in experiment.setups.items()},
        tuple(questions),
        experiment.seeds,
        experiment.main_metric,
        METRICS,
        retrieval,
        tuple(found),
        tuple(Family(train_on, members) for train_on, members in families.values()),
        tuple(name for name, setup in experiment.setups.items() if not setup.tuning),
        experiment.costs,
        experiment.limits,
    )


def settled(experiment: Experiment, store: Store) -> Experiment:
    """The experiment with names that stand for stored values (a calibrated threshold) replaced by them."""
    return experiment.model_copy(update={"judge": settle(experiment.judge, store)})


def prepare(bench: Workbench) -> None:
    """Everything that can be refused before work begins: corpus, leaks, models, prompts."""
    for note in bench.corpus.notes:
        bench.progress.say(note)
    if bench.corpus.skipped:
        first = bench.corpus.skipped[0]
        bench.progress.say(f"{len(bench.corpus.skipped)} document(s) skipped, first: {first.reason}")
    refuse_leaks(bench.corpus, bench.experiment.corpus.allow_leaks)
    unknown = sum(q.answers is None for q in bench.questions)
    if unknown:
        bench.progress.say(
            f'{unknown} of {counted(len(bench.questions), "question")} {"has" if unknown == 1 else "have"} no "answers": what needs a reference stays unscored there.'
            ' (Write "answers": [] where the documents hold no answer.)'
        )
    for name, setup in bench.experiment.setups.items():
        for prompt in (setup.prompt_name, *(setup.tuning.prompts if setup.tuning else ())):
            bench.prompt(prompt)
        if not bench.asked(setup):
            raise ExperimentError(
                f'setup "{name}" answers none of the questions.',
                where=setup.generator.answers,
                fix="Give its answers the ids of the questions, or their texts.",
            )
        if setup.tuning and not count_questions(bench, setup, bench.experiment.seeds[0]):
            raise ExperimentError(
                f'setup "{name}" has nothing to train on: the train split is empty, or none of its questions has "answers".',
                where=", ".join(training.experiment.corpus.path for training in bench.trainings(setup)),
            )
        for training in bench.trainings(setup):
            if training is not bench:
                both = replace(training.corpus, questions=(*training.corpus.split("train"), *bench.questions))
                refuse_leaks(both, bench.experiment.corpus.allow_leaks)
        if setup.generator.kind == "local":
            check_device(setup.generator.device)
            check_writes(bench.ref(setup.generator.model))
            if setup.generator.thinking and bench.ref(setup.generator.model).local:
                _check_switch(bench, name, setup)
        if setup.generator.endpoint:
            address(setup.generator.endpoint, setup.generator.api_key_env)
        if setup.retrieval:
            retrieve.retrieve_key(bench, setup)
    dense = [s.retrieval.dense.embedder for s in bench.experiment.setups.values() if s.retrieval and s.retrieval.dense]
    for embedder in dict.fromkeys([*dense, bench.experiment.judge.embedder]):
        check_embedder(bench.ref(embedder))
    refuse_incomplete(bench.experiment.judge, bench.experiment.main_metric)
    if bench.experiment.judge.endpoint:
        address(bench.experiment.judge.endpoint, bench.experiment.judge.api_key_env)
    for model in bench.models():
        check_at_hand(model)
    reranked = [s.retrieval.rerank for s in bench.experiment.setups.values() if s.retrieval and s.retrieval.rerank]
    for name in dict.fromkeys(r.model for r in reranked if r.kind == "cross-encoder"):
        check_pairs(bench.ref(name))
    if bench.experiment.judge.name == "nli":
        check_pairs(bench.ref(str(bench.experiment.judge.model)))


def _check_switch(bench: Workbench, name: str, setup: Setup) -> None:
    generator = setup.generator
    if not bench.language_model(generator.model, generator.device, generator.dtype).chat.switched:
        raise ExperimentError(
            f'setup "{name}": generator.thinking has no effect: the chat template of {generator.model} has no switch for it.',
            fix="Leave it out.",
        )


def answer_all(bench: Workbench) -> list[Row]:
    """Tune first, then answer setup by setup (the base before its adapters); rows in the order of the setups."""
    setups, seeds_of = bench.experiment.setups, bench.experiment.seeds_of
    tune_all(bench, [(name, seed) for name, setup in setups.items() if setup.tuning for seed in seeds_of(setup)])
    order = sorted(setups, key=lambda n: setups[n].tuning is not None)
    done = {
        (name, seed): answered(bench, name, setups[name], seed) for name in order for seed in seeds_of(setups[name])
    }
    for name in setups:
        if note := repeating(name, [row for seed in seeds_of(setups[name]) for row in done[name, seed]]):
            bench.progress.say(note)
    return [row for name in setups for seed in seeds_of(setups[name]) for row in done[name, seed]]


__all__ = ["load_run", "plan_experiment", "reanalyse", "rejudge", "run_experiment"]
