from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gate import alarms, baseline, flips, rates
from ragtune.errors import RunError
from ragtune.gate import Baseline, GateSettings, check, load_baseline, output
from ragtune.gate.baseline import FORMAT
from ragtune.store import encode

RIGHT = np.r_[np.ones(140), np.zeros(60)]


def made(values: np.ndarray, **changes: object) -> Baseline:
    return replace(baseline(values), **changes)  # type: ignore[arg-type]


def verdict(before: np.ndarray, after: np.ndarray, **settings: object) -> str:
    gate = check(baseline(before), baseline(after), GateSettings(metrics=["answer_correctness"], **settings))  # type: ignore[arg-type]
    return next(v.verdict for v in gate.verdicts if v.part == "all")


def test_the_same_run_is_held_whatever_its_size() -> None:
    for n in (5, 30, 200):
        gate = check(baseline(RIGHT[:n]), baseline(RIGHT[:n]), GateSettings(strict=True))
        assert {v.verdict for v in gate.verdicts} == {"held"}
        assert gate.code == 0


def test_a_tenth_turned_wrong_is_caught_and_random_flips_pass() -> None:
    """A short form of ``python -m benchmarks.gate``."""
    for accuracy in (0.5, 0.7, 0.9):
        caught, passed = rates(200, 60, accuracy, seed=1)
        assert caught >= 0.95
        assert passed >= 0.95


def test_a_loss_no_greater_than_the_margin_is_seldom_called_a_regression() -> None:
    """Five metrics and slices, whether they move together or not; 5 % plus simulation error."""
    for together in (0.0, 0.5, 1.0):
        assert alarms(200, 60, together) <= 0.12


def test_metrics_where_lower_is_better_are_turned_round() -> None:
    noise = 1 - RIGHT
    worse = noise.copy()
    worse[:30] = 1
    names = ("noise_sensitivity",)
    gate = check(baseline(noise, names), baseline(worse, names), GateSettings(metrics=names))
    whole = next(v for v in gate.verdicts if v.part == "all")
    assert whole.verdict == "regressed"
    assert (whole.before, whole.after) == (pytest.approx(0.3), pytest.approx(0.45))
    better = next(
        v
        for v in check(baseline(worse, names), baseline(noise, names), GateSettings(metrics=names)).verdicts
        if v.part == "all"
    )
    assert better.verdict == "held"
    with pytest.raises(RunError, match="lower is better"):
        check(
            baseline(noise, names),
            baseline(worse, names),
            GateSettings(metrics=names, floors={"noise_sensitivity": 0.1}),
        )


def test_gains_are_held_and_few_questions_are_unclear() -> None:
    better = RIGHT.copy()
    better[150:180] = 1
    assert verdict(RIGHT, better) == "held"
    few = RIGHT[120:150]
    worse = few.copy()
    worse[0] = 0
    gate = check(baseline(few), baseline(worse), GateSettings(metrics=["answer_correctness"]))
    assert gate.verdicts[0].verdict == "unclear"
    assert gate.verdicts[0].needed > 30
    assert gate.verdicts[0].flipped == ("q000",)
    assert gate.code == 0
    assert check(baseline(few), baseline(worse), GateSettings(metrics=["answer_correctness"], strict=True)).code == 1


def test_margins_decide_what_counts_as_a_loss() -> None:
    worse = flips(np.random.default_rng(0), RIGHT, 0.1, 0.0)
    assert verdict(RIGHT, worse) == "regressed"
    assert verdict(RIGHT, worse, margins={"answer_correctness": 0.2}) == "held"


def test_floors_and_ceilings_stand_beside_the_verdicts() -> None:
    same = baseline(RIGHT)
    gate = check(same, same, GateSettings(floors={"answer_correctness": 0.8}, max_latency=0.01))
    assert gate.code == 1
    assert len(gate.broken) == 2
    with pytest.raises(RunError, match="prices"):
        check(same, same, GateSettings(max_cost=1.0))
    with pytest.raises(RunError, match='latency of "rag" is unknown'):
        check(same, replace(same, latency={}), GateSettings(max_latency=1.0))
    assert "over 0.1" in check(same, replace(same, cost={"rag": 0.5}), GateSettings(max_cost=0.1)).broken[0]


