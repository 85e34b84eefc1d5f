"""Which setup to choose, in sentences that the evidence carries; and plainly where it carries none.

Controls (``source: oracle``) are no candidates. All others are compared on the questions that every one of them answered. A withheld answer counts as 0 for the setup that
withholds it, except where the documents hold none; one with so few answers that leaving it out at least doubles the questions compared
is left out. A setup is *beaten* when another one is shown to be better (the 95 % interval
of their difference excludes 0 and the permutation test agrees after Holm's correction), or when it is not shown to be better than
one that answers "I don't know" to everything, by `FLOOR` at least: a wrong answer scores a little above 0. Of the setups that are not beaten, the cheapest is chosen whose possible loss to the
best is shown to be less than `Limits.margin` (`analysis.losses`, as the gate shows it); if none but the best is within it, the best.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from ragtune.analysis.candidates import Candidates, excluded, short
from ragtune.analysis.costs import Limits
from ragtune.analysis.differences import Difference, difference, holm, pair
from ragtune.analysis.losses import Loss, loss, shown
from ragtune.analysis.means import Estimate, Scored, estimate, table
from ragtune.analysis.power import questions_needed

#: the name of the setup that says "I don't know" to everything
SILENT = "\0silent"


@dataclass(frozen=True)
class Gap:
    """How much better the best setup is than the chosen one on shared questions, with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Decision:
    """``setup`` is the one to choose (None: no recommendation), ``unbeaten`` those not shown to be beaten, best mean first.

    ``best`` has the best mean of them; ``gap`` is its lead over ``setup``; ``excluded`` are controls or break a limit; ``shared`` counts the
    questions compared; ``needed`` is how many more would tell where nothing can be told.
    """

    metric: str
    text: str
    setup: str | None = None
    best: str | None = None
    unbeaten: tuple[str, ...] = ()
    beaten: tuple[str, ...] = ()
    excluded: Mapping[str, str] = field(default_factory=dict)
    gap: Gap | None = None
    shared: int = 0
    needed: int | None = None

    @property
    def verdict(self) -> str:
        """The first sentence of ``text``: what to choose, or that nothing is recommended."""
        return self.text[: self._end].strip()

    @property
    def grounds(self) -> str:
        """The sentences that follow the verdict."""
        return self.text[self._end :].strip()

    @property
    def _end(self) -> int:
        """Where the first sentence ends; a title in quotation marks may hold full stops of its own."""
        depth = 0
        for at, char in enumerate(self.text):
            depth += (char == "“") - (char == "”")
            if char == "." and depth <= 0 and self.text[at + 1 : at + 2].isspace():
                return at + 1
        return len(self.text)


#: a difference that no question set is worth; what a setup must be shown to have before any of its answers counts as right
LEAST, FLOOR = 0.005, 0.05
#: names that a sentence lists, at most
MANY = 8


def _pct(value: float) -> str:
    return f"{100 * value:.0f}"


def _said(found: Candidates, names: Sequence[str]) -> str:
    return _listed([f"“{found.titles[n]}”" for n in names])


