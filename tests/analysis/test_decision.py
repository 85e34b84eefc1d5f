from __future__ import annotations

import pytest

from ragtune.analysis.costs import CostSettings, Limits, break_even, break_evens, cost_of
from ragtune.analysis.decision import decide

PRICES = CostSettings(machine_hour=3.6, questions_per_day=100, refreshes_per_month=2)


def test_costs_add_up() -> None:
    found = cost_of(PRICES, seconds=2.0, prompt=500, answer=20, tuning_seconds=3600, correct=0.5)
    assert found["question"] == pytest.approx(0.002)
    assert found["tuning"] == pytest.approx(3.6)
    assert found["spread"] == pytest.approx(3.6 * 2 / (100 * 30.44))
    assert found["correct"] == pytest.approx(2 * found["total"])
    tokens = CostSettings(prompt_1k_tokens=0.01, answer_1k_tokens=0.03)
    assert cost_of(tokens, 9.0, 1000, 1000, 0.0, None) == {
        "question": 0.04,
        "tuning": 0.0,
        "spread": 0.0,
        "total": 0.04,
        "correct": None,
    }
    assert CostSettings(watts=500, kwh=0.2).hour == pytest.approx(0.1)


def test_break_even_is_where_both_cost_the_same() -> None:
    rag = cost_of(PRICES, 4.0, 0, 0, 0.0, 0.8)
    tuned = cost_of(PRICES, 1.0, 0, 0, 7200, 0.8)
    at = break_even(PRICES, rag, tuned)
    assert at is not None
    there = PRICES.model_copy(update={"questions_per_day": at})
    assert cost_of(there, 4.0, 0, 0, 0.0, 0.8)["total"] == pytest.approx(cost_of(there, 1.0, 0, 0, 7200, 0.8)["total"])
    assert break_even(PRICES, rag, rag) is None
    assert break_evens(PRICES, {"rag": rag, "tuned": tuned}) == [
        {"a": "rag", "b": "tuned", "questions_per_day": at, "above": "tuned"}
    ]


def summary(low: float, p: float = 0.01) -> dict[str, object]:
    e = {"mean": 0.5, "low": 0.4, "high": 0.6, "n": 10, "unscored": 0}
    d = {"a": "a", "b": "b", "metric": "m", "mean": 0.1, "low": low, "high": 0.2, "p_holm": p}
    scores = {
        "a": {"m": e, "faithfulness": {"mean": 0.9}},
        "b": {"m": {**e, "mean": 0.6}, "faithfulness": {"mean": 0.4}},
    }
    return {
        "scores": scores,
        "setups": {"a": "A", "b": "B"},
        "differences": [d],
        "tokens": {n: {"prompt": t, "answer": 1} for n, t in (("a", 10), ("b", 99))},
    }


def test_the_interval_and_the_test_must_agree() -> None:
    assert decide(summary(0.05), "m")["setup"] == "b"
    assert decide(summary(0.05, p=0.2), "m")["setup"] == "a"
    assert "No difference shown" in decide(summary(0.05, p=0.2), "m")["text"]
    assert "-0.00" not in decide(summary(-0.004), "m")["text"]


def test_limits_leave_setups_out_with_the_reason() -> None:
    faithful = decide(summary(0.05), "m", Limits(min_faithfulness=0.5))
    assert faithful["setup"] == "a"
    assert "faithfulness 0.40 is under 0.5" in faithful["excluded"]["b"]
    assert "Left out: “B”" in faithful["text"]
    slow = {
        **summary(0.05),
        "latency": {"a": {"p50": 0.1}, "b": {"p50": 3.0}},
        "costs": {"a": {"total": 2.0}, "b": {"total": 0.1}},
    }
    assert "latency" in decide(slow, "m", Limits(max_latency=1.0))["excluded"]["b"]
    assert decide(slow, "m", Limits(max_cost=1.0))["setup"] == "b"
    none = decide(slow, "m", Limits(max_cost=1.0, max_latency=1.0))
    assert none["setup"] is None
    assert "No setup keeps the limits" in none["text"]


def test_prices_decide_between_equals() -> None:
    priced = {**summary(-0.1), "costs": {"a": {"total": 0.2}, "b": {"total": 0.1}}}
    assert decide(priced, "m")["setup"] == "b"
    assert decide(summary(-0.1), "m")["setup"] == "a"
