from __future__ import annotations

from dataclasses import replace

import pytest

from ragtune.analysis.costs import (
    BreakEven,
    Cost,
    Costs,
    CostSettings,
    Latency,
    Limits,
    break_even,
    break_evens,
    cost_of,
)
from ragtune.analysis.decision import Candidates, Decision, decide
from ragtune.analysis.differences import Difference
from ragtune.analysis.means import Estimate

PRICES = CostSettings(machine_hour=3.6, questions_per_day=100, refreshes_per_month=2)


def test_costs_add_up() -> None:
    found = cost_of(PRICES, seconds=2.0, prompt=500, answer=20, tuning_seconds=3600, correct=0.5)
    assert found.question == pytest.approx(0.002)
    assert found.tuning == pytest.approx(3.6)
    assert found.spread == pytest.approx(3.6 * 2 / (100 * 30.44))
    assert found.correct == pytest.approx(2 * found.total)
    tokens = CostSettings(prompt_1k_tokens=0.01, answer_1k_tokens=0.03)
    assert cost_of(tokens, 9.0, 1000, 1000, 0.0, None) == Cost(0.04, 0.0, 0.0, 0.04, None)
    assert CostSettings(watts=500, kwh=0.2).hour == pytest.approx(0.1)


def test_break_even_is_where_both_cost_the_same() -> None:
    rag = cost_of(PRICES, 4.0, 0, 0, 0.0, 0.8)
    tuned = cost_of(PRICES, 1.0, 0, 0, 7200, 0.8)
    at = break_even(PRICES, rag, tuned)
    assert at is not None
    there = PRICES.model_copy(update={"questions_per_day": at})
    assert cost_of(there, 4.0, 0, 0, 0.0, 0.8).total == pytest.approx(cost_of(there, 1.0, 0, 0, 7200, 0.8).total)
    assert break_even(PRICES, rag, rag) is None
    assert break_evens(PRICES, {"rag": rag, "tuned": tuned}) == (BreakEven("rag", "tuned", at, "tuned"),)


def candidates(low: float, p: float = 0.01) -> Candidates:
    e = Estimate(0.5, 0.4, 0.6, 10)
    scores = {
        "a": {"m": e, "faithfulness": replace(e, mean=0.9)},
        "b": {"m": replace(e, mean=0.6), "faithfulness": replace(e, mean=0.4)},
    }
    d = Difference("a", "b", "m", 0.1, low, 0.2, 10, 5, 3, 2, p_holm=p)
    return Candidates({"a": "A", "b": "B"}, scores, [d], {"a": 11.0, "b": 100.0})


def measured(latency: dict[str, float], total: dict[str, float]) -> Costs:
    costs = {n: Cost(t, 0.0, 0.0, t, None) for n, t in total.items()}
    return Costs(CostSettings(), {n: Latency(s, s) for n, s in latency.items()}, costs, ())


def of(found: Candidates, **limits: float) -> Decision:
    return decide(found, "m", Limits.model_validate(limits))


def test_the_interval_and_the_test_must_agree() -> None:
    assert of(candidates(0.05)).setup == "b"
    unclear = of(candidates(0.05, p=0.2))
    assert unclear.setup == "a"
    assert "No difference shown" in unclear.text
    assert of(candidates(-0.05)).setup == "a"
    assert "-0.00" not in of(candidates(-0.004)).text


def test_one_setup_or_none_that_is_scored() -> None:
    both = candidates(0.05)
    alone = replace(both, scores={"a": both.scores["a"]}, differences=[])
    assert "only setup" in of(alone).text
    nothing = of(replace(both, scores={"a": {}}, differences=[]))
    assert nothing.setup is None
    assert "No setup could be scored" in nothing.text


def test_limits_leave_setups_out_with_the_reason() -> None:
    faithful = of(candidates(0.05), min_faithfulness=0.5)
    assert faithful.setup == "a"
    assert "faithfulness 0.40 is under 0.5" in faithful.excluded["b"]
    assert "Left out: “B”" in faithful.text
    slow = replace(candidates(0.05), costs=measured({"a": 0.1, "b": 3.0}, {"a": 2.0, "b": 0.1}))
    assert "latency" in of(slow, max_latency=1.0).excluded["b"]
    assert of(slow, max_cost=1.0).setup == "b"
    none = of(slow, max_cost=1.0, max_latency=1.0)
    assert none.setup is None
    assert "No setup keeps the limits" in none.text


def test_prices_decide_between_equals() -> None:
    priced = replace(candidates(-0.1), costs=measured({}, {"a": 0.2, "b": 0.1}))
    assert of(priced).setup == "b"
    assert of(candidates(-0.1)).setup == "a"
