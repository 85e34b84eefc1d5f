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


def test_six_perfect_labels_say_little() -> None:
    found = agreement([0.9, 0.8, 0.7, 0.3, 0.2, 0.1], rows([True] * 3 + [False] * 3), 0.5)
    assert found.few
    for measure in (found.auc, found.accuracy, found.balanced, found.balanced_best, found.kappa):
        assert measure.value == measure.high == 1.0
        assert measure.low < 0.75
    many = agreement([0.9 if x else 0.1 for x in [True, False] * 30], rows([True, False] * 30), 0.5)
    assert not many.few
    assert found.auc.low < many.auc.low < 1.0


def test_measures_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import accuracy_score, cohen_kappa_score, roc_auc_score

    rng = np.random.default_rng(1)
    labels = rng.random(200) < 0.4
    support = np.round(rng.random(200) * 0.5 + labels * 0.3, 1)  # with ties
    found = agreement(list(support), rows([bool(x) for x in labels]), 0.5)
    assert found.auc.value == pytest.approx(roc_auc_score(labels, support), abs=1e-4)
    assert found.kappa.value == pytest.approx(cohen_kappa_score(labels, support >= 0.5), abs=1e-4)
    assert found.accuracy.value == pytest.approx(accuracy_score(labels, support >= 0.5), abs=1e-4)


def test_thresholds_and_bins() -> None:
    support, labels = np.array([0.1, 0.2, 0.8, 0.9]), np.array([0.0, 0.0, 1.0, 1.0])
    assert 0.2 < best_threshold(support, labels) <= 0.8
    error, bins = calibration(support, labels)
    assert sum(b.count for b in bins) == 4
    assert error == pytest.approx(0.15)
