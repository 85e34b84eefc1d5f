"""The gate: a Run against a stored Baseline."""

from ragtune.gate.baseline import Baseline, load_baseline, make_baseline, save_baseline
from ragtune.gate.outcome import Gate, GateSettings, Verdict
from ragtune.gate.verdicts import check

__all__ = ["Baseline", "Gate", "GateSettings", "Verdict", "check", "load_baseline", "make_baseline", "save_baseline"]
