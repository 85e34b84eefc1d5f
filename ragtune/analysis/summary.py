"""From judged Rows to the Summary: means, slices, paired differences, power, causes, curves, costs, the decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from ragtune.analysis.candidates import Candidates
from ragtune.analysis.causes import Ceiling, ceilings
from ragtune.analysis.costs import Costs, CostSettings, Limits, measure_costs
from ragtune.analysis.decision import Decision, decide
from ragtune.analysis.differences import Difference, difference, holm
from ragtune.analysis.latency import Latency
from ragtune.analysis.learning import Curve, Family, learning_curves
from ragtune.analysis.means import Estimate, Scored, clusters_of, estimate, table
from ragtune.analysis.notes import notes_of
from ragtune.analysis.power import Power, power_of
from ragtune.corpus.load import Skipped
from ragtune.records import Metric, Question, Row
from ragtune.tunings import Tuning

#: setup -> metric -> estimate
Scores = Mapping[str, Mapping[str, Estimate]]
#: (setup, metric, part) -> scores
Values = dict[tuple[str, str, str], list[Scored]]


@dataclass(frozen=True)
class Study:
    """What analysis must know beside the Rows: who answered what, which metrics count, what tuning took, how
    long one user waited, and the limits."""

    name: str
    titles: Mapping[str, str]
    questions: tuple[Question, ...]
    seeds: tuple[int, ...]
    main_metric: str
    metrics: Mapping[str, Metric]
    retrieval: Mapping[str, Mapping[str, Estimate]]
    tunings: tuple[Tuning, ...] = ()
    families: tuple[Family, ...] = ()
    untuned: tuple[str, ...] = ()
    costs: CostSettings = field(default_factory=CostSettings)
    limits: Limits = field(default_factory=Limits)
    skipped: tuple[Skipped, ...] = ()
    latency: Mapping[str, Latency] = field(default_factory=dict)
    controls: tuple[str, ...] = ()
    queried: tuple[str, ...] = ()
    shots: Mapping[str, int] = field(default_factory=dict)
    stopped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Usage:
    """One setup's answers: how many, mean tokens of prompts and answers, and how many went short."""

    answers: int
    prompt: float
    answer: float
    dropped_hits: int
    cut_answers: int
    abstained: int


@dataclass(frozen=True)
class Abstentions:
    """Answers that abstained rightly, that abstained wrongly, and unanswerable questions that were answered."""

    right: int
    wrong: int
    missed: int


@dataclass(frozen=True)
class Summary:
    """What a Run shows. ``slices``: part -> setup -> metric; ``unscored``: reason -> setup -> count; ``failed``: setup ->
    metric -> share of answers that the judge failed to score; ``notes``: what to know before believing a number."""

    name: str
    setups: Mapping[str, str]
    questions: int
    seeds: tuple[int, ...]
    metrics: tuple[str, ...]
    scores: Scores
    slices: Mapping[str, Scores]
    differences: tuple[Difference, ...]
    retrieval: Mapping[str, Mapping[str, Estimate]]
    tokens: Mapping[str, Usage]
    unscored: Mapping[str, Mapping[str, int]]
    skipped_documents: tuple[Skipped, ...]
    failed: Mapping[str, Mapping[str, float]]
    abstentions: Mapping[str, Abstentions]
    causes: Mapping[str, tuple[Ceiling, ...]]
    power: Power
    learning: tuple[Curve, ...]
    decision: Decision
    notes: tuple[str, ...] = ()

    def known(self, setup: str, metric: str) -> tuple[float, float, float] | None:
        """(mean, low, high) of a metric over all questions, None where nothing was scored."""
        found = self.scores[setup].get(metric)
        return found.known if found else None


def parts_of(question: Question) -> list[str]:
    """The slices a question belongs to: all, whether it can be answered (where that is known), and its tags."""
    known = "answerable" if question.answerable else "unanswerable" if question.unanswerable else ""
    tags = [t for t in question.tags if ":" not in t and t not in ("answerable", "unanswerable")]
    return ["all", *([known] if known else []), *tags]


