from __future__ import annotations

import re

import numpy as np
import pytest

from ragtune.analysis.candidates import Candidates
from ragtune.analysis.costs import (
    BreakEven,
    Cost,
    Costs,
    CostSettings,
    Limits,
    break_even,
    break_evens,
    cost_of,
)
from ragtune.analysis.decision import Decision, decide
from ragtune.analysis.latency import Latency
from ragtune.analysis.means import Scored

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


def scored(right: int, of: int, start: int = 0) -> list[Scored]:
    """``of`` questions from number ``start`` on, the first ``right`` of them right."""
    return [(f"q{start + n:03d}", 0, float(n < right)) for n in range(of)]


def of(scores: dict[str, list[Scored]], tokens: dict[str, float] | None = None, **more: object) -> Decision:
    limits = Limits.model_validate({k: v for k, v in more.items() if k in Limits.model_fields})
    other = {k: v for k, v in more.items() if k not in Limits.model_fields}
    sizes = tokens or dict.fromkeys(scores, 10.0)
    return decide(Candidates({n: n for n in scores}, scores, sizes, **other), "answer_correctness", limits)  # type: ignore[arg-type]


def measured(latency: dict[str, float], total: dict[str, float]) -> Costs:
    costs = {n: Cost(t, 0.0, 0.0, t, None) for n, t in total.items()}
    return Costs(CostSettings(), {n: Latency(s, s) for n, s in latency.items()}, costs, ())


def test_a_setup_that_is_shown_to_be_worse_is_beaten() -> None:
    found = of({"good": scored(90, 120), "bad": scored(40, 120)}, {"good": 90.0, "bad": 1.0})
    assert (found.setup, found.unbeaten, found.beaten) == ("good", ("good",), ("bad",))
    assert found.text.startswith("Choose “good”: answer correctness 75 % (")
    assert "shown to be better than “bad”" in found.text


def test_silence_never_wins() -> None:
    """Seven questions, nothing right: the cheapest setup withheld everything."""
    found = of({"prompt-only": scored(0, 7), "rag": scored(2, 7)}, {"prompt-only": 1.0, "rag": 99.0})
    assert found.setup is None
    assert "prompt-only" not in found.unbeaten
    assert "No recommendation" in found.text
    many = of({"prompt-only": scored(0, 60), "rag": scored(30, 60)}, {"prompt-only": 1.0, "rag": 99.0})
    assert (many.setup, many.unbeaten) == ("rag", ("rag",))
    assert "Not shown to be better than saying “I don't know” to everything: “prompt-only”" in many.text


def test_the_cheapest_within_the_margin_and_what_it_may_cost() -> None:
    rows = {"best": scored(300, 400), "lean": scored(299, 400)}
    found = of(rows, {"best": 90.0, "lean": 10.0})
    assert (found.setup, found.best) == ("lean", "best")
    assert re.search(r"at most [123] points worse \(95 %\)", found.text)
    assert found.gap
    assert found.gap.high <= 0.05
    assert of(rows, {"best": 90.0, "lean": 10.0}, margin=0.0).setup is None  # nothing is shown, nothing may be lost
    priced = of(rows, costs=measured({}, {"best": 0.1, "lean": 0.2}))
    assert priced.setup == "best"


def test_nothing_shown_is_no_recommendation_and_says_what_would_tell() -> None:
    found = of({"a": scored(14, 20), "b": [(q, s, 1 - v if q < "q004" else v) for q, s, v in scored(14, 20)]})  # type: ignore[operator]
    assert found.setup is None
    assert set(found.unbeaten) == {"a", "b"}
    assert found.needed
    assert f"About {found.needed:,} more questions would tell" in found.text


def test_only_shared_questions_count_and_the_rest_is_said() -> None:
    """30 answers with 10 right against a file that holds just those 10."""
    found = of({"full": scored(10, 30), "partial": scored(10, 10)})
    assert found.shared == 10
    assert "Compared on the 10 questions" in found.text
    assert "“partial” has 10 of 30" in found.text
    assert "100 %" not in found.text.split("“partial” has")[0] or found.setup in (None, "full", "partial")
    apart = of({"a": scored(5, 10), "b": scored(5, 10, start=100)})
    assert apart.setup is None
    assert "share no scored question" in apart.text


def test_one_setup_alone_is_no_choice() -> None:
    found = of({"rag": scored(30, 50)})
    assert found.setup is None
    assert "nothing to compare it with" in found.text
    assert of(
        {"rag": [("q", 0, None)]}
    ).text == "No answer could be scored for answer_correctness: no recommendation.".replace("_", " ")


def test_invented_answers_are_told() -> None:
    found = of({"a": scored(90, 120), "b": scored(40, 120)}, invented={"a": (11, 30), "b": (0, 30)})
    assert "Invented an answer where the documents hold none: “a” 11 of 30, “b” 0 of 30" in found.text


def test_few_documents_are_said() -> None:
    clusters = {f"q{n:03d}": f"d{n % 2}" for n in range(40)}
    assert "lies in 2 documents." in of({"a": scored(20, 40), "b": scored(10, 40)}, clusters=clusters).text


