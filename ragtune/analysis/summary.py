"""From scored answers to the summary: means, slices, paired differences, causes of failure, costs, the decision."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import mean, median

from ragtune.analysis.causes import Case, ceilings
from ragtune.analysis.causes import cause as cause_of
from ragtune.analysis.costs import break_evens, cost_of
from ragtune.analysis.decision import decide
from ragtune.analysis.differences import Difference, difference, holm
from ragtune.analysis.learning import learning_curves
from ragtune.analysis.means import Scored, estimate, table
from ragtune.analysis.power import questions_needed, smallest_difference
from ragtune.experiment.answer import Answered
from ragtune.experiment.plan import seeds_of
from ragtune.experiment.tune import training_questions, tune_key
from ragtune.experiment.workbench import KEPT, Workbench
from ragtune.judging.metrics import METRICS
from ragtune.records import Hit, Json, Question, Score
from ragtune.text.overlap import normalise_answer


@dataclass(frozen=True)
class Row:
    """One scored answer, with the cause where it is wrong (`attribution.CAUSES`), else ``""``."""

    answered: Answered
    scores: dict[str, Score]
    cause: str = ""


def slices_of(row: Row) -> list[str]:
    question = row.answered.question
    return [
        "all",
        "answerable" if question.answerable else "unanswerable",
        *(t for t in question.tags if ":" not in t and t not in ("answerable", "unanswerable")),
    ]


def clusters_of(questions: Sequence[Question]) -> dict[str, str]:
    """Questions whose evidence begins in the same document belong together."""
    return {q.id: q.evidence[0].document_id for q in questions if q.evidence}


def summarise(bench: Workbench, rows: Sequence[Row], retrieval: dict[str, Json], costs: Json) -> Json:
    """Means with intervals by setup, metric and slice; paired differences; the decision."""
    setups = list(bench.experiment.setups)
    values: dict[tuple[str, str, str], list[Scored]] = {}
    clusters = clusters_of(bench.questions)
    reasons: dict[str, dict[str, int]] = {}
    for row in rows:
        name = row.answered.setup
        for metric, score in row.scores.items():
            for part in slices_of(row):
                values.setdefault((name, metric, part), []).append(
                    (row.answered.question.id, row.answered.seed, score.value)
                )
            if not score.scored:
                reasons.setdefault(f"{metric}: {score.reason}", dict.fromkeys(setups, 0))[name] += 1
    scores: dict[str, dict[str, Json]] = {n: {} for n in setups}
    slices: dict[str, dict[str, dict[str, Json]]] = {}
    for (name, metric, part), pairs in values.items():
        made = asdict(estimate(pairs, clusters))
        if part == "all":
            scores[name][metric] = made
        else:
            slices.setdefault(part, {}).setdefault(name, {})[metric] = made
    main = ["token_f1", "answer_correctness", "faithfulness", "answer_relevance", "context_precision", "abstention"]
    differences = [d for m in main for d in _differences(setups, values, m, clusters)]
    per_answer = _tokens(rows, setups)
    summary: Json = {
        "name": bench.experiment.name,
        "setups": {n: s.title or n for n, s in bench.experiment.setups.items()},
        "questions": len(bench.questions),
        "seeds": list(bench.experiment.seeds),
        "metrics": [m for m in METRICS if any(m in s for s in scores.values())],
        "scores": scores,
        "slices": slices,
        "differences": [asdict(d) for d in differences],
        "retrieval": retrieval,
        "tokens": per_answer,
        "unscored": reasons,
        "skipped_documents": [asdict(s) for s in bench.corpus.skipped],
    }
    summary["failed"] = failed_of(rows)
    summary["abstentions"] = abstentions_of(rows, setups)
    summary["causes"] = _causes(rows, setups, bench.experiment.main_metric)
    summary["power"] = power_of(differences, bench.experiment.main_metric)
    trained = {n: len(training_questions(bench, s, 0, "train")) for n, s in bench.experiment.setups.items() if s.tuning}
    summary["learning"] = learning_curves(
        bench.experiment.setups, trained, scores, slices, bench.experiment.main_metric
    )
    summary["decision"] = decide({**summary, **costs}, bench.experiment.main_metric, bench.experiment.limits)
    return summary


def _differences(
    setups: list[str], values: dict[tuple[str, str, str], list[Scored]], metric: str, clusters: dict[str, str]
) -> list[Difference]:
    """Every pair of setups; p corrected for the pairs of this metric."""
    tables = {n: table(values[n, metric, "all"]) for n in setups if (n, metric, "all") in values}
    pairs = [(a, b) for i, a in enumerate(setups) for b in setups[i + 1 :] if a in tables and b in tables]
    found = [difference(a, b, metric, tables[a], tables[b], clusters) for a, b in pairs]
    return holm([d for d in found if d.n])


def failed_of(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Setup -> metric -> share of answers that the judge failed to score (not those with nothing to score)."""
    counts: dict[str, dict[str, list[bool]]] = {}
    for row in rows:
        for metric, score in row.scores.items():
            counts.setdefault(row.answered.setup, {}).setdefault(metric, []).append(score.failed)
    return {n: by for n, c in counts.items() if (by := {m: round(sum(v) / len(v), 6) for m, v in c.items() if any(v)})}