def _listed(parts: Sequence[str]) -> str:
    """The parts as a sentence lists them; of many the first ones and how many others there are."""
    if len(parts) > MANY:
        parts = [*parts[: MANY - 2], f"{len(parts) - MANY + 2} others"]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def decide(found: Candidates, metric: str, limits: Limits | None = None) -> Decision:
    """See the module's docstring."""
    limits = limits or Limits()
    out = excluded(found, limits)
    words = metric.replace("_", " ").replace("f1", "F1")
    ids = {n: {q for q, _, v in rows if v is not None} for n, rows in found.scores.items()}
    scored = [n for n in found.scores if ids[n] and n not in out]
    for name in short(ids, scored):
        out[name] = (
            f"it answered {len(ids[name])} of {max(len(ids[n]) for n in scored)} questions, too few to compare on"
        )
        scored = [n for n in scored if n != name]
    reasons = "; ".join(f"“{found.titles[n]}”: {why}" for n, why in out.items())
    if not scored:
        said = (
            f"No setup can be chosen: {reasons}."
            if out
            else f"No answer could be scored for {words}: no recommendation."
        )
        return Decision(metric, said, excluded=out)
    shared = set.intersection(*(ids[n] for n in scored))
    if not shared:
        said = f"{_said(found, scored)} share no scored question, so they cannot be compared: no recommendation."
        return Decision(metric, said, excluded=out)
    rows = {n: [r for r in found.scores[n] if r[0] in shared] for n in scored}
    means = {n: estimate(rows[n], found.clusters) for n in scored}
    order = sorted(scored, key=lambda n: -(means[n].mean or 0.0))
    notes = _notes(found, ids, shared, order, out, reasons)
    if len(scored) == 1:
        said = f"“{found.titles[order[0]]}”: {words} {_estimate(means[order[0]])} over {_count(shared)}."
        said += " With nothing to compare it with, there is no recommendation."
        return Decision(metric, f"{said}{notes}", None, order[0], tuple(order), (), out, shared=len(shared))
    pairs = _compared(rows, found.clusters, metric)
    silent = [n for n in order if not (_beats(pairs, n, SILENT) and _gap(pairs, n, SILENT).low >= FLOOR)]
    beaten = [n for n in order if n in silent or any(_beats(pairs, other, n) for other in scored)]
    unbeaten = tuple(n for n in order if n not in beaten)
    base = Decision(metric, "", None, order[0], unbeaten, tuple(beaten), out, shared=len(shared))
    if not unbeaten:
        needed = _more(pairs, order[0], SILENT, len(shared))
        said = (
            f"No recommendation: over {_count(shared)} no setup is shown to be better than one that says "
            f"“I don't know” to everything ({words} at best {_estimate(means[order[0]])}).{_wanted(needed)}"
        )
        return _with(base, f"{said}{notes}", needed=needed)
    best = unbeaten[0]
    losses = _losses(rows, found.clusters, best, unbeaten, limits.margin)
    within = [best, *(n for n, s in zip(losses, shown([*losses.values()]), strict=True) if s.verdict == "held")]
    chosen = min(within, key=lambda n: (found.cheapness(n), order.index(n)))
    rivals = [n for n in unbeaten if n != best and n not in within]
    if not beaten and rivals and chosen == best:
        counts = [m for n in rivals if (m := _more(pairs, best, n, len(shared))) is not None]
        needed = max(counts, default=None)
        named = unbeaten if len(unbeaten) <= MANY else unbeaten[: MANY - 2]
        said = (
            f"No recommendation: over {_count(shared)} none of {_said(found, unbeaten)} is shown to be better "
            f"({words} {'; '.join(_estimate(means[n]) for n in named)}).{_wanted(needed)}"
        )
        return _with(base, f"{said}{notes}", needed=needed)
    said = f"Choose “{found.titles[chosen]}”: {words} {_estimate(means[chosen])} over {_count(shared)}"
    gap = _gap(pairs, best, chosen) if chosen != best else None
    if gap:
        priced = "costs less" if found.cheapness(chosen)[0] > 0 else "needs fewer tokens"
        said += f"; it {priced} than “{found.titles[best]}” and is at most {_pct(max(0.0, losses[chosen].most))} points worse (95 %)."
    else:
        said += "."
    if beaten:
        lost = [n for n in beaten if n not in silent]
        said += (
            f" It is shown to be better than {_said(found, lost)}." if chosen in _winners(pairs, lost) and lost else ""
        )
    others = [n for n in unbeaten if n not in (chosen, best)]
    if others:
        said += f" Not shown to be worse: {_said(found, others)}."
    if silent:
        said += f" Not shown to be better than saying “I don't know” to everything: {_said(found, silent)}."
    return _with(base, f"{said}{notes}", setup=chosen, best=best, gap=gap)


def _with(base: Decision, text: str, **changes: object) -> Decision:
    return replace(base, text=text, **changes)  # type: ignore[arg-type]


def _count(questions: Collection[str]) -> str:
    return f"{len(questions)} question{'s' if len(questions) != 1 else ''}"


def _estimate(e: Estimate) -> str:
    known = e.known
    return f"{_pct(known[0])} % ({_pct(known[1])} to {_pct(known[2])})" if known else "unscored"


