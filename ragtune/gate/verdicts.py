"""The verdicts: regressed, held, or unclear, per setup, metric and slice; and floors and ceilings beside them.

With ``loss`` the mean paired loss against the Baseline and ``margin`` what may be lost:

- *regressed*: a loss greater than the margin is shown (one-sided score test at the margin);
- *held*: a loss of the margin or more is ruled out (non-inferiority; Tango 1998), or not one score changed;
- *unclear*: neither; ``needed`` says how many questions would tell if nothing changed.

The tests and their correction are those of the decision (`analysis.losses`), in two families: all questions (which gets four
fifths of the 5 %, all of it where there are no slices) and slices (one fifth), so that many slices do not hide a loss over all
questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ragtune.analysis.differences import Paired, pair
from ragtune.analysis.losses import Loss, Shown, loss, shown, tests_among
from ragtune.analysis.means import Scored, Table, table
from ragtune.errors import RunError
from ragtune.gate.baseline import Asked, Baseline
from ragtune.gate.fair import differing, setups_to_check
from ragtune.gate.outcome import Gate, GateSettings, Verdict
from ragtune.judging.metrics import METRICS

WHOLE = 0.8


def slices_of(questions: Mapping[str, Asked], least: int) -> dict[str, set[str]]:
    """Slice -> question ids, "all" first; slices under ``least`` questions are left out."""
    found: dict[str, set[str]] = {"all": set(questions)}
    for name, about in questions.items():
        for tag in about.tags:
            found.setdefault(tag, set()).add(name)
    return {k: v for k, v in found.items() if k == "all" or (len(v) >= least and len(v) < len(questions))}


@dataclass(frozen=True)
class _Open:
    """A comparison before correction."""

    verdict: Verdict
    loss: Loss


def _compare(
    setup: str,
    metric: str,
    part: str,
    before: Sequence[Scored],
    after: Sequence[Scored],
    clusters: Mapping[str, str],
    margin: float,
) -> _Open | None:
    a, b = (table(_turned(metric, side)) for side in (before, after))
    paired = pair(a, b, clusters)
    if len(paired.ids) < 2:
        return None
    mean_a, mean_b = (m if METRICS[metric].higher_is_better else 1 - m for m in (_mean(a, paired), _mean(b, paired)))
    rows_a, rows_b = dict(zip(a.ids, a.means, strict=True)), dict(zip(b.ids, b.means, strict=True))
    flipped = tuple(q for q in paired.ids if rows_a[q] >= 0.5 > rows_b[q])
    base = Verdict(
        setup, metric, part, "held", round(mean_a, 6), round(mean_b, 6), len(paired.ids), margin, 0.0, 0, flipped
    )
    return _Open(base, loss(paired, margin))


def _turned(metric: str, scores: Sequence[Scored]) -> Sequence[Scored]:
    """The scores, turned round where lower is better, so that a loss is a loss."""
    return (
        scores
        if METRICS[metric].higher_is_better
        else [(q, seed, None if v is None else 1 - v) for q, seed, v in scores]
    )


def _mean(scores: Table, paired: Paired) -> float:
    rows = dict(zip(scores.ids, scores.means, strict=True))
    return float(sum(rows[q] for q in paired.ids) / len(paired.ids))


def corrected(open_: Sequence[_Open]) -> list[Shown]:
    """What the comparisons show, corrected within the families of `WHOLE`, in the order given; one family alone has all of the 5 %."""
    whole = [i for i, o in enumerate(open_) if o.verdict.part == "all"]
    parts = [i for i, o in enumerate(open_) if o.verdict.part != "all"]
    found: dict[int, Shown] = {}
    for own, share in ((whole, WHOLE if parts else 1.0), (parts, 1 - WHOLE if whole else 1.0)):
        found.update(zip(own, shown([open_[i].loss for i in own], share), strict=True))
    return [found[i] for i in range(len(open_))]


def check(old: Baseline, new: Baseline, settings: GateSettings | None = None) -> Gate:
    """Compare ``new`` with ``old``.

    Raises:
        RunError: another judge, other questions (unless allowed), unknown metrics or setups.
    """
    settings = settings or GateSettings()
    setups = setups_to_check(old, new, settings)
    shared = {q: v for q, v in old.questions.items() if q in new.questions}
    clusters = {q: v.cluster for q, v in shared.items() if v.cluster}
    open_: list[_Open] = []
    for setup in setups:
        for metric in dict.fromkeys([*settings.metrics, *settings.margins]):
            before, after = old.scores[setup].get(metric, ()), new.scores[setup].get(metric, ())
            for part, ids in slices_of(shared, settings.least).items():
                rows = [[r for r in side if r[0] in ids] for side in (before, after)]
                made = _compare(
                    setup, metric, part, rows[0], rows[1], clusters, settings.margins.get(metric, settings.margin)
                )
                if made:
                    open_.append(made)
    tests = tests_among([o.loss for o in open_ if o.verdict.part == "all"])
    verdicts = []
    for made, found in zip(open_, corrected(open_), strict=True):
        needed = made.loss.needed(tests) if found.verdict == "unclear" else 0
        verdicts.append(replace(made.verdict, verdict=found.verdict, p=round(found.p, 6), needed=needed))
    return Gate(
        tuple(verdicts),
        tuple(_broken(new, setups, settings)),
        tuple(_unscored(new, setups, settings)),
        settings.strict,
        differing(old, new),
    )


def _broken(new: Baseline, setups: Sequence[str], settings: GateSettings) -> list[str]:
    found = []
    for setup in setups:
        for metric, least in settings.floors.items():
            means = table(new.scores[setup].get(metric, ())).means
            if not len(means) or float(means.mean()) < least:
                has = f"{float(means.mean()):.3f}" if len(means) else "unscored"
                found.append(f"{setup}: {metric} is {has}, under the floor {least:g}")
        if settings.max_latency is not None:
            seconds = new.latency.get(setup)
            if seconds is None:
                raise RunError(
                    f'the latency of "{setup}" is unknown: it was not asked one question at a time.',
                    where="check",
                    fix="Run the experiment again with latency: {sample: 20}; answers from a file and source: oracle have none.",
                )
            if seconds > settings.max_latency:
                found.append(f"{setup}: median latency {seconds:.3f} s is over {settings.max_latency:g} s")
        if settings.max_cost is not None:
            cost = new.cost.get(setup)
            if cost is None:
                raise RunError(
                    "a cost ceiling needs prices.",
                    where="check",
                    fix="Add a costs section to the experiment and run it again.",
                )
            if cost > settings.max_cost:
                found.append(f"{setup}: cost {cost:.6f} per question is over {settings.max_cost:g}")
    return found


def _unscored(new: Baseline, setups: Sequence[str], settings: GateSettings) -> list[str]:
    found = []
    for setup in setups:
        for metric, count in new.failed.get(setup, {}).items():
            share = count / max(1, len(new.scores[setup][metric]))
            if share > settings.max_unscored:
                found.append(
                    f"{setup}: the judge could not score {100 * share:.0f} % of {metric} (limit {100 * settings.max_unscored:g} %)"
                )
    return found