def test_unfair_comparisons_are_refused() -> None:
    old = baseline(RIGHT)
    with pytest.raises(RunError, match="other questions"):
        check(old, baseline(RIGHT[:100]))
    with pytest.raises(RunError, match="another judge"):
        check(old, replace(old, judge="x"))
    changed = {**old.questions, "q000": replace(old.questions["q000"], text="new")}
    with pytest.raises(RunError, match="q000"):
        check(old, replace(old, questions=changed))
    assert check(old, baseline(RIGHT[:100]), GateSettings(allow_different=True)).code == 0
    with pytest.raises(RunError, match='no setup "x"'):
        check(old, old, GateSettings(setups=["x"]))
    with pytest.raises(RunError, match="share no setup"):
        check(old, replace(old, scores={"y": {}}))
    with pytest.raises(RunError, match="unknown metric"):
        check(old, old, GateSettings(floors={"beauty": 1.0}))


def test_what_the_run_lacks_is_refused() -> None:
    old = baseline(RIGHT, ("answer_correctness", "token_f1"))
    two = replace(old, scores={**old.scores, "naive": old.scores["rag"]})
    with pytest.raises(RunError, match='no setup "naive" in the Run'):
        check(two, old)
    assert check(two, old, GateSettings(setups=["rag"])).code == 0
    fewer = replace(old, scores={"rag": {m: v for m, v in old.scores["rag"].items() if m != "answer_correctness"}})
    with pytest.raises(RunError, match='"rag" has no score of answer_correctness any more'):
        check(old, fewer)
    nothing = {m: tuple((q, s, None) for q, s, _ in v) for m, v in old.scores["rag"].items()}
    empty = replace(old, scores={"rag": nothing})
    with pytest.raises(RunError, match="0 of 0"):
        check(empty, empty)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"margin": 5}, "For 5 points write 0.05"),
        ({"margin": float("nan")}, "no share between 0 and 1"),
        ({"margin": -0.1}, "no share between 0 and 1"),
        ({"margins": {"answer_correctness": float("nan")}}, "--margin answer_correctness"),
        ({"floors": {"answer_correctness": 90}}, "For 90 points write 0.9"),
        ({"max_latency": float("nan")}, "--max-latency"),
        ({"max_latency": -1}, "--max-latency"),
        ({"max_cost": 0}, "--max-cost"),
    ],
)
def test_limits_outside_their_range_are_refused(settings: dict[str, object], says: str) -> None:
    old = baseline(RIGHT)
    with pytest.raises(RunError) as caught:
        check(old, old, GateSettings(**settings))  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_too_much_unscored_is_its_own_failure() -> None:
    old = baseline(RIGHT)
    gate = check(old, replace(old, failed={"rag": {"answer_correctness": 30}}))
    assert gate.code == 3
    assert "15 %" in gate.unscored[0]
    assert check(old, replace(old, failed={"rag": {"answer_correctness": 5}})).code == 0


def test_what_people_and_machines_read() -> None:
    worse = flips(np.random.default_rng(0), RIGHT, 0.15, 0.0)
    old = baseline(RIGHT)
    hostile = {**old.questions, **{q: replace(v, question="<script>| a_b") for q, v in old.questions.items()}}
    old = replace(old, questions=hostile)
    gate = check(old, replace(baseline(worse), questions=hostile), GateSettings(metrics=["answer_correctness"]))
    names = output.names_of(old)
    said = output.text(gate, names)
    assert "regressed  rag, answer correctness" in said
    assert "flipped to wrong" in said
    assert said.splitlines()[-1].startswith("FAIL: ")
    page = output.markdown(gate, names)
    assert "<script>" not in page
    assert "\\|" in page
    suite = ET.fromstring(output.junit(gate))
    assert suite.get("failures") == str(len(gate.of("regressed")))
    assert json.loads(output.as_json(gate))["code"] == 1


def test_damaged_baselines_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    with pytest.raises(RunError, match="no baseline"):
        load_baseline(path)
    good = encode(baseline(RIGHT[:4]))
    for content, says in (
        ("{", "damaged"),
        ("[]", "not a baseline"),
        ("{}", "not a baseline"),
        (json.dumps({**good, "format": FORMAT + 1, "version": "9.9"}), "9.9"),
        (json.dumps({**good, "scores": 3}), "damaged"),
        (json.dumps({**good, "more": 3}), "damaged"),
        (json.dumps({k: v for k, v in good.items() if k != "format"}), "not a baseline"),
        ("[" * 100_000, "damaged"),
        *(
            (json.dumps({**good, "scores": {"rag": {"answer_correctness": [["q000", 0, value]]}}}), "damaged")
            for value in (5, -3, [1], True)
        ),
    ):
        path.write_text(content, "utf-8")
        with pytest.raises(RunError, match=says) as caught:
            load_baseline(path)
        assert "\n" not in str(caught.value)
    path.write_text(json.dumps(good), "utf-8")
    assert load_baseline(path) == baseline(RIGHT[:4])
