from __future__ import annotations

from ragtune.analysis.notes import FEW_STEPS, few_steps, notes_of, repeating
from ragtune.analysis.summary import Summary
from ragtune.records import Answer, Question, Row
from ragtune.tunings import TuneCost, TuneReport, Tuning

LOOP = "the tea is the tea is the tea is the tea is"


def rows(loops: int, others: int) -> list[Row]:
    texts = [LOOP] * loops + ["Tea is at nine."] * others
    return [Row("a", 0, Question(str(n), "When?"), Answer(text)) for n, text in enumerate(texts)]


def tuning(setup: str, seed: int, steps: int) -> Tuning:
    return Tuning(setup, seed, "k", "closed-book", 3, TuneReport(steps, (), (), 1, 2, 3, 4), TuneCost(1, 1, 1))


def test_short_tunings_are_noted() -> None:
    assert few_steps("tuned", 12).startswith("tuned: 12 tuning steps in all, which is few (under 50): ")
    assert few_steps("tuned", 1, about=True).startswith("tuned: about 1 tuning step in all")
    assert few_steps("tuned", FEW_STEPS) == ""


def test_answers_that_repeat_themselves_are_noted_from_a_share_of_them() -> None:
    assert repeating("a", rows(23, 67)) == "a: 23 of 90 answers repeat themselves."
    assert repeating("a", rows(1, 99)) == ""
    assert repeating("a", []) == ""


def test_notes_go_by_setup_and_the_shortest_seed() -> None:
    [flattered] = notes_of({"a": rows(0, 9)}, [tuning("a", 0, 80)], stopped=["a"])
    assert flattered.startswith("a: its training ended (early_stop) where these very dev questions")
    found = notes_of({"a": rows(9, 1), "b": rows(0, 3)}, [tuning("a", 0, 80), tuning("a", 1, 9), tuning("b", 0, 60)])
    assert [note.split(", which")[0] for note in found] == [
        "a: 9 tuning steps in all",
        "a: 9 of 10 answers repeat themselves.",
    ]


def test_summaries_without_notes_are_read() -> None:
    assert Summary.__dataclass_fields__["notes"].default == ()
