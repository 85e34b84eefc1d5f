from __future__ import annotations

import re

import numpy as np

from ragtune.analysis.agreement import agreement
from ragtune.corpus.labelled import judged
from ragtune.experiment.calibration import Evaluation
from ragtune.report.agreement import page, reliability


def evaluation(values: list[float]) -> Evaluation:
    chance = np.random.default_rng(0)
    said = [bool(chance.random() < v) for v in values]
    said[:2] = [True, False]
    rows = [judged(f"q{n}", f"What {n}?", ["x"], "x", right, f"q{n}") for n, right in enumerate(said)]
    return Evaluation("mine", "answer_correctness", agreement(values, rows, 0.5))


def test_reliability_has_its_line_of_comparison_and_a_legend() -> None:
    made = evaluation([n / 60 for n in range(60)])
    assert reliability(made.found).count('class="line') == 2
    whole = page("local", [made])
    [legend] = re.findall(r'<ul class="legend">.*?</ul>', whole)
    assert "judge" in legend
    assert "a value means what it says" in legend


def test_two_values_are_no_curve() -> None:
    made = evaluation([0.05] * 10 + [0.95] * 10)
    assert len(made.found.bins) == 2
    assert reliability(made.found) == ""
    assert "too few different values for a curve" in page("local", [made])
