"""Whether two sets of scores can be compared at all."""

from __future__ import annotations

from ragtune.errors import RunError
from ragtune.gate.baseline import Baseline
from ragtune.gate.outcome import GateSettings
from ragtune.judging.metrics import METRICS
from ragtune.text.counts import counted


def _differences(old: Baseline, new: Baseline) -> list[str]:
    """What makes two sets of scores incomparable."""
    found = []
    if old.judge != new.judge:
        found.append("another judge or judge settings")
    missing, added = set(old.questions) - set(new.questions), set(new.questions) - set(old.questions)
    if missing or added:
        found.append(f"other questions ({len(missing)} missing, {len(added)} new)")
    changed = [q for q in set(old.questions) & set(new.questions) if old.questions[q].text != new.questions[q].text]
    if changed:
        found.append(f"{counted(len(changed), 'question')} with another text or reference (first: {min(changed)})")
    return found


def differing(old: Baseline, new: Baseline) -> tuple[str, ...]:
    """What was allowed to differ, for the reader of the verdict."""
    return tuple(_differences(old, new))


def setups_to_check(old: Baseline, new: Baseline, settings: GateSettings) -> list[str]:
    """The setups to check; an error where nothing fair can be compared."""
    _refuse_out_of_range(settings)
    unknown = [m for m in [*settings.metrics, *settings.margins, *settings.floors] if m not in METRICS]
    if unknown:
        raise RunError(f'unknown metric "{unknown[0]}".', where="check", fix=f"Known: {', '.join(METRICS)}.")
    lower = [m for m in settings.floors if not METRICS[m].higher_is_better]
    if lower:
        raise RunError(
            f"a floor on {lower[0]} makes no sense: lower is better.",
            where="check --min",
            fix="Give a margin for it instead.",
        )
    found = _differences(old, new)
    if found and not settings.allow_different:
        raise RunError(
            f"the Run and the baseline differ: {'; '.join(found)}.",
            where="check",
            fix="Save a new baseline, or pass --allow-different.",
        )
    idle = [m for m in settings.margins if not any(_scored(side, s, m) for side in (old, new) for s in side.scores)]
    if idle:
        raise RunError(f"{idle[0]} is scored neither in the baseline nor in the Run.", where="check --margin")
    setups = list(dict.fromkeys(settings.setups)) or list(old.scores)
    if not set(setups) & set(new.scores) and not settings.setups:
        raise RunError(
            "the Run and the baseline share no setup.", where="check", fix=f"The baseline has: {', '.join(old.scores)}."
        )
    for name in setups:
        if name not in old.scores or name not in new.scores:
            side = "baseline" if name not in old.scores else "Run"
            raise RunError(
                f'there is no setup "{name}" in the {side}.',
                where="check",
                fix=f"It has: {', '.join(old.scores if side == 'baseline' else new.scores)}."
                + ("" if settings.setups else " Name those to check with --setup."),
            )
        gone = [
            m
            for m in dict.fromkeys([*settings.metrics, *settings.margins])
            if _scored(old, name, m) and not _scored(new, name, m)
        ]
        if gone:
            raise RunError(
                f'"{name}" has no score of {", ".join(gone)} any more: what the baseline holds cannot be checked.',
                where="check",
                fix="Score it again, or save a new baseline.",
            )
    if not any(_scored(old, name, m) for name in setups for m in settings.metrics):
        raise RunError(
            "the baseline holds no score to compare (0 of 0).", where="check", fix="Save one from a scored Run."
        )
    return setups


def _scored(side: Baseline, setup: str, metric: str) -> bool:
    return any(value is not None for _, _, value in side.scores[setup].get(metric, ()))


def _refuse_out_of_range(settings: GateSettings) -> None:
    """Margins and floors are scores in [0, 1], limits are positive; NaN is no number."""
    shares = {"--margin": settings.margin, **{f"--margin {m}": v for m, v in settings.margins.items()}}
    shares |= {f"--min {m}": v for m, v in settings.floors.items()}
    for where, value in shares.items():
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            points = (
                f" For {value:g} points write {value / 100:g}."
                if isinstance(value, int | float) and 1 < value <= 100
                else ""
            )
            raise RunError(f"{value} is no share between 0 and 1.{points}", where=where)
    for where, limit in (("--max-latency", settings.max_latency), ("--max-cost", settings.max_cost)):
        if limit is not None and not (isinstance(limit, int | float) and 0 < limit < float("inf")):
            raise RunError(f"{limit} is no limit: a number above 0 is needed.", where=where)
