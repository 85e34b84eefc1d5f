"""Trainings on top of one another: where a training goes on from, its key, and what must be trained before what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ragtune.errors import ExperimentError
from ragtune.experiment.spec import Setup
from ragtune.experiment.workbench import Workbench
from ragtune.models.names import ADAPTER_CARD, check_adapter_folder, folder_fingerprint
from ragtune.store import decode
from ragtune.tuning.order import is_folder, unlike
from ragtune.tuning.settings import TuningSettings
from ragtune.tunings import Spent, TuneCost

#: where a tuned model's folder keeps what its training took
COST = "cost.json"


def cost_of(folder: Path) -> TuneCost:
    """What the training took whose folder this is in the store."""
    return decode(TuneCost, json.loads((folder / COST).read_text("utf-8")))


def took(folder: Path, more: Spent) -> Spent | None:
    """All that the tuned model in the store's folder took, with what came before it, and ``more``; None where it was not measured."""
    if not (folder / COST).exists():
        return more  # there is none yet
    cost = cost_of(folder)
    return None if cost.before is None else Spent(cost.seconds) + cost.before + more


@dataclass(frozen=True)
class Leg:
    """A tuned model of this experiment: a setup's, under a seed."""

    name: str
    seed: int


def leg_before(setup: Setup, seed: int) -> Leg | None:
    """The tuning that this one goes on from, where it is a setup's."""
    start = setup.tuning.start if setup.tuning else None
    return Leg(start, seed) if start is not None and not is_folder(start) else None


def all_before(bench: Workbench, setup: Setup, seed: int) -> Iterator[Setup]:
    """The setups of this experiment whose tunings this one goes on from, the nearest first."""
    while leg := leg_before(setup, seed):
        setup = bench.setup(leg.name)
        yield setup


def folder_before(setup: Setup) -> Path | None:
    """The adapter's folder that this tuning goes on from, where one is named."""
    start = setup.tuning.start if setup.tuning else None
    return Path(start).expanduser() if start is not None and is_folder(start) else None


def folder_key(folder: Path) -> str:
    """What identifies an adapter's folder.

    Raises:
        ExperimentError: there is none.
    """
    if not (folder / ADAPTER_CARD).exists():
        raise ExperimentError(
            f"this folder holds no adapter of ragtune (it lacks {ADAPTER_CARD}).", where=folder, fix="Mend tuning.from."
        )
    return folder_fingerprint(folder)


def refuse_other_base(bench: Workbench, name: str, setup: Setup) -> None:
    """Raises RagtuneError where a training cannot go on from what its ``from`` names: other weights below, or another kind."""
    before, folder = leg_before(setup, 0), folder_before(setup)
    own = bench.ref(setup.generator.model)
    if before and bench.ref(bench.setup(before.name).generator.model).fingerprint != own.fingerprint:
        raise ExperimentError(
            f'setup {name}: tuning.from "{before.name}" is tuned on another model.',
            fix="Give both the same generator.model.",
        )
    if folder:
        folder_key(folder)
        check_adapter_folder(folder, own)
        held = json.loads((folder / ADAPTER_CARD).read_text("utf-8"))["settings"]
        why = unlike(TuningSettings.model_validate(held), setup.tuning) if setup.tuning else ""
        if why:
            raise ExperimentError(f"setup {name}: it cannot go on from this adapter: {why}.", where=folder)


def in_order(bench: Workbench, wanted: Iterable[tuple[str, int]]) -> list[list[tuple[str, int]]]:
    """``wanted`` (setup, seed) in waves, with what they go on from: each wave needs those before it alone."""
    depth: dict[tuple[str, int], int] = {}

    def place(name: str, seed: int) -> int:
        if (name, seed) not in depth:
            before = leg_before(bench.setup(name), seed)
            depth[name, seed] = place(before.name, before.seed) + 1 if before else 0
        return depth[name, seed]

    for name, seed in wanted:
        place(name, seed)
    return [[leg for leg, at in depth.items() if at == n] for n in range(max(depth.values(), default=-1) + 1)]
