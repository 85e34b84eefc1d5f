"""Before anything is tuned: what tuning could add to the setup that retrieves, by what its wrong answers lacked."""

from __future__ import annotations

from collections.abc import Sequence

from ragtune.analysis.causes import wrong
from ragtune.analysis.few import share
from ragtune.experiment.spec import Experiment, Setup
from ragtune.records import Row
from ragtune.text.counts import counted

#: causes for which the evidence did not stand before the reader
_MISSED = ("not_retrieved", "ranked_out")


def is_control(setup: Setup) -> bool:
    """It shows what could be reached, by contexts from the evidence, or what contexts of another corpus do; it is never chosen."""
    return setup.retrieval is not None and setup.retrieval.source in ("oracle", "corpus")


def outlook(experiment: Experiment, rows: Sequence[Row]) -> str:
    """The sentence for the best setup that retrieves; "" where none does, or no question has a reference.

    What could be added is an upper bound in points of the answerable questions: every wrong answer of that kind mended.
    """
    known = [row for row in rows if row.question.answers]
    by_setup = {name: [r for r in known if r.setup == name] for name in experiment.setups}
    finds: list[str] = []
    given: list[str] = []
    for name, setup in experiment.setups.items():
        if setup.retrieval and by_setup[name] and setup.retrieval.source != "corpus":
            (given if is_control(setup) else finds).append(name)
    if not finds:
        return ""
    right = {name: sum(not wrong(r) for r in by_setup[name]) for name in [*finds, *given]}
    best = max(finds, key=lambda n: right[n] / len(by_setup[n]))
    own = by_setup[best]
    part = share(right[best], len(own))
    missed = sum(r.cause in _MISSED for r in own)
    failed = len(own) - right[best]
    text = (
        f"Before tuning: {_title(experiment, best)} has {_percent(right[best], len(own))} % right "
        f"(95 %: {100 * part[0]:.0f} to {100 * part[1]:.0f}; {counted(len(own), 'answerable question')}). "
        f"Of its {counted(failed, 'wrong answer')} {failed - missed} had the evidence before them: tuning to read could add at most "
        f"{_percent(failed - missed, len(own))} points. On {missed} retrieval missed it: better retrieval, or tuning in facts, "
        f"could add at most {_percent(missed, len(own))}."
    )
    if given:
        most = max(given, key=lambda n: right[n] / len(by_setup[n]))
        text += f" With the right passage given the reader has {_percent(right[most], len(by_setup[most]))} % right."
    return text


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}"


def _title(experiment: Experiment, name: str) -> str:
    return f"“{experiment.setups[name].title or name}”"