def _wanted(needed: int | None) -> str:
    if needed is None:
        return ""
    if not needed:
        return " More questions about further documents would tell."
    return f" About {needed:,} more question{'s' if needed != 1 else ''} would tell."


def _compared(
    rows: Mapping[str, list[Scored]], clusters: Mapping[str, str], metric: str
) -> dict[tuple[str, str], Difference]:
    """(a, b) -> b - a for every pair of setups and against silence, p corrected for their number."""
    tables = {n: table(r) for n, r in rows.items()}
    ids = sorted({q for r in rows.values() for q, _, _ in r})
    nothing = table([(q, 0, 0.0) for q in ids])
    found = [difference(a, b, metric, tables[a], tables[b], clusters) for a, b in combinations(rows, 2)]
    found = holm(found) + holm([difference(SILENT, n, metric, nothing, tables[n], clusters) for n in rows])
    return {(d.a, d.b): d for d in found}


def _losses(
    rows: Mapping[str, list[Scored]], clusters: Mapping[str, str], best: str, names: Sequence[str], margin: float
) -> dict[str, Loss]:
    """What each of the others loses to the best."""
    top = table(rows[best])
    return {n: loss(pair(top, table(rows[n]), clusters), margin) for n in names if n != best}


def _gap(pairs: Mapping[tuple[str, str], Difference], better: str, other: str) -> Gap:
    """How much better one setup is than the other."""
    d = pairs.get((other, better))
    if d is not None:
        return Gap(d.mean or 0.0, d.low or 0.0, d.high or 0.0)
    d = pairs[better, other]
    return Gap(-(d.mean or 0.0), -(d.high or 0.0), -(d.low or 0.0))


def _beats(pairs: Mapping[tuple[str, str], Difference], one: str, other: str) -> bool:
    """Whether ``one`` is shown to be better than ``other``."""
    if one == other:
        return False
    d = pairs.get((other, one)) or pairs[one, other]
    return d.shown and _gap(pairs, one, other).low > 0


def _winners(pairs: Mapping[tuple[str, str], Difference], lost: Sequence[str]) -> set[str]:
    """The setups that are shown to be better than every one of ``lost``."""
    names = {n for pair in pairs for n in pair} - {SILENT}
    return {n for n in names if all(_beats(pairs, n, other) for other in lost)}


def _more(pairs: Mapping[tuple[str, str], Difference], one: str, other: str, n: int) -> int | None:
    """How many more questions would show the difference that was seen, with 80 % power; 0 where their number would do, were they not
    about so few documents; None where there is none to show."""
    d = pairs.get((other, one)) or pairs[one, other]
    wanted = abs(d.mean or 0.0)
    needed = questions_needed(wanted, d.sd) if wanted >= (FLOOR if other == SILENT else LEAST) else None
    return max(0, needed - n) if needed else None


def _notes(
    found: Candidates,
    ids: Mapping[str, set[str]],
    shared: set[str],
    scored: Sequence[str],
    out: Mapping[str, str],
    reasons: str,
) -> str:
    """What a reader must know beside the verdict; ``scored`` are the setups with the best first."""
    notes = ""
    asked = max(len(ids[n]) for n in scored)
    few = [n for n in scored if len(ids[n]) < asked]
    if few:
        notes += f" Compared on the {len(shared)} questions that all of them answered: " + "; ".join(
            f"“{found.titles[n]}” has {len(ids[n])} of {asked}" for n in few
        )
        notes += "."
    names = scored if len(scored) > MANY else [n for n in found.scores if n in scored]
    invented = {n: found.invented[n] for n in names if found.invented.get(n, (0, 0))[1]}
    if invented:
        each = [f"“{found.titles[n]}” {made} of {of}" for n, (made, of) in invented.items()]
        told = _listed(each) if len(each) > MANY else ", ".join(each)
        notes += f" Invented an answer where the documents hold none: {told}."
    documents = {found.clusters[q] for q in shared if q in found.clusters}
    if documents and len(documents) < 10 and len(documents) * 2 <= len(shared):
        notes += f" The intervals are wide because all evidence lies in {len(documents)} document{'s' if len(documents) > 1 else ''}."
    return notes + (f" Left out: {reasons}." if out else "")
