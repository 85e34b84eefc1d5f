from __future__ import annotations

import numpy as np
import pytest

from ragtune.analysis.agreement import agreement, best_threshold, calibration
from ragtune.corpus.labelled import Labelled, labelled


def rows(labels: list[bool]) -> list[Labelled]:
    return [labelled(str(i), "", "a", ("c",), x, "") for i, x in enumerate(labels)]


def test_perfect_and_useless_judges() -> None:
    labels = [True, False] * 50
    perfect = agreement([0.9 if x else 0.1 for x in labels], rows(labels), 0.5)
    assert (perfect.auc.value, perfect.balanced.value, perfect.kappa.value) == (1.0, 1.0, 1.0)
    assert perfect.ece.value == pytest.approx(0.1, abs=1e-6)
    rng = np.random.default_rng(0)
    useless = agreement(list(rng.random(100)), rows(labels), 0.5)
    assert useless.auc.low < 0.5 < useless.auc.high
    assert useless.balanced_best.value >= useless.balanced.value


def test_thresholds_and_bins() -> None:
    support, labels = np.array([0.1, 0.2, 0.8, 0.9]), np.array([0.0, 0.0, 1.0, 1.0])
    assert 0.2 < best_threshold(support, labels) <= 0.8
    error, bins = calibration(support, labels)
    assert sum(b.count for b in bins) == 4
    assert error == pytest.approx(0.15)
