"""Which setup to ship, in sentences that the evidence carries; and plainly where it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ragtune.analysis.costs import Costs, Limits
from ragtune.analysis.differences import Difference
from ragtune.analysis.means import Estimate


@dataclass(frozen=True)
class Gap:
    """How much better one setup is than another on shared questions; ``shown``: the interval and the test say so."""

    mean: float
    low: float
    high: float
    shown: bool
    p: float


@dataclass(frozen=True)
class Decision:
    """The setup to ship (None if none qualifies), the best by its mean, the runner-up, and what is said of them."""

    metric: str
    text: str
    setup: str | None = None
    best: str | None = None
    runner_up: str | None = None
    excluded: Mapping[str, str] = field(default_factory=dict)
    gap: Gap | None = None


@dataclass(frozen=True)
class Candidates:
    """What the decision is drawn from. ``tokens``: mean tokens per question; ``costs``: what was measured, if anything."""

    titles: Mapping[str, str]
    scores: Mapping[str, Mapping[str, Estimate]]
    differences: Sequence[Difference]
    tokens: Mapping[str, float]
    costs: Costs | None = None

    def mean(self, name: str, metric: str) -> float | None:
        found = self.scores[name].get(metric)
        return found.mean if found else None

    def cheapness(self, name: str) -> tuple[float, float]:
        """Cost per question where prices are given, else tokens."""
        cost = self.costs.costs.get(name) if self.costs else None
        return cost.total if cost else 0.0, self.tokens.get(name, 0.0)


def excluded(found: Candidates, limits: Limits) -> dict[str, str]:
    """Setups that break a limit, with the reason."""
    why = {}
    for name in found.scores:
        latency = found.costs.latency.get(name) if found.costs else None
        cost = found.costs.costs.get(name) if found.costs else None
        faithful = found.mean(name, "faithfulness")
        if limits.max_latency is not None and latency is not None and latency.p50 > limits.max_latency:
            why[name] = f"median latency {latency.p50:.2f} s is over {limits.max_latency:g} s"
        elif limits.max_cost is not None and cost is not None and cost.total > limits.max_cost:
            why[name] = f"cost {cost.total:.6f} per question is over {limits.max_cost:g}"
        elif limits.min_faithfulness is not None and (faithful is None or faithful < limits.min_faithfulness):
            has = "unscored" if faithful is None else f"{faithful:.2f}"
            why[name] = f"faithfulness {has} is under {limits.min_faithfulness:g}"
    return why


def _gaps(differences: Sequence[Difference], metric: str, best: str) -> dict[str, Gap]:
    """Differences of ``best`` to the others, turned so that + means best is better."""
    found = {}
    for d in differences:
        if (
            d.metric == metric
            and best in (d.a, d.b)
            and d.mean is not None
            and d.low is not None
            and d.high is not None
        ):
            sign = 1 if d.b == best else -1
            low, high = sorted((sign * d.low, sign * d.high))
            found[d.a if d.b == best else d.b] = Gap(sign * d.mean, low, high, d.shown and low > 0, d.p_holm)
    return found


def decide(found: Candidates, metric: str, limits: Limits | None = None) -> Decision:
    """The setup with the best mean of ``metric`` within the limits; where no difference to a cheaper one is shown, the cheaper.

    A difference is shown when its 95 % interval excludes 0 and the permutation test agrees after Holm's correction.
    """
    titles, out = found.titles, excluded(found, limits or Limits())
    means = {n: m for n in found.scores if (m := found.mean(n, metric)) is not None}
    ranked = sorted(means, key=lambda n: -means[n])
    if not ranked:
        return Decision(metric, "No setup could be scored, so nothing can be recommended.", excluded=out)
    reasons = "; ".join(f"“{titles[n]}”: {why}" for n, why in out.items())
    allowed = [n for n in ranked if n not in out]
    if not allowed:
        return Decision(metric, f"No setup keeps the limits: {reasons}.", best=ranked[0], excluded=out)
    best = allowed[0]
    gaps = _gaps(found.differences, metric, best)
    equals = [n for n in allowed[1:] if n in gaps and not gaps[n].shown]
    chosen = min([best, *equals], key=lambda n: (found.cheapness(n), ranked.index(n)))
    rival = next((n for n in allowed if n != chosen), None)
    gap = gaps.get(chosen if chosen != best else rival or "")
    own = found.scores[chosen][metric]
    first = (
        f"Ship “{titles[chosen]}”: {metric.replace('_', ' ')} {own.mean:.2f} "
        f"(95 % interval {own.low:.2f} to {own.high:.2f}) over {own.n} questions."
    )
    priced = "costs less" if found.cheapness(chosen)[0] > 0 else "needs fewer tokens"
    if rival is None:
        second = "It is the only setup that keeps the limits." if out else "It is the only setup that could be scored."
    elif gap is None:
        second = f"It shares no scored question with “{titles[rival]}”."
    elif chosen != best:
        second = (
            f"No difference shown to “{titles[best]}” ({gap.mean:z.2f} higher, interval {gap.low:z.2f} to "
            f"{gap.high:z.2f}); “{titles[chosen]}” {priced}."
        )
    elif gap.shown:
        second = (
            f"It beats the runner-up “{titles[rival]}” by {gap.mean:.2f} ({gap.low:.2f} to {gap.high:.2f}), "
            "question by question."
        )
    else:
        second = (
            f"No difference shown to “{titles[rival]}” (interval {gap.low:z.2f} to {gap.high:z.2f}), "
            "and that one is not cheaper."
        )
    left = f" Left out: {'; '.join(f'“{titles[n]}” ({why})' for n, why in out.items())}." if out else ""
    return Decision(metric, f"{first} {second}{left}", chosen, best, rival, out, gap)
