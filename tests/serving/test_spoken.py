from __future__ import annotations

from ragtune.serving.spoken import Spoken


def test_pieces_come_when_they_are_certain_and_make_up_the_answer() -> None:
    pieces: list[str] = []
    spoken = Spoken(pieces.append)
    for raw in (
        "<think>",
        "<think>so</think>",
        "<think>so</think>Tea is",
        "<think>so</think>Tea is [",
        "<think>so</think>Tea is [1] n",
    ):
        spoken.hear(raw, 1)
    assert pieces == ["Tea is", " n"]
    spoken.end("Tea is noon.")
    assert pieces == ["Tea is", " n", "oon."]
    assert not spoken.begun_anew


def test_an_end_of_a_thought_that_was_not_begun_has_the_answer_stand_on_its_own_line() -> None:
    pieces: list[str] = []
    spoken = Spoken(pieces.append)
    spoken.hear("The user asks.", 1)
    spoken.hear("The user asks.\n</think>\nNoon.", 1)
    spoken.end("Noon.")
    assert pieces == ["The user asks.", "\n", "Noon."]
    assert spoken.begun_anew


def test_an_answer_without_text_hands_on_nothing() -> None:
    pieces: list[str] = []
    Spoken(pieces.append).end("")
    assert pieces == []
