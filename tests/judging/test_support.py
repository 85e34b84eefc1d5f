from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from benchmarks.judge import judged, overlap
from benchmarks.support import claims
from ragtune.corpus.labelled import read_begin
from ragtune.judging.support import support, windows
from tests.conftest import DATA

CONTEXT = (
    "The Sprat was built in 1998 by Ida Moen and carries 12 people. The Herring was built in 2004 by Tor Lie and carries 30 people.",
    "Both boats lie at Quay 4. Nobody may smoke on board.",
)


def of(statement: str) -> float:
    return support(statement, windows(CONTEXT)).support


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("The Sprat carries 12 people.", "The Sprat carries 14 people."),  # number changed
        ("The Herring was built by Tor Lie.", "The Herring was built by Tor Berg."),  # name changed
        ("Nobody may smoke on board.", "People may smoke on board."),  # negation dropped
        ("Both boats lie at Quay 4.", "Both boats do not lie at Quay 4."),  # negation added
        ("The Sprat was built in 1998.", "I like the Sprat of 1998."),  # an opinion
        ("Both boats lie at Quay 4.", "Do both boats lie at Quay 4?"),  # a question
        (
            "The Sprat was built in 1998 by Ida Moen.",
            "The Sprat was painted red in 1998 by Ida Moen after a storm.",
        ),  # an addition
    ],
)
def test_what_contexts_hold_beats_what_they_do_not(true: str, false: str) -> None:
    assert of(true) >= 0.5 > of(false)


def test_facts_of_two_contexts_count_through_their_union() -> None:
    merged = "The Herring of 2004 lies at Quay 4."
    assert of(merged) > max(support(merged, windows([c])).support for c in CONTEXT)


def test_the_deciding_sentence_is_kept() -> None:
    found = support("It carries 30 people.", windows(CONTEXT))
    assert found.window is not None
    assert found.window.sentence.startswith("The Herring")
    assert support("x", []).support == 0.0
    assert support("", windows(CONTEXT)).window is None


@given(st.text(max_size=80), st.lists(st.text(max_size=80), max_size=3))
def test_support_is_a_share(statement: str, contexts: list[str]) -> None:
    assert 0 <= support(statement, windows(contexts)).support <= 1


@pytest.mark.skipif(not (DATA / "begin").is_dir(), reason="BEGIN is not here")
def test_agreement_with_people_on_begin() -> None:
    aucs = []
    for name in ("wow", "cmu", "tc"):
        rows = read_begin(DATA / "begin" / f"begin_dev_{name}.tsv")
        labels = [r.supported for r in rows]
        own = roc_auc_score(labels, [judged(r) for r in rows])
        assert own > roc_auc_score(labels, [overlap(r) for r in rows])
        aucs.append(own)
    assert sum(aucs) / 3 >= 0.965


@pytest.mark.parametrize(
    ("statement", "context", "supported"),
    [
        ("The fee is -5 degrees.", "The fee is 5 degrees.", False),
        ("It lasts one thousand days.", "It lasts 1,000 days.", True),
        ("It weighs 5kg.", "It weighs 5 kg.", True),
        ("The office closed on 12 May 2020.", "The office closed on 2020-05-12.", True),
        ("Staff must feed the cat.", "Staff must not feed the cat.", False),
        ("Only managers may sign.", "Managers may sign.", False),
        ("Managers may sign.", "Only managers may sign.", True),
        ("The shop opens at 9:00.", "The shop closes at 9:00.", False),
        ("Parking is allowed.", "Parking is forbidden.", False),
        ("It takes at most 5 days.", "It takes at least 5 days.", False),
        ("You may enter without a badge.", "You may enter with a badge.", False),
        ("Staff may park on Sundays.", "Staff may park, except on Sundays.", False),
        ("All costs but not meals are paid.", "All costs and meals are paid.", False),
        ("He must wear a helmet.", "He may wear a helmet.", False),
        ("It costs £20.", "It costs €20.", False),
        ("Cats can no longer enter.", "Cats can enter.", False),
        ("The bus leaves before noon.", "The bus leaves after noon.", False),
        ("More than 5 people came.", "Less than 5 people came.", False),
        ("Staff never work on Friday.", "Staff work on Friday.", False),
        ("The museum is open Mon-Fri.", "The museum is open Monday to Friday.", True),
        ("Visitors must not feed the ducks.", "Visitors may not feed the ducks.", True),
        ("The park is open every day except Monday.", "The park is open every day except Monday.", True),
        ("The park is open on Monday.", "The park is open every day except Monday.", False),
    ],
)
def test_values_bounds_and_denials_on_plain_cases(statement: str, context: str, supported: bool) -> None:
    assert (support(statement, windows([context])).support >= 0.5) == supported


@pytest.mark.skipif(not (DATA / "negation").is_dir(), reason="the negation claims are not here")
def test_negated_claims_are_told_from_identical_ones() -> None:
    for found in claims(DATA / "negation" / "claims.jsonl.gz", 300).values():
        assert found.pairs == 300
        assert found.passed <= 0.10
        assert found.missed <= 0.05
