"""Executing a plan: stages in order, then analysis, then the Run folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ragtune.corpus.check import refuse_leaks
from ragtune.evaluation.metrics import METRICS
from ragtune.evaluation.statistics import Difference, difference, estimate, per_question
from ragtune.experiment import folder as run_folder
from ragtune.experiment.answering import Answered, answered, judged, tune_key, tuned
from ragtune.experiment.plan import make_plan, print_plan, seeds_of
from ragtune.experiment.progress import Progress, default_progress
from ragtune.experiment.recommend import recommend
from ragtune.experiment.spec import Experiment
from ragtune.experiment.stages import Workbench
from ragtune.records import Json, Score
from ragtune.store import Store


@dataclass(frozen=True)
class Row:
    """One scored answer."""

    answered: Answered
    scores: dict[str, Score]


def run_experiment(experiment: Experiment, store: Store, out: Path, progress: Progress | None = None) -> Path:
    """Run what is missing, score, analyse, and write the Run folder ``out``. Returns ``out``.

    Raises:
        RagtuneError: bad corpus, model, settings, store or disk; what was finished stays stored.
    """
    progress = progress or default_progress()
    with store.locked():
        bench = Workbench(experiment, store, progress)
        prepare(bench)
        progress.say(
            f"Plan for {experiment.name}: {len(experiment.setups)} setups, {len(bench.questions)} questions, seeds {', '.join(map(str, experiment.seeds))}"
        )
        progress.say(print_plan(make_plan(bench)))
        rows = answer_all(bench)
        retrieval = measure_all(bench)
        with bench.timed("analyse"):
            summary = summarise(bench, rows, retrieval)
        run_folder.write_run(out, bench, rows, summary)
    return out


def prepare(bench: Workbench) -> None:
    """Everything that can be refused before work begins: corpus, leaks, models, prompts."""
    if bench.corpus.skipped:
        first = bench.corpus.skipped[0]
        bench.progress.say(f"{len(bench.corpus.skipped)} document(s) skipped, first: {first.reason}")
    refuse_leaks(bench.corpus, bench.experiment.corpus.allow_leaks)
    _ = bench.questions
    for setup in bench.experiment.setups.values():
        bench.prompt(setup.prompt_name)
        if setup.generator.kind == "local":
            bench.ref(setup.generator.model)
        if setup.retrieval:
            bench.retrieve_key(setup)
    bench.ref(bench.experiment.judge.embedder)


def answer_all(bench: Workbench) -> list[Row]:
    """Tune first, then answer setup by setup (the base before its adapters), then judge all answers together."""
    setups = bench.experiment.setups
    for name, setup in setups.items():
        if setup.tuning:
            for seed in seeds_of(bench, setup):
                tuned(bench, setup, seed, f"tune {name}, seed {seed}")
    order = sorted(setups, key=lambda n: setups[n].tuning is not None)
    done = {(name, seed): answered(bench, name, setups[name], seed, bench.questions) for name in order for seed in seeds_of(bench, setups[name])}
    answers = [a for name in setups for seed in seeds_of(bench, setups[name]) for a in done[name, seed]]
    return [Row(a, s) for a, s in zip(answers, judged(bench, answers), strict=True)]


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
                values = measure_retrieval(bench.questions, bench.hits(setup, bench.questions, top_k=10), bench.chunks(setup))
                ids = [q.id for q in bench.questions if q.evidence]
                by_key[key] = {m: asdict(estimate(list(zip(ids, v, strict=True)))) for m, v in values.items()}
        found[name] = by_key[key]
    return found


def slices_of(row: Row) -> list[str]:
    question = row.answered.question
    return [
        "all",
        "answerable" if question.answerable else "unanswerable",
        *(t for t in question.tags if ":" not in t and t not in ("answerable", "unanswerable")),
    ]


def summarise(bench: Workbench, rows: Sequence[Row], retrieval: dict[str, Json]) -> Json:
    """Means with intervals by setup, metric and slice; paired differences; the recommendation."""
    setups = list(bench.experiment.setups)
    values: dict[tuple[str, str, str], list[tuple[str, float | None]]] = {}
    reasons: dict[str, dict[str, int]] = {}
    for row in rows:
        name = row.answered.setup
        for metric, score in row.scores.items():
            for part in slices_of(row):
                values.setdefault((name, metric, part), []).append((row.answered.question.id, score.value))
            if not score.scored:
                reasons.setdefault(f"{metric}: {score.reason}", dict.fromkeys(setups, 0))[name] += 1
    scores: dict[str, dict[str, Json]] = {n: {} for n in setups}
    slices: dict[str, dict[str, dict[str, Json]]] = {}
    for (name, metric, part), pairs in values.items():
        made = asdict(estimate(pairs))
        if part == "all":
            scores[name][metric] = made
        else:
            slices.setdefault(part, {}).setdefault(name, {})[metric] = made
    main = ["token_f1", "answer_correctness", "faithfulness", "answer_relevance", "context_precision", "abstention"]
    differences = [d for m in main for d in _differences(setups, values, m)]
    per_answer = _tokens(rows, setups)
    summary: Json = {
        "name": bench.experiment.name, "setups": {n: s.title or n for n, s in bench.experiment.setups.items()}, "questions": len(bench.questions),
        "seeds": list(bench.experiment.seeds), "metrics": list(METRICS), "scores": scores, "slices": slices, "differences": [asdict(d) for d in differences],
        "retrieval": retrieval, "tokens": per_answer, "unscored": reasons, "skipped_documents": [asdict(s) for s in bench.corpus.skipped],
    }  # fmt: skip
    summary["recommendation"] = recommend(summary, bench.experiment.main_metric)
    return summary


def _differences(setups: list[str], values: dict[tuple[str, str, str], list[tuple[str, float | None]]], metric: str) -> list[Difference]:
    means = {n: per_question(values[n, metric, "all"])[0] for n in setups if (n, metric, "all") in values}
    pairs = [(a, b) for i, a in enumerate(setups) for b in setups[i + 1 :] if a in means and b in means]
    found = [difference(a, b, metric, means[a], means[b]) for a, b in pairs]
    return [d for d in found if d.n]


def _tokens(rows: Sequence[Row], setups: list[str]) -> dict[str, Json]:
    found = {}
    for name in setups:
        own = [r.answered.answer for r in rows if r.answered.setup == name]
        n = max(1, len(own))
        found[name] = {
            "answers": len(own), "prompt": round(sum(a.tokens.prompt for a in own) / n, 2), "answer": round(sum(a.tokens.answer for a in own) / n, 2),
            "dropped_hits": sum(a.dropped for a in own), "cut_answers": sum(a.finish == "length" for a in own), "abstained": sum(a.abstained for a in own),
        }  # fmt: skip
    return found


def tunings(bench: Workbench) -> list[Json]:
    """Loss curves and costs of every tuning of the run, from the adapters' cards."""
    import json

    found = []
    for name, setup in bench.experiment.setups.items():
        for seed in seeds_of(bench, setup) if setup.tuning else ():
            folder = bench.store.path("tune", tune_key(bench, setup, seed))
            card = json.loads((folder / "ragtune.json").read_text("utf-8"))
            cost = json.loads((folder / "cost.json").read_text("utf-8"))
            found.append({"setup": name, "seed": seed, "key": folder.name, "on": card["tuning"], **card["report"], "cost": cost})
    return found


__all__ = ["Row", "run_experiment", "tunings"]
