"""Does an answer give what the reference gives? The probability that a person calls the answer right.

What a reference asserts is found in the answer or not, and nothing of the same kind in its place contradicts it; the answer's length
does not matter. A reference is a *polarity* (yes, no: `polarity`), a *value* (number, date, time: `values`), a *list*, or a *phrase*
(names, words: `names`). The signs of `signs.signs_of` enter a logistic model whose coefficients stand in ``agree.json`` beside this
file, with the card of the set they were fitted on and the command that fits them anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib import resources
from math import exp
from typing import Any

import regex

from ragtune.text.outcome import abstains
from ragtune.text.polarity import SENTENCE, content, listed, pattern, polarity, stems, undoubled
from ragtune.text.signs import Signs, listed_more, signs_of
from ragtune.text.values import same, values
from ragtune.text.words import stem, tokens


@dataclass(frozen=True)
class Agreement:
    """``probability`` that a person calls the answer right; what of the best reference is held, missing, and in conflict."""

    probability: float
    reference: str
    held: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    conflict: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        parts = [("holds", self.held), ("misses", self.missing), ("against", self.conflict)]
        said = "; ".join(f"{what} {', '.join(words[:6])}" for what, words in parts if words)
        return f"{said or 'nothing shared'} (“{self.reference[:80]}”)"


def members(text: str) -> list[str]:
    """The members of a list (``red, blue and green``); one where it is none."""
    if regex.search(r"[.!?。！？]\s", text) or len(text) > 200:
        return [text]
    words = pattern("joins")
    parts = regex.split(rf"\s*(?:[,，](?!\d)|[;、；])\s*(?:(?:{words})\s)?|\s(?:{words})\s|[和与及]", text)
    parts = [p for p in parts if p and tokens(p)]
    return parts if len(parts) > 1 and all(len(content(p)) <= 5 for p in parts) else [text]


@lru_cache(maxsize=1)
def model() -> dict[str, Any]:
    """The coefficients with their card."""
    found: dict[str, Any] = json.loads(resources.files(__package__).joinpath("agree.json").read_text("utf-8"))
    return found


def probability(signs: Signs) -> float:
    """The logistic model over the signs; values and polarity, where there are any, decide by their own coefficients."""
    weights = model()["weights"]
    z = float(weights["constant"]) + sum(weights[k] * v for k, v in asdict(signs).items() if k in weights)
    return 1 / (1 + exp(-max(-30.0, min(30.0, z))))


@lru_cache(maxsize=1)
def _opening() -> regex.Pattern[str]:
    """A preposition and an article, in small letters, so that no name begins with them; "at least" is neither."""
    preposition = rf"(?:{pattern('prepositions')})\s(?!(?:least|most|all|once|first|last)\b)"
    return regex.compile(rf"^(?:{preposition})?(?:(?:{pattern('articles')})\s)?(?=\S)")


def of_place(question: str, reference: str) -> str:
    """Of a place with the one that it lies in ("Berlin, Germany"), the first, where a place is asked for; else ""."""
    parts = regex.split(r"\s*,\s*", reference.strip())
    named = 2 <= len(parts) <= 3 and all(p[:1].isupper() and len(tokens(p)) <= 4 for p in parts)
    return parts[0] if named and any(t.text in listed("places") for t in tokens(question)) else ""


@lru_cache(maxsize=20_000)
def variants(reference: str) -> tuple[str, ...]:
    """The reference, and what of it suffices: without brackets, article, added clause; each side of an "or"."""
    reference = str(regex.sub(_opening(), "", reference.strip()))
    bare = regex.sub(r"\s*[(\[（][^)\]）]*[)\]）]", "", reference).strip()
    found = [reference, bare]
    found.append(regex.split(r",? (?:who|which|accept)\b", bare)[0])
    if polarity(reference) and regex.match(r"\w+\s*[,;.，。]", bare):
        found.append(regex.split(r"[,;.，。]", bare)[0])
    if len(tokens(bare)) <= 8 and not values(bare):
        found += regex.split(rf"\s(?:{pattern('alternatives')})\s|或者?", bare)
    return tuple(dict.fromkeys(v for v in found if tokens(v)))


def agree(question: str, references: Sequence[str], answer: str) -> Agreement:
    """The agreement of ``answer`` with the reference that it agrees with best. Withholding agrees with none."""
    if not references:
        raise ValueError("there is no reference to agree with")
    return _agreement(question, tuple(references), answer)


@lru_cache(maxsize=20_000)
def _agreement(question: str, texts: tuple[str, ...], answer: str) -> Agreement:
    """Kept, since scores, causes and agreement with people ask for the same one."""
    references, answer = [undoubled(r) for r in texts], undoubled(answer)
    if abstains(answer):
        return Agreement(0.0, references[0], conflict=("withheld",))
    wanted = dict.fromkeys(v for reference in references for v in variants(reference) or (reference,))
    wanted |= dict.fromkeys(place for reference in references if (place := of_place(question, reference)))
    return max((_one(question, reference, answer) for reference in wanted), key=lambda found: found.probability)


def _one(question: str, reference: str, answer: str) -> Agreement:
    parts = members(reference)
    if len(parts) == 1:
        signs = signs_of(question, reference, answer)
        return _told(reference, answer, probability(signs) * (0.1 if listed_more(reference, answer) else 1.0), signs)
    found = [replace(signs_of(question, part, answer), misplaced=0.0) for part in parts]
    worst = min(found, key=probability)
    foreign = _foreign(question, parts, answer)
    return _told(reference, answer, probability(worst) * (0.3 if foreign else 1.0), worst, foreign)


def _foreign(question: str, parts: Sequence[str], answer: str) -> tuple[str, ...]:
    """Members of the list that the answer gives which are none of the reference's."""
    known = {stem(t.text) for part in parts for t in tokens(part)} | {stem(t.text) for t in tokens(question)}
    best: list[str] = []
    for sentence in regex.split(SENTENCE, answer):
        own = members(sentence.strip(" .。"))
        hits = [any(stem(t.text) in {stem(x.text) for p in parts for x in content(p)} for t in content(m)) for m in own]
        if len(own) > len(parts) and sum(hits) >= len(parts):
            best = [
                m
                for m, hit in zip(own, hits, strict=True)
                if not hit and not all(stem(t.text) in known for t in content(m))
            ]
    return tuple(best)


def _told(reference: str, answer: str, value: float, signs: Signs, foreign: tuple[str, ...] = ()) -> Agreement:
    reads, given = stems(answer), values(answer)
    stated = [v for v in values(reference) if any(same(v, g) for g in given)]
    spans = [(v.start, v.end) for v in stated]
    words = [
        (t.text, stem(t.text) in reads or any(a <= t.start and t.end <= b for a, b in spans))
        for t in content(reference)
    ]
    conflict = (
        *(("another value",) if signs.clash else ()),
        *(("denied",) if signs.denied > 0.5 else ()),
        *(("yes against no",) if signs.polarity < 0 else ()),
        *foreign,
    )
    held, missing = tuple(w for w, h in words if h), tuple(w for w, h in words if not h)
    return Agreement(round(value, 6), reference, held, missing, conflict)