def summarise(study: Study, rows: Sequence[Row]) -> tuple[Summary, Costs]:
    """The conclusions of a study, and what was measured on the clock."""
    setups = list(study.titles)
    by_setup = {name: [row for row in rows if row.setup == name] for name in setups}
    clusters = clusters_of(study.questions)
    values = _values(rows)
    means = {key: estimate(pairs, clusters) for key, pairs in values.items()}
    scores: dict[str, dict[str, Estimate]] = {name: {} for name in setups}
    slices: dict[str, dict[str, dict[str, Estimate]]] = {}
    for (name, metric, part), found in means.items():
        if part == "all":
            scores[name][metric] = found
        else:
            slices.setdefault(part, {}).setdefault(name, {})[metric] = found
    main = study.main_metric
    compared = [m.name for m in study.metrics.values() if m.compared or m.name == main]
    differences = tuple(d for m in compared for d in _differences(setups, values, m, clusters))
    usage = {name: _usage(own) for name, own in by_setup.items()}
    costs = measure_costs(study.costs, by_setup, study.tunings, main, study.latency)
    tokens = {name: u.prompt + u.answer for name, u in usage.items()}
    curves: dict[str, dict[str, Estimate]] = {}
    for (name, metric, part), found in means.items():
        if metric == main:
            curves.setdefault(part, {})[name] = found
    summary = Summary(
        name=study.name,
        setups=study.titles,
        questions=len(study.questions),
        seeds=study.seeds,
        metrics=tuple(m for m in study.metrics if any(m in s for s in scores.values())),
        scores=scores,
        slices=slices,
        differences=differences,
        retrieval=study.retrieval,
        tokens=usage,
        unscored=_unscored(rows, setups),
        skipped_documents=study.skipped,
        failed={n: by for n, own in by_setup.items() if (by := _failed(own))},
        abstentions={name: _abstentions(own) for name, own in by_setup.items()},
        causes={name: ceilings(own, main) for name, own in by_setup.items()},
        power=power_of(differences, main),
        learning=learning_curves(study.families, study.untuned, curves, main),
        decision=decide(_candidates(study, by_setup, scores, tokens, clusters, costs), main, study.limits),
        notes=notes_of(by_setup, study.tunings, study.queried, study.shots, study.stopped),
    )
    return summary, costs


def _candidates(
    study: Study,
    by_setup: Mapping[str, Sequence[Row]],
    scores: Scores,
    tokens: Mapping[str, float],
    clusters: Mapping[str, str],
    costs: Costs,
) -> Candidates:
    main = study.main_metric
    faithful = {n: found.mean if (found := s.get("faithfulness")) else None for n, s in scores.items()}
    withheld = {n: [(r.question.id, r.seed, _counted(r, main)) for r in own] for n, own in by_setup.items()}
    invented = {}
    for name, own in by_setup.items():
        asked = [row for row in own if row.question.unanswerable]
        invented[name] = (sum(row.answer.outcome == "answered" for row in asked), len(asked))
    return Candidates(study.titles, withheld, tokens, faithful, invented, clusters, costs, study.controls)


def _counted(row: Row, metric: str) -> float | None:
    """The metric's value; 0 for an answer that was withheld though the documents may hold one."""
    value = row.value(metric)
    return 0.0 if value is None and row.answer.withheld and not row.question.unanswerable else value


def _values(rows: Sequence[Row]) -> Values:
    found: Values = {}
    for row in rows:
        for metric, score in row.scores.items():
            for part in parts_of(row.question):
                found.setdefault((row.setup, metric, part), []).append((row.question.id, row.seed, score.value))
    return found


def _differences(setups: Sequence[str], values: Values, metric: str, clusters: Mapping[str, str]) -> list[Difference]:
    """Every pair of setups; p corrected for the pairs of this metric."""
    tables = {n: table(values[n, metric, "all"]) for n in setups if (n, metric, "all") in values}
    found = [difference(a, b, metric, tables[a], tables[b], clusters) for a, b in combinations(tables, 2)]
    return holm([d for d in found if d.n])


def _unscored(rows: Sequence[Row], setups: Sequence[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        for metric, score in row.scores.items():
            if not score.scored:
                found.setdefault(f"{metric}: {score.reason}", dict.fromkeys(setups, 0))[row.setup] += 1
    return found


def _failed(rows: Sequence[Row]) -> dict[str, float]:
    """Metric -> share of answers that the judge failed to score (not those with nothing to score)."""
    counts: dict[str, list[bool]] = {}
    for row in rows:
        for metric, score in row.scores.items():
            counts.setdefault(metric, []).append(score.failed)
    return {m: round(sum(v) / len(v), 6) for m, v in counts.items() if any(v)}


def _abstentions(rows: Sequence[Row]) -> Abstentions:
    own = [
        (row.answer.abstained, row.question.answerable)
        for row in rows
        if row.question.answers is not None and row.answer.outcome != "none"
    ]
    return Abstentions(own.count((True, False)), own.count((True, True)), own.count((False, False)))


def _usage(rows: Sequence[Row]) -> Usage:
    n, answers = max(1, len(rows)), [row.answer for row in rows]
    return Usage(
        len(rows),
        round(sum(a.tokens.prompt for a in answers) / n, 2),
        round(sum(a.tokens.answer for a in answers) / n, 2),
        sum(a.dropped for a in answers),
        sum(a.finish == "length" for a in answers),
        sum(a.abstained for a in answers),
    )
