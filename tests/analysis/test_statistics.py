from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from statsmodels.stats.multitest import multipletests

from benchmarks.intervals import mean_coverage, paired_rates
from ragtune.analysis.differences import (
    Paired,
    bound,
    difference,
    effective_tests,
    holm,
    holm_values,
    moved,
    tail_bound,
)
from ragtune.analysis.means import Table, estimate, table
from ragtune.analysis.power import power, questions_needed, smallest_difference


def test_estimates_count_unscored_and_average_seeds() -> None:
    made = estimate([("a", 0, 1.0), ("a", 1, 0.0), ("b", 0, 1.0), ("c", 0, None)])
    assert (made.mean, made.n, made.unscored) == (0.75, 2, 1)
    assert made.low <= 0.75 <= made.high  # type: ignore[operator]
    assert estimate([("a", 0, None)]).mean is None
    assert (estimate([("a", 0, 0.5)]).low, estimate([("a", 0, 0.5)]).high) == (0.0, 1.0)  # one question shows nothing


def scored(values: dict[str, float]) -> Table:
    return table([(k, 0, v) for k, v in values.items()])


def test_questions_of_one_document_count_less() -> None:
    rng = np.random.default_rng(0)
    level = np.repeat(rng.random(25), 4)
    values = [(str(i), 0, float(v > 0.5)) for i, v in enumerate(level)]
    alone, together = estimate(values), estimate(values, {str(i): str(i // 4) for i in range(100)})
    assert alone.mean == together.mean
    assert together.high - together.low > 1.5 * (alone.high - alone.low)  # type: ignore[operator]


def test_seeds_are_a_second_level() -> None:
    steady = [(str(q), s, float(q % 2)) for q in range(60) for s in range(3)]
    shaky = [(str(q), s, min(1.0, 0.2 + 0.3 * s)) for q in range(60) for s in range(3)]
    a, b = estimate(steady), estimate(shaky)
    assert a.high - a.low < 0.27  # type: ignore[operator]
    assert b.high - b.low > 0.6  # three seeds that disagree about everything show little  # type: ignore[operator]


def test_differences_are_paired() -> None:
    a = {str(i): float(i % 2) for i in range(40)}
    b = {k: v + 0.25 for k, v in a.items()} | {"other": 9.0}
    d = difference("a", "b", "m", scored(a), scored(b))
    assert (d.mean, d.n, d.wins, d.losses) == (0.25, 40, 40, 0)
    assert 0.2 < d.low <= 0.25 <= d.high <= 0.26  # type: ignore[operator]
    assert holm([d])[0].shown
    assert difference("a", "b", "m", scored(a), scored({})).n == 0
    same = difference("a", "b", "m", scored(a), scored(a))
    assert not same.shown
    assert (same.mean, same.p) == (0.0, 1.0)
    assert same.low < 0 < same.high  # type: ignore[operator]


def test_a_difference_turns_its_sign_with_its_sides() -> None:
    rng = np.random.default_rng(1)
    a, b = ({str(i): float(v) for i, v in enumerate(rng.integers(0, 2, 80))} for _ in range(2))
    one, other = difference("a", "b", "m", scored(a), scored(b)), difference("b", "a", "m", scored(b), scored(a))
    assert one.mean == -other.mean  # type: ignore[operator]
    assert abs(one.low + other.high) < 1e-4  # type: ignore[operator]
    assert one.p == other.p


def test_the_score_statistic_uses_the_constrained_maximum_likelihood() -> None:
    """Tango's closed form against a numerical search for the most likely losses, given the difference."""
    values = [1.0] * 12 + [-1.0] * 2 + [0.0] * 36
    state = moved(Paired(tuple(map(str, range(50))), np.array(values)[:, None], np.arange(50)))
    assert (round(state.gains), round(state.losses), round(state.n), state.scale) == (12, 2, 50, 1.0)
    for theta in (-0.1, 0.0, 0.1, 0.3):

        def unlikely(rate: float, theta: float = theta) -> float:
            return -(12 * math.log(rate + theta) + 2 * math.log(rate) + 36 * math.log(1 - 2 * rate - theta))

        rate = minimize_scalar(
            unlikely,
            bounds=(max(0.0, -theta) + 1e-9, (1 - theta) / 2 - 1e-9),
            method="bounded",
            options={"xatol": 1e-10},
        ).x
        expected = (10 - 50 * theta) / math.sqrt(50 * (2 * rate + theta - theta**2))
        assert state.statistic(theta) == pytest.approx(expected, abs=1e-4)
    low, high = (bound(replace(state, df=1e9), upper=u, level=0.975) for u in (False, True))
    assert state.statistic(low) == pytest.approx(1.959964, abs=1e-4)
    assert state.statistic(high) == pytest.approx(-1.959964, abs=1e-4)


def test_holm_corrects_for_the_comparisons_asked_for() -> None:
    rng = np.random.default_rng(0)
    base = {str(i): float(v) for i, v in enumerate(rng.integers(0, 2, 60))}
    made = [
        difference("a", str(k), "m", scored(base), scored({q: min(1.0, v + (int(q) < 6 + k)) for q, v in base.items()}))
        for k in range(4)
    ]
    corrected = holm(made)
    assert all(c.p_holm >= m.p for c, m in zip(corrected, made, strict=True))
    assert min(c.p_holm for c in corrected) == pytest.approx(min(1.0, 4 * min(m.p for m in made)))
    assert holm([]) == []
    values = [0.04, 0.001, 0.04, 0.9, 0.011]
    assert holm_values(values) == pytest.approx(list(multipletests(values, method="holm")[1]))


def test_tests_that_move_together_count_as_fewer() -> None:
    rng = np.random.default_rng(3)
    alone = [rng.normal(size=4000) for _ in range(5)]
    assert effective_tests([alone[0]] * 5) == pytest.approx(1)
    assert effective_tests([alone[0], -alone[0], alone[0] * 3]) == pytest.approx(1)
    assert 4.5 <= effective_tests(alone) <= 6
    assert 1.9 <= effective_tests([alone[0]] * 3 + [alone[1]] * 2) <= 3.1  # coarse, on the safe side
    assert effective_tests([np.zeros(9), np.ones(9)]) == effective_tests([]) == 1  # nothing moves
    values = [0.04, 0.001, 0.04, 0.9, 0.011]
    assert holm_values(values, 1.0) == values
    assert all(a <= b for a, b in zip(holm_values(values, 2.5), holm_values(values), strict=True))


def test_power_grows_with_questions() -> None:
    small, large = smallest_difference(50), smallest_difference(500)
    assert small is not None
    assert large is not None
    assert small > large > 0
    assert questions_needed(large) in range(495, 506)
    assert smallest_difference(2) is None
    assert questions_needed(0.0) is None
    assert questions_needed(0.1, 0.0) == 3
    assert questions_needed(0.05) in range(940, 965)  # statsmodels' solver says 952
    assert smallest_difference(3) is None  # 180 points: nothing that a score can differ by


def test_power_is_solved_for_every_number_of_questions() -> None:
    found = [smallest_difference(n, 1.0) for n in range(1, 20_001)]
    known = [(n, x) for n, x in enumerate(found, 1) if x is not None]
    assert [n for n, _ in known] == list(range(known[0][0], 20_001))
    assert known[0][0] < 13
    sizes = [x for _, x in known]
    assert sizes == sorted(sizes, reverse=True)
    assert all(abs(power(x, n) - 0.8) < 0.005 for n, x in known)


def test_intervals_and_tests_keep_their_promise_in_simulation() -> None:
    """A short form of ``python -m benchmarks.intervals``: every cell within simulation error."""
    rng = np.random.default_rng(5)
    for kind, mean, n, clustered in (
        ("binary", 0.05, 100, False),
        ("binary", 0.5, 100, True),
        ("continuous", 0.95, 100, True),
        ("mixed", 0.5, 30, False),
    ):
        covered = mean_coverage(rng, kind, mean, n, clustered, 400)
        assert (0.90 if n < 100 else 0.905) <= covered <= 1.0, (kind, mean, n, clustered)
        covers, alarms = paired_rates(rng, kind, mean, n, clustered, 200, 0.0)
        assert covers >= 0.90, (kind, mean, n, clustered)
        assert alarms <= 0.09, (kind, mean, n, clustered)


def test_below_what_samples_can_tell_p_is_bounded_by_the_tail() -> None:
    rng = np.random.default_rng(2)
    for n in (10, 13, 16):
        sums = np.where(rng.random(n) < 0.9, 1.0, -1.0) * rng.uniform(0.2, 1.0, n)
        signs = 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1) - 1
        exact = float((np.abs(signs @ sums) >= abs(sums.sum()) - 1e-9).mean())
        assert exact <= tail_bound(sums) <= 20 * exact
    assert tail_bound(np.ones(40)) == pytest.approx(2 * 2.0**-40)
    assert tail_bound(np.array([1.0, -1.0])) == 1.0


def test_among_forty_setups_one_that_is_far_better_is_shown_to_be() -> None:
    good = [1.0] * 60 + [0.0] * 20
    rows = {f"s{n}": [(f"q{i}", 0, float((i + 7 * n) % 80 < 20)) for i in range(80)] for n in range(39)}
    tables = {name: table(scores) for name, scores in rows.items()} | {
        "best": table([(f"q{i}", 0, v) for i, v in enumerate(good)])
    }
    found = holm([difference(a, b, "m", tables[a], tables[b]) for a, b in combinations(tables, 2)])
    assert len(found) == 780
    assert all(d.shown for d in found if d.b == "best")
