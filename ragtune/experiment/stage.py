"""Steps and how they are filled: what a stage needs is said once, for the plan that counts and the run that computes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragtune.experiment.workbench import Workbench
from ragtune.store import encode

#: the records of a batch by key, stored in one write; or one by one, each stored as it comes
Made = Mapping[str, object] | Iterable[tuple[str, object]]


@dataclass(frozen=True)
class Step:
    """A part of a stage with a key of its own in the store.

    ``items`` are the keys of what its log must hold; none: it is one artifact. ``label`` is what progress calls it.
    """

    stage: str
    key: str
    items: tuple[str, ...] = ()
    label: str = ""

    def stored(self, bench: Workbench) -> int:
        """How many of its items (of its one artifact) are in the store."""
        if not self.items:
            return int(bench.store.has(self.stage, self.key))
        held = bench.store.log(self.stage, self.key).items
        return sum(item in held for item in dict.fromkeys(self.items))


def fill(
    bench: Workbench,
    step: Step,
    compute: Callable[[Sequence[str]], Made],
    batches: int | Callable[[], Iterable[Sequence[str]]],
) -> Mapping[str, Any]:
    """The step's items by key, as plain JSON; what is missing is computed and stored batch by batch.

    Args:
        compute: the records of a batch by key; those not missing may be left out. What comes one by one is kept one by one,
            so that a failure loses nothing that came before it.
        batches: how many missing keys make a batch; or, where an item depends on its batch, the batches of all keys, stored
            or not, so that a resumed run computes what an undisturbed one would; asked for only if something is missing.
    """
    log = bench.store.log(step.stage, step.key)
    order = log.missing(step.items)
    absent = set(order)
    with bench.timed(step.stage) as work:
        work.reused += len(set(step.items)) - len(absent)
        if absent:
            cut = _cut(order, batches) if isinstance(batches, int) else batches()
            with bench.progress.stage(step.label, len(absent)) as tick:
                for batch in cut:
                    missing = [key for key in batch if key in absent]
                    if missing:
                        made = compute(batch)
                        parts = [made] if isinstance(made, Mapping) else ({key: record} for key, record in made)
                        for part in parts:
                            added = {key: encode(part[key]) for key in missing if key in part}
                            log.add(added)
                            work.computed += len(added)
                            tick(len(added))
    return log.items


def _cut(keys: Sequence[str], size: int) -> list[Sequence[str]]:
    return [keys[at : at + size] for at in range(0, len(keys), size)]
