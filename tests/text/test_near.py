from __future__ import annotations

import time
from random import Random

from ragtune.text.near import copy_it, nearest

TEXT = "Tea is served at 15:30 in the green room. The boat Sprat carries 12 people.\nIts captain is Ida Moen."


def test_the_nearest_passage_is_offered_and_none_where_nothing_is_near() -> None:
    assert nearest(TEXT, "tea gets served at 15:30") == "Tea is served at 15:30"
    assert nearest(TEXT, "The boat ‘Sprat’ carries 13 people") == "The boat Sprat carries 12 people"
    assert nearest(TEXT, "coffee at dawn") == ""
    assert nearest(TEXT, "…") == ""
    assert nearest("", "tea") == ""
    assert nearest("茶在三点供应。船可以载十二人。", "船能载十二人") in ("可以载十二人", "船可以载十二")
    assert copy_it(TEXT, "coffee at dawn") == "Copy it from the document's text."
    assert "nearest there: “" not in copy_it(TEXT, "its captain was Ida Moen")
    assert copy_it(TEXT, "its captain was Ida Moen").endswith('nearest there: "Its captain is Ida Moen".')


def test_a_long_passage_is_cut() -> None:
    text = " ".join(f"word{n}" for n in range(100))
    assert nearest(text, text).endswith(" …")
    assert len(nearest(text, text)) <= 162


def test_a_megabyte_is_searched_in_a_few_seconds() -> None:
    rng = Random(0)
    words = [f"w{rng.randrange(8000)}" for _ in range(170_000)]
    start = time.perf_counter()
    assert nearest(" ".join(words), " ".join([*words[90_000:90_010], "other"])).startswith(words[90_000])
    assert time.perf_counter() - start < 5