def test_limits_leave_setups_out_with_the_reason() -> None:
    rows = {"a": scored(60, 120), "b": scored(100, 120)}
    faithful = of(rows, min_faithfulness=0.5, faithfulness={"a": 0.9, "b": 0.4})
    assert faithful.excluded == {"b": "faithfulness 0.40 is under 0.5"}
    assert "Left out: “b”" in faithful.text
    costs = measured({"a": 0.1, "b": 3.0}, {"a": 2.0, "b": 0.1})
    assert "latency" in of(rows, max_latency=1.0, costs=costs).excluded["b"]
    unknown = of(rows, max_latency=1.0)
    assert set(unknown.excluded) == set(rows)
    assert "unknown" in unknown.excluded["b"]
    none = of(rows, max_latency=1.0, max_cost=1.0, costs=costs)
    assert none.setup is None
    assert "No setup can be chosen" in none.text


def test_a_control_is_never_chosen() -> None:
    rows = {"rag": scored(60, 120), "oracle": scored(110, 120), "plain": scored(10, 120)}
    found = decide(
        Candidates({n: n for n in rows}, rows, dict.fromkeys(rows, 1.0), controls=("oracle",)), "answer_correctness"
    )
    assert found.setup == "rag"
    assert "a control, whose contexts come from the evidence" in found.excluded["oracle"]
    assert (
        "No setup can be chosen"
        in decide(Candidates({"oracle": "o"}, {"oracle": rows["oracle"]}, {}, controls=("oracle",)), "m").text
    )


def test_a_worse_setup_is_seldom_named_and_a_detectable_gap_is_seen() -> None:
    """Simulated over known truths: 80 % power at the smallest detectable gap, under 5 % wrong sides."""
    rng = np.random.default_rng(3)
    n, wrong, seen, runs = 150, 0, 0, 120
    for _ in range(runs):
        base = rng.random(n) < 0.6
        worse = base & (rng.random(n) > 0.30)
        found = of(
            {m: [(f"q{i}", 0, float(v)) for i, v in enumerate(x)] for m, x in (("good", base), ("bad", worse))},
            {"good": 9.0, "bad": 1.0},
        )
        wrong += found.setup == "bad"
        seen += found.beaten == ("bad",)
    assert wrong / runs <= 0.05
    assert seen / runs >= 0.8


def constant(value: float, of: int = 40) -> list[Scored]:
    return [(f"q{n:03d}", 0, value) for n in range(of)]


def test_a_system_wrong_on_everything_is_never_chosen() -> None:
    """A wrong answer scores a little above 0; withholding scores exactly 0."""
    found = of({"yes": constant(0.0198), "number": constant(0.00025)})
    assert found.setup is None
    assert found.needed is None
    assert "would tell" not in found.text


def test_every_setup_not_shown_to_be_worse_is_named() -> None:
    same = scored(36, 40)
    found = of({"good": same, "long": same, "short": scored(35, 40), "bad": scored(2, 40)}, margin=0.2)
    assert {"good", "long", "short"} == set(found.unbeaten)
    assert found.text.startswith("Choose “good”")
    assert "Not shown to be worse: “long” and “short”." in found.text


def test_one_short_file_does_not_take_the_others_verdict() -> None:
    found = of({"a": scored(36, 40), "b": scored(4, 40), "short": scored(5, 5)})
    assert found.setup == "a"
    assert found.shared == 40
    assert "“short”: it answered 5 of 40 questions" in found.text


def test_more_questions_about_few_documents_would_not_tell() -> None:
    rows = scored(33, 44)
    found = of({"a": rows, "b": scored(10, 44)}, clusters={q: f"d{n % 3}" for n, (q, _, _) in enumerate(rows)})
    assert found.setup is None
    assert "About 1 more" not in found.text
    assert "further documents would tell" in found.text


def test_the_verdict_is_the_first_sentence_whatever_stands_in_a_title() -> None:
    made = Decision("f1", "Choose “v1. fast”: 67.5 % over 9 questions. It is better. And so on.")
    assert made.verdict == "Choose “v1. fast”: 67.5 % over 9 questions."
    assert made.grounds == "It is better. And so on."
    alone = Decision("f1", "No recommendation.")
    assert (alone.verdict, alone.grounds) == ("No recommendation.", "")
    assert Decision("f1", "").verdict == ""


def test_one_of_forty_setups_that_is_far_better_wins_and_the_others_are_counted() -> None:
    rows = {f"s{n}": [(f"q{i:03d}", 0, float((i + 2 * n) % 80 < 20)) for i in range(80)] for n in range(39)}
    found = of({"good": scored(60, 80), **rows}, invented=dict.fromkeys(["good", *rows], (1, 3)))
    assert found.setup == "good"
    assert found.unbeaten == ("good",)
    assert len(found.beaten) == 39
    listed = re.search(r"It is shown to be better than (.*?)\.", found.text)
    assert listed is not None
    assert listed[1].count("“") == 6
    assert listed[1].endswith(" and 33 others")
    assert "hold none: “good” 1 of 3, " in found.text
    assert found.text.count(" 1 of 3") == 6
