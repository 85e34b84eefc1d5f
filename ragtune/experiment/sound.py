"""Whether the files of a Run speak of the same setups: what reads a Run may then look every one of them up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ragtune.analysis.costs import Costs
from ragtune.analysis.summary import Summary
from ragtune.records import Row
from ragtune.retrieval.measure import CUTS
from ragtune.tunings import Tuning


def refuse_unsound(
    setups: Iterable[str], summary: Summary, rows: Sequence[Row], costs: Costs, tunings: Sequence[Tuning]
) -> None:
    """Raises ValueError where the summary's setups are not the experiment's, a file names a setup or a seed that the summary
    does not know, the summary lacks figures of one, or a score is none in [0, 1]."""
    known = set(summary.setups)
    if known != set(setups):
        raise ValueError("setups that the experiment does not have")
    if any(row.seed not in summary.seeds for row in rows):
        raise ValueError("a seed that the summary does not know")
    if any(not 0 <= s.value <= 1 for row in rows for s in row.scores.values() if s.value is not None):
        raise ValueError("a score that is none")
    for names in _named(summary, rows, costs, tunings):
        if not known.issuperset(names):
            raise ValueError("a setup that the summary does not know")
    for whole in (summary.scores, summary.tokens, summary.abstentions, summary.causes):
        if known.difference(whole):
            raise ValueError("a setup without its figures")
    if any(f"recall@{k}" not in measures for measures in summary.retrieval.values() for k in CUTS):
        raise ValueError("a setup without its figures")
    if any(known.difference(part) for part in summary.slices.values()):
        raise ValueError("a setup without its figures")


def _named(summary: Summary, rows: Sequence[Row], costs: Costs, tunings: Sequence[Tuning]) -> Iterator[Iterable[str]]:
    """Every place where setups are named."""
    yield from (summary.scores, summary.tokens, summary.abstentions, summary.causes, summary.retrieval, summary.failed)
    yield from summary.slices.values()
    yield from summary.unscored.values()
    yield from ((d.a, d.b) for d in summary.differences)
    decision = summary.decision
    yield from (decision.unbeaten, decision.beaten, decision.excluded)
    yield [name for name in (decision.setup, decision.best) if name is not None]
    yield from (costs.latency, costs.costs, costs.throughput)
    yield {row.setup for row in rows}
    yield {tuning.setup for tuning in tunings}


def measured(costs: Costs) -> Costs:
    """The costs without latencies that were shares of a batch, as earlier versions kept them: of what one user waits they
    say nothing."""
    return replace(costs, latency={name: found for name, found in costs.latency.items() if found.questions})
