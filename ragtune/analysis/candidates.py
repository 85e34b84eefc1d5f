"""What a decision is drawn from, and what is left out of it before it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ragtune.analysis.costs import Costs, Limits
from ragtune.analysis.means import Scored


@dataclass(frozen=True)
class Candidates:
    """What the decision is drawn from.

    ``scores``: setup -> its scores, withheld answers as 0; ``faithfulness``: setup -> its mean; ``tokens``: mean tokens per
    question; ``invented``: setup -> (answers to unanswerable questions, such questions); ``clusters``: question -> document; ``controls``: setups that show what could be
    reached and cannot be served.
    """

    titles: Mapping[str, str]
    scores: Mapping[str, Sequence[Scored]]
    tokens: Mapping[str, float]
    faithfulness: Mapping[str, float | None] = field(default_factory=dict)
    invented: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    clusters: Mapping[str, str] = field(default_factory=dict)
    costs: Costs | None = None
    controls: tuple[str, ...] = ()

    def cheapness(self, name: str) -> tuple[float, float]:
        """Cost per question where prices are given, else tokens."""
        cost = self.costs.costs.get(name) if self.costs else None
        return cost.total if cost else 0.0, self.tokens.get(name, 0.0)


def excluded(found: Candidates, limits: Limits) -> dict[str, str]:
    """Controls, and setups that break a limit, with the reason. What is not known cannot keep a limit."""
    why = dict.fromkeys(found.controls, "a control, whose contexts come from the evidence itself: it cannot be served")
    for name in found.scores:
        if name in why:
            continue
        latency = found.costs.latency.get(name) if found.costs else None
        cost = found.costs.costs.get(name) if found.costs else None
        faithful = found.faithfulness.get(name)
        if limits.max_latency is not None and (latency is None or latency.p50 > limits.max_latency):
            has = f"median latency {latency.p50:.2f} s is over" if latency else "its latency is unknown, the limit is"
            why[name] = f"{has} {limits.max_latency:g} s"
        elif limits.max_cost is not None and (cost is None or cost.total > limits.max_cost):
            has = (
                f"cost {cost.total:.6f} per question is over"
                if cost
                else "its cost is unknown (no prices?), the limit is"
            )
            why[name] = f"{has} {limits.max_cost:g}"
        elif limits.min_faithfulness is not None and (faithful is None or faithful < limits.min_faithfulness):
            has = "unscored" if faithful is None else f"{faithful:.2f}"
            why[name] = f"faithfulness {has} is under {limits.min_faithfulness:g}"
    return why


def short(ids: Mapping[str, set[str]], scored: Sequence[str]) -> list[str]:
    """The setups that answered so few questions that each one's leaving at least doubles the questions which two or more others share."""
    rest, gone = list(scored), list[str]()
    while len(rest) > 2:
        least = min(rest, key=lambda n: len(ids[n]))
        others = [n for n in rest if n != least]
        if len(set.intersection(*(ids[n] for n in others))) < 2 * max(
            1, len(set.intersection(*(ids[n] for n in rest)))
        ):
            break
        rest, gone = others, [*gone, least]
    return gone
