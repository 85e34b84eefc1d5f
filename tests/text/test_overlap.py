from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtune.text.overlap import contains_reference, exact_match, normalise_answer, token_f1
from ragtune.text.statements import statements


def test_squad_normalising_and_f1_by_hand() -> None:
    assert normalise_answer("The  Duty-Manager!") == "dutymanager"
    assert exact_match("27 Days.", ["x", "27 days"]) == 1
    assert token_f1("about 27 days", ["27 days"]) == pytest.approx(0.8)
    assert token_f1("", ["27"]) == 0
    assert token_f1("北京市", ["北京"]) == pytest.approx(0.8)


@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=3))
def test_f1_is_a_share_and_symmetric(answer: str, references: list[str]) -> None:
    value = token_f1(answer, references)
    assert 0 <= value <= 1
    assert exact_match(answer, references) <= value + 1e-9 or not normalise_answer(answer)
    for reference in references:
        assert token_f1(answer, [reference]) == pytest.approx(token_f1(reference, [answer]))


def test_statements_split_sentences_and_long_clauses() -> None:
    assert statements("Staff have 27 days. Five may be carried.") == ["Staff have 27 days.", "Five may be carried."]
    assert len(statements("The duty manager approves all overtime, and the events lead signs for events here.")) == 2
    assert statements("27 days") == ["27 days"]
    assert statements("...") == []


def test_a_reference_is_contained_as_whole_words() -> None:
    assert contains_reference("It was the Eiffel Tower, in Paris.", ["London", "Eiffel Tower"]) == 1.0
    assert contains_reference("It was in 19990.", ["1999"]) == 0.0
    assert contains_reference("anything", ["the"]) == 0.0
