"""Word lists of languages, a YAML file each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import yaml


@dataclass(frozen=True)
class Language:
    """``stop``: words without content; ``search_stop``: words that a search leaves out; ``question_stop``: words of a
    question that say nothing of its matter; ``speaker``: words for the one who speaks; ``numbers``: word -> digits;
    ``abbreviations``: words whose full stop ends no sentence."""

    stop: frozenset[str]
    search_stop: frozenset[str]
    question_stop: frozenset[str]
    speaker: frozenset[str]
    numbers: Mapping[str, str]
    abbreviations: frozenset[str]


@lru_cache(maxsize=16)
def language(code: str = "en") -> Language:
    """The lists of a language by its ISO 639-1 code."""
    data = yaml.safe_load(resources.files(__name__).joinpath(f"{code}.yaml").read_text("utf-8"))
    numbers: dict[str, str] = data.pop("numbers")
    lists = {name: frozenset(str(words).split()) for name, words in data.items()}
    return Language(numbers=numbers, **lists)
