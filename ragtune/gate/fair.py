"""Whether two sets of scores can be compared at all."""

from __future__ import annotations

from ragtune.errors import RunError
from ragtune.gate.baseline import Baseline
from ragtune.gate.outcome import GateSettings
from ragtune.judging.metrics import METRICS


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
        found.append(f"{len(changed)} question(s) with another text or reference (first: {min(changed)})")
    return found


def setups_to_check(old: Baseline, new: Baseline, settings: GateSettings) -> list[str]:
    """The setups to check; an error where nothing fair can be compared."""
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
    setups = list(settings.setups) or [s for s in old.scores if s in new.scores]
    for name in setups:
        if name not in old.scores or name not in new.scores:
            side = "baseline" if name not in old.scores else "Run"
            raise RunError(
                f'there is no setup "{name}" in the {side}.',
                where="check",
                fix=f"It has: {', '.join(old.scores if side == 'baseline' else new.scores)}.",
            )
    if not setups:
        raise RunError(
            "the Run and the baseline share no setup.", where="check", fix=f"The baseline has: {', '.join(old.scores)}."
        )
    return setups
