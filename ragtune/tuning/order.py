"""Tunings on top of one another, and their teachers: what must be there first, and which cannot be."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from ragtune.tuning.methods import METHODS
from ragtune.tuning.settings import TuningSettings

#: settings that may differ between two legs of one training
_FREE = frozenset({"lora.dropout", "virtual_text", "lora.init"})


def is_folder(start: str) -> bool:
    """Whether ``from`` names a folder; a setup otherwise."""
    return "/" in start


def refuse_order(tunings: Mapping[str, TuningSettings | None]) -> None:
    """Look at who goes on from whom, and who teaches whom.

    Raises:
        ValueError: a setup that is not there or is not tuned, a circle, or two that cannot be one adapter.
    """
    for name, tuning in tunings.items():
        if tuning is None:
            continue
        if tuning.teacher is not None:
            _refuse_unknown(name, "tuning.teacher", tuning.teacher, tunings)
            if tunings[tuning.teacher] is not None:
                raise ValueError(f'setup {name}: tuning.teacher "{tuning.teacher}" is tuned itself; a teacher is not')
        trail = [name]
        while (leg := tunings[trail[-1]]) is not None and leg.start is not None and not is_folder(leg.start):
            _refuse_unknown(trail[-1], "tuning.from", leg.start, tunings)
            before = tunings[leg.start]
            if before is None:
                raise ValueError(f'setup {trail[-1]}: tuning.from "{leg.start}" is not tuned')
            if leg.start in trail:
                raise ValueError(
                    f"setup {name}: tuning.from goes round in a circle ({' from '.join([*trail, leg.start])})"
                )
            if why := unlike(before, leg):
                raise ValueError(f'setup {trail[-1]}: it cannot go on from "{leg.start}": {why}')
            trail.append(leg.start)


def needed(tunings: Mapping[str, TuningSettings | None], name: str) -> list[str]:
    """``name``, then the setups that its tuning goes on from or is taught by, and theirs; of those that are there."""
    found = [name]
    for at in found:
        tuning = tunings[at]
        named = [tuning.start, tuning.teacher] if tuning else []
        found += [n for n in named if n is not None and n in tunings and n not in found]
    return found


def _refuse_unknown(name: str, key: str, wanted: str, known: Mapping[str, object]) -> None:
    if wanted not in known:
        near = difflib.get_close_matches(wanted, known, 1, 0.4)
        hint = f' (did you mean "{near[0]}"?)' if near else ""
        raise ValueError(f'setup {name}: {key} "{wanted}" is no setup{hint}')


def unlike(before: TuningSettings, after: TuningSettings) -> str:
    """Why a training with ``after`` cannot go on with the weights that ``before`` made; "" where it can."""
    kinds = before.method, after.method
    if kinds[0] != kinds[1] and kinds != ("p-tuning", "prompt"):
        return f"method is {kinds[0]} there and {kinds[1]} here"
    if after.method == "p-tuning":
        return "of p-tuning only the virtual tokens are kept; go on with method: prompt"
    if before.lora.init == "pissa" or after.lora.init == "pissa":
        return "lora.init: pissa begins anew, and is kept at twice its rank"
    for name in sorted(METHODS[after.method].reads - _FREE, key=lambda name: (name == "lora.alpha", name)):
        there, here = _value(before, name), _value(after, name)
        if there != here:
            return f"{name} is {there} there and {here} here"
    return ""


def _value(settings: TuningSettings, name: str) -> object:
    section, _, key = name.rpartition(".")
    if name == "lora.alpha":
        return settings.lora.alpha or 2 * settings.lora.r
    return getattr(settings.lora if section else settings, key)
