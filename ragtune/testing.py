"""For pytest: hold the quality of a Run in a test suite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ragtune.experiment.folder import load_run
from ragtune.gate import GateSettings, check, load_baseline, make_baseline
from ragtune.gate.output import names_of, text


def assert_no_regression(run: str | Path, baseline: str | Path, **settings: Any) -> None:
    """Fail if ``run`` regressed against ``baseline``. ``settings`` are those of `ragtune.gate.GateSettings`.

    Raises:
        AssertionError: with the lines that ``ragtune check`` prints.
        RunError: the two cannot be compared.
    """
    old, new = load_baseline(Path(baseline)), make_baseline(load_run(run))
    gate = check(old, new, GateSettings(**settings))
    if gate.code:
        raise AssertionError(text(gate, names_of(old, new)))


__all__ = ["assert_no_regression"]
