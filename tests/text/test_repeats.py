from __future__ import annotations

import pytest

from ragtune.text.repeats import repeats_itself


@pytest.mark.parametrize(
    "text",
    [
        "The tea is the tea is the tea is the tea is the tea is",
        "is is is is is is is is",
        "At nine. At nine. At nine. At nine.",
        "Ask the duty manager of the day, please. " * 4,
        "Ask A about the opening times here. Then ask B about the opening times here. So ask C about the opening times here. "
        "Or ask D about the opening times here.",
        "茶在三点。茶在三点。茶在三点。茶在三点。",
    ],
)
def test_circles_are_seen(text: str) -> None:
    assert repeats_itself(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Tea is served at 15:30.",
        "No, no, no, no.",
        "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12",
        "Ask the duty manager. Ask the duty manager. Ask the duty manager.",
        "Open from nine to five on Monday, from ten to four on Tuesday, from nine to five on Friday, and by appointment.",
        "The boat Sprat carries 12 people. The boat Herring carries 30 people. The boat Cod carries 4 people.",
    ],
)
def test_plain_answers_are_none(text: str) -> None:
    assert not repeats_itself(text)
