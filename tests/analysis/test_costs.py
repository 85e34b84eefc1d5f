from __future__ import annotations

import pytest

from ragtune.analysis.costs import CostSettings, measure_costs, throughput_of
from ragtune.analysis.latency import Latency, Wait, latency_of
from ragtune.records import Answer, Question, Row, Times
from ragtune.report import numbers
from ragtune.store import decode, encode


def rows(setup: str, *seconds: float) -> list[Row]:
    return [Row(setup, 0, Question(str(n), "?"), Answer("x"), Times(s / 4, 3 * s / 4)) for n, s in enumerate(seconds)]


def test_latency_is_the_spread_of_whole_waits_with_its_parts_apart() -> None:
    waits = [Wait(0.1, 0.0, 0.1 * n) for n in range(1, 22)]
    found = latency_of(waits, [Wait(0.1, 0.2, 1.0)])
    assert found is not None
    assert (found.p50, found.p95, found.questions) == (pytest.approx(1.2), pytest.approx(2.1), 21)
    assert (found.retrieval, found.reranking, found.generation) == (pytest.approx(0.1), 0.0, pytest.approx(1.1))
    assert found.switched is not None
    assert found.switched.p50 == pytest.approx(1.3)
    assert latency_of([]) is None
    assert decode(Latency, encode(found)) == found


def test_throughput_and_cost_come_from_batches_and_latency_from_elsewhere() -> None:
    settings = CostSettings(machine_hour=3.6)
    own = {"a": rows("a", 0.1, 0.3), "given": rows("given", 0.0, 0.0)}
    slow = Latency(9.0, 10.0, 20)
    found = measure_costs(settings, own, (), "answer_correctness", {"a": slow})
    assert found.latency == {"a": slow}
    assert found.throughput == {"a": pytest.approx(5.0)}
    assert found.costs["a"].question == pytest.approx(0.2 / 1000)
    assert set(found.costs) == {"a"}  # of answers from a file neither is known
    assert throughput_of([]) is None


def test_waits_as_people_read_them() -> None:
    assert numbers.waits(None) == ("unknown", "unknown")
    assert numbers.waits(Latency(0.0299, 1.24)) == ("30 ms", "1.2 s")
    assert [numbers.seconds(s) for s in (0.0, 0.000063, 0.0041, 0.0099, 0.00996)] == [
        "0 ms",
        "0.063 ms",
        "4.1 ms",
        "9.9 ms",
        "10 ms",
    ]
    assert [numbers.rate(r) for r in (None, 0.512, 12.34, 2345.6)] == ["–", "0.512", "12.3", "2,346"]
