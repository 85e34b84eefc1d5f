"""Executing a plan: stages in order, then analysis, then the Run folder."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from ragtune.analysis.means import estimate
from ragtune.analysis.power import questions_needed, smallest_difference
from ragtune.analysis.summary import Row, attribute, clusters_of, costs_of, summarise
from ragtune.corpus.check import refuse_leaks
from ragtune.experiment import folder as run_folder
from ragtune.experiment.answer import answered, judged
from ragtune.experiment.calibration import settle
from ragtune.experiment.plan import make_plan, print_plan, seeds_of
from ragtune.experiment.progress import Progress, default_progress
from ragtune.experiment.spec import Experiment
from ragtune.experiment.tune import tune_all
from ragtune.experiment.workbench import Workbench
from ragtune.judging.judges import refuse_incomplete
from ragtune.records import Json
from ragtune.store import Store


def run_experiment(experiment: Experiment, store: Store, out: Path, progress: Progress | None = None) -> Path:
    """Run what is missing, score, analyse, and write the Run folder ``out``. Returns ``out``.

    Raises:
        RagtuneError: bad corpus, model, settings, store or disk; what was finished stays stored.
    """
    progress = progress or default_progress()
    with store.locked():
        bench = Workbench(settled(experiment, store), store, progress)
        prepare(bench)
        progress.say(
            f"Plan for {experiment.name}: {len(experiment.setups)} setups, {len(bench.questions)} questions, seeds {', '.join(map(str, experiment.seeds))}"
        )
        progress.say(print_plan(make_plan(bench)))
        progress.say(expected_power(len(bench.questions)))
        rows = answer_all(bench)
        retrieval = measure_all(bench)
        with bench.timed("analyse"):
            costs = costs_of(bench, rows)
            summary = summarise(bench, rows, retrieval, costs)
        run_folder.write_run(out, bench, rows, summary, costs)
    return out


def settled(experiment: Experiment, store: Store) -> Experiment:
    """The experiment with names that stand for stored values (a calibrated threshold) replaced by them."""
    return experiment.model_copy(update={"judge": settle(experiment.judge, store)})


def expected_power(questions: int) -> str:
    """What this many questions can show, by the spread assumed before anything has run; the report says it by the spread measured."""
    least = smallest_difference(questions)
    if least is None:
        return f"Power: {questions} question(s) can show no difference between setups."
    needed = questions_needed(0.05)
    more = f"; 5 points would need about {needed:,}" if needed and needed > questions else ""
    return f"Power: {questions} questions show a difference of about {100 * least:.0f} points between two setups (80 % power, 5 % level){more}."


def prepare(bench: Workbench) -> None:
    """Everything that can be refused before work begins: corpus, leaks, models, prompts."""
    if bench.corpus.skipped:
        first = bench.corpus.skipped[0]
        bench.progress.say(f"{len(bench.corpus.skipped)} document(s) skipped, first: {first.reason}")
    refuse_leaks(bench.corpus, bench.experiment.corpus.allow_leaks)
    _ = bench.questions
    for setup in bench.experiment.setups.values():
        bench.prompt(setup.prompt_name)
        training = bench.training(setup)
        if training is not bench:
            both = replace(training.corpus, questions=(*training.corpus.split("train"), *bench.questions))
            refuse_leaks(both, bench.experiment.corpus.allow_leaks)
        if setup.generator.kind == "local":
            bench.ref(setup.generator.model)
        if setup.retrieval:
            bench.retrieve_key(setup)
    bench.ref(bench.experiment.judge.embedder)
    refuse_incomplete(bench.experiment.judge)


def answer_all(bench: Workbench) -> list[Row]:
    """Tune first, then answer setup by setup (the base before its adapters), then judge all answers together."""
    setups = bench.experiment.setups
    tune_all(bench, [(name, seed) for name, setup in setups.items() if setup.tuning for seed in seeds_of(bench, setup)])
    order = sorted(setups, key=lambda n: setups[n].tuning is not None)
    done = {
        (name, seed): answered(bench, name, setups[name], seed, bench.questions)
        for name in order
        for seed in seeds_of(bench, setups[name])
    }
    answers = [a for name in setups for seed in seeds_of(bench, setups[name]) for a in done[name, seed]]
    return attribute(bench, answers, judged(bench, answers))


def measure_all(bench: Workbench) -> dict[str, Json]:
    """Retrieval quality per setup with retrieval (setups that share a retriever share the numbers)."""
    from ragtune.retrieval.measure import measure_retrieval

    found: dict[str, Json] = {}
    by_key: dict[str, Json] = {}
    for name, setup in bench.experiment.setups.items():
        if not setup.retrieval or not any(q.evidence for q in bench.questions):
            continue
        key = bench.retrieve_key(setup)
        if key not in by_key:
            with bench.timed("measure"):
                values = measure_retrieval(
                    bench.questions, bench.hits(setup, bench.questions, top_k=10), bench.chunks(setup)
                )
                ids = [q.id for q in bench.questions if q.evidence]
                by_key[key] = {
                    m: asdict(estimate([(i, 0, x) for i, x in zip(ids, v, strict=True)], clusters_of(bench.questions)))
                    for m, v in values.items()
                }
        found[name] = by_key[key]
    return found


def slices_of(row: Row) -> list[str]:
    question = row.answered.question
    return [
        "all",
        "answerable" if question.answerable else "unanswerable",
        *(t for t in question.tags if ":" not in t and t not in ("answerable", "unanswerable")),
    ]
