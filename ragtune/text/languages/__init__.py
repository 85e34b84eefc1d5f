"""Word lists of languages and units, a YAML file each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

#: languages with lists of their own; ``other`` holds what little is known of the rest
CODES = ("en", "de", "zh", "other")


@dataclass(frozen=True)
class Language:
    """One language's lists.

    ``stop``: words without content; ``search_stop``: words that a search leaves out; ``question_stop``: words of a
    question that say nothing of its matter; ``speaker``: words for the one who speaks; ``abbreviations``: words whose
    full stop ends no sentence; ``numbers``, ``scales``, ``ordinals``, ``fractions``, ``months``: word -> value;
    ``bounds``: min, max, over, under -> phrases before a value (``after: ...``: behind it); ``between`` and ``to``: words
    of a range; ``yes``, ``no``, ``negations``, ``denials`` (words that deny by themselves), ``titles``, ``limits``
    (only), ``except_``, ``conjunctions``, ``anaphors`` (words for what was named before): words and phrases; ``weekdays``: word ->
    day, Monday is 0; ``irregular``: base -> its forms that no suffix rule finds; ``doubles``: two denials -> the
    condition that they make; ``opposites``: pairs of words of which one denies the other; ``articles`` and ``prepositions`` that may
    open a phrase; ``asking``: words that ask for more than yes or no; ``citing``: what opens a sentence that names its source;
    ``alternatives`` (or), ``joins`` (and), ``turns`` (but), ``agents`` (by, in a passive); ``places``: words of a question about
    a place; ``before_day``: what stands before a day whose full stop ends no sentence.

    How replies withhold an answer, as regular expressions with ``reply_parts`` in braces: ``withheld`` and ``about`` (what the
    sources speak of) describe a whole clause, ``apologies`` and ``openings`` what may stand before it, ``contrasts`` what
    joins it to another, ``referrals`` a clause that only sends elsewhere.
    """

    stop: frozenset[str]
    search_stop: frozenset[str]
    question_stop: frozenset[str]
    speaker: frozenset[str]
    abbreviations: frozenset[str]
    numbers: Mapping[str, float]
    scales: Mapping[str, float]
    ordinals: Mapping[str, float]
    fractions: Mapping[str, float]
    months: Mapping[str, int]
    bounds: Mapping[str, tuple[str, ...]]
    between: tuple[str, ...]
    to: tuple[str, ...]
    yes: frozenset[str]
    no: frozenset[str]
    negations: frozenset[str]
    denials: frozenset[str]
    titles: frozenset[str]
    limits: frozenset[str]
    except_: tuple[str, ...]
    conjunctions: frozenset[str]
    anaphors: frozenset[str]
    weekdays: Mapping[str, int]
    irregular: Mapping[str, str]
    doubles: Mapping[str, str]
    opposites: tuple[str, ...]
    articles: frozenset[str]
    prepositions: frozenset[str]
    asking: frozenset[str]
    citing: tuple[str, ...]
    alternatives: frozenset[str]
    joins: frozenset[str]
    turns: frozenset[str]
    agents: frozenset[str]
    places: frozenset[str]
    before_day: frozenset[str]
    reply_parts: Mapping[str, str]
    withheld: tuple[str, ...]
    about: tuple[str, ...]
    apologies: tuple[str, ...]
    openings: tuple[str, ...]
    contrasts: tuple[str, ...]
    referrals: tuple[str, ...]


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = _Plain(
        resources.files(__name__).joinpath(f"{name}.yaml").read_text("utf-8")
    ).get_single_data()
    return found


#: libyaml's, which is ten times as fast, where PyYAML was built with it
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Plain(_Loader):  # type: ignore[misc]
    """SafeLoader to which ``no`` and ``on`` are words, as everything here."""


_Plain.yaml_implicit_resolvers = {
    key: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:bool"]
    for key, rules in _Loader.yaml_implicit_resolvers.items()
}


@lru_cache(maxsize=16)
def language(code: str = "en") -> Language:
    """The lists of a language (one of `CODES`)."""
    data = _read(code)
    made: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, str):
            made[name] = frozenset(value.split())
        elif isinstance(value, list):
            made[name] = tuple(value)
        else:
            made[name] = {str(k): tuple(v) if isinstance(v, list) else v for k, v in value.items()}
    made["except_"] = made.pop("except")
    return Language(**made)


@lru_cache(maxsize=1)
def units() -> Mapping[str, tuple[str, float]]:
    """Unit word -> (dimension, factor to the dimension's base)."""
    return {str(word): (dimension, float(f)) for dimension, own in _read("units").items() for word, f in own.items()}
