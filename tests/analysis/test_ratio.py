"""The share of another setup's quality that a setup keeps."""

from __future__ import annotations

import numpy as np
import pytest

from ragtune.analysis.means import Table, table
from ragtune.analysis.ratio import share_of


def scored(values: list[float]) -> Table:
    return table([(f"q{i}", 0, value) for i, value in enumerate(values)])


def test_what_follows_its_teacher_in_all_but_scale_keeps_just_that_share() -> None:
    found = share_of(scored([1.0, 0.5, 0.8, 0.2, 0.6, 0.9] * 3), scored([0.5, 0.25, 0.4, 0.1, 0.3, 0.45] * 3))
    assert found is not None
    assert found.share == pytest.approx(0.5)
    assert found.low == pytest.approx(0.5, abs=0.02)
    assert found.high == pytest.approx(0.5, abs=0.02)


def test_over_the_questions_that_both_scored_and_unknown_where_there_is_nothing_to_keep() -> None:
    whole = table([("a", 0, 1.0), ("b", 0, 1.0), ("c", 0, 0.0)])
    found = share_of(whole, table([("a", 0, 1.0), ("b", 0, 0.0), ("d", 0, 1.0)]))
    assert found is not None
    assert found.share == 0.5
    assert share_of(scored([0.0, 0.0]), scored([1.0, 1.0])) is None
    assert share_of(scored([]), scored([1.0])) is None


def test_the_interval_holds_the_true_share_in_95_of_100_samples() -> None:
    rng, held = np.random.default_rng(5), 0
    for _ in range(100):
        whole = rng.random(60) < 0.8
        part = np.where(rng.random(60) < 0.5, whole, rng.random(60) < 0.6)
        found = share_of(scored(list(map(float, whole))), scored(list(map(float, part))))
        assert found is not None
        held += found.low <= 0.875 <= (10.0 if found.high is None else found.high)
    assert held >= 90


def test_rounding_and_answers_left_unscored_under_one_seed_are_no_fault() -> None:
    whole = [1.0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 1]
    for share in (0.1, 0.3, 0.7, 0.9):
        found = share_of(scored(whole), scored([share * v for v in whole]))
        assert found is not None
        assert found.share == pytest.approx(share)
        assert found.low <= found.share <= (10.0 if found.high is None else found.high)
    ids = [f"q{i}" for i in range(20)]
    both = table([(q, seed, value) for q in ids for seed, value in ((0, 1.0), (1, 0.1))])
    found = share_of(both, table([*((q, 1, 0.09) for q in ids), ("other", 0, 1.0)]))
    assert found is not None
    assert found.share == pytest.approx(0.9)
    assert found.low <= 0.9 <= (10.0 if found.high is None else found.high)
