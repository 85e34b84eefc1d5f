"""The threshold from which a model abstains."""

from __future__ import annotations

import pytest

from ragtune.generation.abstention import threshold
from ragtune.generation.settings import GeneratorSettings


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, 0.8),
        ({"model": "bundled:reader + some/folder"}, 0.8),
        ({"abstain_above": 0.8}, 0.8),
        ({"model": "bundled:smollm2"}, None),
        ({"model": "some/folder", "abstain_above": 0.3}, 0.3),
    ],
)
def test_the_setting_counts_then_the_models_own(settings: dict[str, object], wanted: float | None) -> None:
    assert threshold(GeneratorSettings.model_validate(settings), "I don't know.") == wanted


def test_a_models_own_threshold_is_that_of_the_sentence_it_was_taught() -> None:
    assert threshold(GeneratorSettings(), "The contexts do not say.") is None
    assert threshold(GeneratorSettings(abstain_above=0.7), "The contexts do not say.") == 0.7
