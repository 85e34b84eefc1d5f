from __future__ import annotations

import numpy as np
import pytest

from ragtune.analysis import few


def test_intervals_keep_their_width_where_all_agree() -> None:
    low, high = few.auc(1.0, 3, 3)
    assert 0.3 < low < 0.7
    assert high == 1.0
    assert few.auc(0.0, 3, 3) == pytest.approx((0.0, 1 - low), abs=1e-6)
    assert few.share(6, 6) == pytest.approx((0.6097, 1.0), abs=1e-4)
    low, high = few.mean_of_shares((3, 3), (3, 3))
    assert (low, high) == (pytest.approx(1 - (1 - few.share(3, 3)[0]) / 2**0.5), 1.0)


def test_intervals_shrink_with_items_and_hold_the_value() -> None:
    for value in (0.2, 0.5, 0.9, 1.0):
        widths = []
        for n in (5, 30, 300):
            low, high = few.auc(value, n, n)
            assert 0 <= low <= value <= high <= 1
            widths.append(high - low)
        assert widths == sorted(widths, reverse=True)


def test_enough_is_what_it_says() -> None:
    low, high = few.share(15, few.ENOUGH)
    assert (high - low) / 2 == pytest.approx(0.17, abs=0.005)


def test_the_interval_of_an_auc_covers_at_few_items() -> None:
    """Two normal classes 1.5 apart: AUC .8556."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        a, b = rng.normal(1.5, 1, 6), rng.normal(0, 1, 6)
        low, high = few.auc(float((a[:, None] > b).mean()), 6, 6)
        held += low <= 0.8556 <= high
    assert held / 400 > 0.92
