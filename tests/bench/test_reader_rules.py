"""Questions that rules make: their answers stand where they say, and what is asked twice is answered once."""

from __future__ import annotations

from benchmarks.reader_rules import clozes, facts

PASSAGE = """The Granary Tower was finished in 1911 by Matthias Ruland. It stood empty for years. Later
Elsa Brandt led the choir for twenty years. The Granary Tower has 214 steps, and it is a listed building."""


def test_values_stand_where_the_evidence_says() -> None:
    pages, rows = facts(120, seed=3)
    texts = dict(pages)
    assert facts(120, seed=3) == (pages, rows)
    kinds = {row["tags"][0] for row in rows}
    assert kinds == {"fact", "unanswerable", "comparison"}
    for row in rows:
        found = [texts[e["document"]][e["start"] : e["end"]] for e in row["evidence"]]
        if row["tags"] == ["unanswerable"]:
            assert not row["answers"]
            assert not found
        elif row["tags"] == ["fact"]:
            assert row["answers"][0].casefold() in [found[0].casefold(), "yes", "no"]
        else:
            assert len({e["document"] for e in row["evidence"]}) == 2
            assert row["answers"][0] in row["question"]
    assert len({row["question"] for row in rows}) > 0.97 * len(rows)


def test_the_greater_of_two_is_the_answer() -> None:
    pages, rows = facts(300, seed=5)
    texts = dict(pages)
    asked = [r for r in rows if r["tags"] == ["comparison"] and r["question"].startswith("Which has more")]
    assert asked
    for row in asked:
        numbers = []
        for e in row["evidence"]:
            shown = texts[e["document"]][e["start"] : e["end"]].replace(",", "")
            numbers.append(int(shown) if shown.isdigit() else None)
        if None not in numbers:
            first = row["question"].partition(", ")[2].partition(" or ")[0]
            assert (numbers[0] > numbers[1]) == (row["answers"][0] == first)


def test_sentences_become_questions() -> None:
    made = {question: answer for question, answer, _ in clozes([PASSAGE], seed=0)}
    assert len(made) == 2
    known = {
        "When was the Granary Tower finished?": "1911",
        "Who was the Granary Tower finished in 1911 by?": "Matthias Ruland",
        "Who led the choir for twenty years?": "Elsa Brandt",
        "How many steps does the Granary Tower have?": "214",
    }
    assert made.items() <= known.items()