def abstentions_of(rows: Sequence[Row], setups: Sequence[str]) -> dict[str, dict[str, int]]:
    """Setup -> answers that abstained rightly, that abstained wrongly, and unanswerable questions that were answered (missed)."""
    found = {}
    for name in setups:
        own = [(r.answered.answer.abstained, r.answered.question.answerable) for r in rows if r.answered.setup == name]
        found[name] = {
            "right": own.count((True, False)),
            "wrong": own.count((True, True)),
            "missed": own.count((False, False)),
        }
    return found


def power_of(differences: Sequence[Difference], metric: str, wanted: float = 0.05) -> Json:
    """What this question set could show on ``metric``: per pair of setups, and for the typical pair."""
    own = [d for d in differences if d.metric == metric and d.sd > 0]
    if not own:
        return {"metric": metric, "pairs": [], "wanted": wanted}
    pairs = [
        {
            "a": d.a,
            "b": d.b,
            "detectable": smallest_difference(d.n, d.sd),
            "needed": questions_needed(wanted, d.sd),
            "n": d.n,
        }
        for d in own
    ]
    middle = sorted(own, key=lambda d: d.sd)[len(own) // 2]
    return {
        "metric": metric,
        "wanted": wanted,
        "pairs": pairs,
        "n": middle.n,
        "detectable": smallest_difference(middle.n, middle.sd),
        "needed": questions_needed(wanted, middle.sd),
    }


def _tokens(rows: Sequence[Row], setups: list[str]) -> dict[str, Json]:
    found = {}
    for name in setups:
        own = [r.answered.answer for r in rows if r.answered.setup == name]
        n = max(1, len(own))
        found[name] = {
            "answers": len(own),
            "prompt": round(sum(a.tokens.prompt for a in own) / n, 2),
            "answer": round(sum(a.tokens.answer for a in own) / n, 2),
            "dropped_hits": sum(a.dropped for a in own),
            "cut_answers": sum(a.finish == "length" for a in own),
            "abstained": sum(a.abstained for a in own),
        }
    return found


def tunings(bench: Workbench) -> list[Json]:
    """Loss curves and costs of every tuning of the run, from the adapters' cards."""
    found = []
    for name, setup in bench.experiment.setups.items():
        for seed in seeds_of(bench, setup) if setup.tuning else ():
            folder = bench.store.path("tune", tune_key(bench, setup, seed))
            card = json.loads((folder / "ragtune.json").read_text("utf-8"))
            cost = json.loads((folder / "cost.json").read_text("utf-8"))
            found.append(
                {"setup": name, "seed": seed, "key": folder.name, "on": card["tuning"], **card["report"], "cost": cost}
            )
    return found


def attribute(bench: Workbench, answered: Sequence[Answered], scores: Sequence[dict[str, Score]]) -> list[Row]:
    """Join answers with scores and find the cause of each wrong answer."""
    deep: dict[tuple[str, str], list[Hit]] = {}
    for name, setup in bench.experiment.setups.items():
        if setup.retrieval:
            for question, hits in zip(bench.questions, bench.hits(setup, bench.questions, top_k=KEPT), strict=True):
                deep[name, question.id] = hits
    taught = {
        n: {normalise_answer(a) for q in bench.training(s).corpus.split("train") for a in q.answers}
        for n, s in bench.experiment.setups.items()
        if s.tuning
    }
    everything = " " + " ".join(normalise_answer(d.text) for d in bench.corpus.documents) + " "
    encoder = bench.encoder(bench.experiment.judge.embedder)

    def similarity(a: str, b: str) -> float:
        one, other = encoder.encode([a, b])
        return float(one @ other)

    found = []
    for a, s in zip(answered, scores, strict=True):
        setup = bench.experiment.setups[a.setup]
        tuned_on = taught.get(a.setup, set())
        hits = deep.get((a.setup, a.question.id), [])
        case = Case(
            a.question,
            a.answer,
            s,
            hits,
            setup.retrieval is not None,
            tuned_on,
            lambda said: f" {said} " in everything,
            similarity,
        )
        found.append(Row(a, s, cause_of(case)))
    return found


def _causes(rows: Sequence[Row], setups: Sequence[str], metric: str) -> dict[str, list[Json]]:
    found = {}
    for name in setups:
        own = [r for r in rows if r.answered.setup == name]
        scored = sum(r.scores[metric].value is not None for r in own)
        found[name] = ceilings([(r.cause, r.scores[metric].value) for r in own if r.cause], len(own), scored)
    return found


def costs_of(bench: Workbench, rows: Sequence[Row]) -> Json:
    """Latency and costs per setup from the times measured; kept beside the summary, since they never repeat exactly."""
    settings = bench.experiment.costs
    spent = tunings(bench)
    latency: dict[str, Json] = {}
    costs: dict[str, Json] = {}
    for name in bench.experiment.setups:
        own = [r for r in rows if r.answered.setup == name]
        seconds = [r.answered.seconds + r.answered.retrieval_seconds for r in own]
        tokens = [r.answered.answer.tokens for r in own]
        tuning = [t["cost"]["seconds"] for t in spent if t["setup"] == name]
        values = [v for r in own if (v := r.scores[bench.experiment.main_metric].value) is not None]
        latency[name] = {"p50": median(seconds)}
        costs[name] = cost_of(
            settings,
            mean(seconds),
            mean(t.prompt for t in tokens),
            mean(t.answer for t in tokens),
            mean(tuning) if tuning else 0.0,
            mean(values) if values else None,
        )
    priced = settings.hour > 0 or settings.prompt_1k_tokens > 0 or settings.answer_1k_tokens > 0
    return {
        "latency": latency,
        "costs": costs if priced else {},
        "break_even": break_evens(settings, costs) if priced else [],
    }
