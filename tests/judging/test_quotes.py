from __future__ import annotations

from ragtune.corpus.chunking import ChunkSettings, chunk_document
from ragtune.judging.quotes import LONGEST, cited
from ragtune.records import Answer, Document, Hit, Question, Row
from ragtune.report import terminal

HANDBOOK = Document(
    "house.md",
    "# House\n\nTea is served at 15:30 in the green room. Biscuits cost 2 euros.\n\n## Keys\n\n### Shed\n\n"
    "- The key of the shed hangs in the office.\n- It is lent for a day.\n\n| key | copies |\n|---|---|\n| K-1 | 3 |\n",
)
NOTES = Document("notes.txt", "No heading stands here. The boat carries 12 people.")


class Words:
    def spans(self, text: str) -> list[tuple[int, int]]:
        import re

        return [m.span() for m in re.finditer(r"\S+", text)]


def row(question: str, text: str, *documents: Document, citations: tuple[int, ...] = (1,)) -> Row:
    cut = ChunkSettings(by="markdown", size=400)
    chunks = [c for d in documents for c in chunk_document(d, cut, Words())]
    hits = tuple(Hit(c, 1.0, n) for n, c in enumerate(chunks, 1))
    return Row("s", 0, Question("q", question), Answer(text, citations, hits))


def test_the_sentence_that_carries_the_answer_is_quoted_with_its_headings() -> None:
    asked = row("When is tea served?", "15:30", HANDBOOK)
    [found] = cited(asked)
    assert (found.number, found.document, found.headings) == (1, "house.md", ("House",))
    assert found.quote == "Tea is served at 15:30 in the green room."
    [found] = cited(row("What do biscuits cost?", "They cost 2 euros.", HANDBOOK))
    assert found.quote == "Biscuits cost 2 euros."
    [found] = cited(row("Where is the key?", "In the office.", HANDBOOK, citations=(2,)))
    assert found.headings == ("House", "Keys", "Shed")
    assert found.quote == "The key of the shed hangs in the office."  # without the border of its list
    assert found.place == "house.md, House > Keys > Shed"
    assert HANDBOOK.text[found.start : found.end] == found.quote


def test_each_citation_has_a_quote_of_its_own_even_without_headings() -> None:
    last = len(row("?", "", HANDBOOK).answer.hits) + 1
    text = "Tea is served at 15:30, and the boat carries 12 people."
    first, second = cited(row("When is tea, and how many people?", text, HANDBOOK, NOTES, citations=(1, last)))
    assert first.quote == "Tea is served at 15:30 in the green room."
    assert (second.quote, second.headings, second.place) == ("The boat carries 12 people.", (), "notes.txt")
    assert NOTES.text[second.start : second.end] == second.quote


def test_a_long_sentence_is_cut_at_words_around_what_answers() -> None:
    text = (
        "The house, "
        + "as everybody knows who ever lived here, " * 8
        + "opens at 07:45 "
        + "and so on and on " * 20
        + "."
    )
    [found] = cited(row("When does the house open?", "07:45", Document("long.txt", text)))
    assert "07:45" in found.quote
    assert len(found.quote) <= LONGEST
    assert found.goes_on == (True, True)
    assert not text[found.start - 1].isalnum()
    assert not text[found.end].isalnum()
    assert text[found.start : found.end] == found.quote


def test_nothing_but_a_heading_or_an_endless_word_is_quoted_as_it_is() -> None:
    assert cited(row("What?", "Plan", Document("h.md", "# Plan")))[0].quote == "# Plan"
    [found] = cited(row("What?", "x", Document("w.txt", "x" * 900)))
    assert found.quote == "x" * LONGEST


def test_sources_on_a_terminal() -> None:
    asked = row("When is tea served?", "15:30", HANDBOOK)
    assert terminal.answer(asked).split("\n")[:2] == [
        "15:30",
        "  [1] house.md, House: “Tea is served at 15:30 in the green room.”",
    ]
    assert "  (no citation; contexts shown: house.md, notes.txt)" in terminal.answer(
        row("?", "Noon.", HANDBOOK, NOTES, citations=())
    )
