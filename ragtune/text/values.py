"""Values that a text names: numbers with unit and bound, ranges, dates and times of day, in words and in any notation.

A text becomes a row of atoms (numbers, words, signs); patterns over them make values. Two values are *the same* when their kinds,
dimensions and sizes agree after conversion (2 weeks = 14 days) and no bound speaks against it; one without unit or bound agrees with
any.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import accumulate, product
from math import isclose

import regex

from ragtune.text.fold import fold
from ragtune.text.languages import CODES, language
from ragtune.text.moments import dates, times, weekdays
from ragtune.text.numerals import Atom, Value, atoms_of, number_at, table, unit_at, unit_words

_NEAR = 1e-6


@lru_cache(maxsize=8)
def _words(name: str) -> frozenset[str]:
    return frozenset(fold(w) for code in CODES for w in getattr(language(code), name))


@lru_cache(maxsize=1)
def _bounds() -> list[tuple[str, str, bool]]:
    """(phrase, bound, stands behind), the longest first."""
    found = [
        (fold(phrase.removeprefix("after: ")), bound, phrase.startswith("after: "))
        for code in CODES
        for bound, phrases in language(code).bounds.items()
        for phrase in phrases
    ]
    return sorted(found, key=lambda row: -len(row[0]))


def _plain_digits(text: str) -> str:
    return str(regex.sub(r"\p{Nd}", lambda m: str(int(m[0])), text))


@lru_cache(maxsize=50_000)
def values(text: str) -> tuple[Value, ...]:
    """The values of ``text``, in their order."""
    folded = _plain_digits(fold(text))
    taken = [*dates(folded), *times(folded)]
    ordered = sorted(taken, key=lambda v: (v.start, -v.end))
    reach = [0, *accumulate((v.end for v in ordered), max)]  # how far what starts before each, or with it, goes on
    within = {id(v) for v, far in zip(ordered, reach, strict=False) if v.end < far}
    taken = [v for v in taken if id(v) not in within]
    taken += weekdays(folded)
    blank = list(folded)
    for v in taken:
        blank[v.start : v.end] = " " * (v.end - v.start)
    rest = "".join(blank)
    atoms = atoms_of(rest)
    found: list[Value] = []
    i = 0
    while i < len(atoms):
        value, used = _value_at(rest, atoms, i)
        if value:
            found.append(value)
        i += used
    found = [_bounded(rest, v) for v in _joined(rest, found)]
    return tuple(sorted([*taken, *found], key=lambda v: v.start))


def _value_at(text: str, atoms: list[Atom], i: int) -> tuple[Value | None, int]:
    unit, factor, first = ("", 1.0, 0)
    if (
        atoms[i].text in unit_words()
        and atoms[i].kind in ("sign", "word")
        and i + 1 < len(atoms)
        and atoms[i + 1].kind == "number"
    ):
        dimension = unit_words()[atoms[i].text][0]
        if dimension.isupper():
            unit, factor, first = (*unit_words()[atoms[i].text], 1)
    number = number_at(atoms, i + first)
    if number is None:
        return None, 1
    readings, used, digits = number
    at = i + first + used
    fractions = table("fractions")
    if at < len(atoms) and atoms[at].text.removesuffix("s") in fractions and atoms[at].kind == "word":
        readings, at = tuple(v * fractions[atoms[at].text.removesuffix("s")] for v in readings), at + 1
    elif [a.text for a in atoms[at : at + 3]] == ["and", "a", "half"]:
        readings, at = tuple(v + 0.5 for v in readings), at + 3
    if readings[0] in (0.5, 0.25) and at < len(atoms) and atoms[at].text in ("a", "an", "of"):
        at += 1
    if unit and at < len(atoms) and atoms[at].text in ("m", "mn") and atoms[at].start - atoms[at - 1].end <= 1:
        readings, at = tuple(v * 1e6 for v in readings), at + 1
    elif unit and at < len(atoms) and atoms[at].text == "k" and atoms[at].start == atoms[at - 1].end:
        readings, at = tuple(v * 1e3 for v in readings), at + 1
    if not unit:
        while at < len(atoms) and atoms[at].text == "-" and at + 1 < len(atoms) and unit_at(atoms, at + 1)[2]:
            at += 1  # 15-minute
        unit, factor, length = unit_at(atoms, at)
        if unit == "time" and length and atoms[at].text == "s" and readings[0] >= 1000:
            unit, factor = "", 1.0  # the 1930s
        if digits and atoms[at - 1].kind == "number" and at < len(atoms) and atoms[at].text in ("st", "nd", "rd", "th"):
            length = 1
        at += length
        rates = unit in ("length", "data", "volume", "mass") and at + 1 < len(atoms)
        if length and rates and atoms[at].text in ("/", "per", "pro", "an") and unit_at(atoms, at + 1)[2]:
            per, below, more = unit_at(atoms, at + 1)
            unit, factor, at = f"{unit}/{per}", factor / below, at + 1 + more
        if [a.text for a in atoms[at : at + 3]] == ["and", "a", "half"]:
            readings, at = tuple(v + 0.5 for v in readings), at + 3
        if unit == "fahrenheit":
            unit, readings = "celsius", tuple((v - 32) * 5 / 9 for v in readings)
    before = text[: atoms[i].start]
    start = atoms[i].start
    if (digits and regex.search(r"(?:^|[\s(])-$", before)) or regex.search(r"\bminus $", before):
        readings = tuple(-v for v in readings)
    sizes = tuple((v * factor, v * factor) for v in readings)
    written = tuple((v, v) for v in readings)
    return Value("number", sizes, unit, "", start, atoms[at - 1].end, written), at - i


def _joined(text: str, found: list[Value]) -> list[Value]:
    """Ranges: two numbers with "to", a dash or "between ... and" between them."""
    made: list[Value] = []
    to, opening = _words("to"), "|".join(map(regex.escape, _words("between")))
    for value in found:
        last = made[-1] if made else None
        if last is not None and last.kind == "number" and last.sizes[0][0] == last.sizes[0][1]:
            gap = text[last.end : value.start].strip()
            opens = regex.search(rf"(?:{opening}) ?(?:[^\w\s] ?)?$", text[max(0, last.start - 40) : last.start])
            joins = gap == "-" or (gap in to and gap not in ("and", "und", "a")) or (gap in ("and", "und") and opens)
            if gap in ("~", "至", "到", "から"):
                joins = True
            if joins and (not last.unit or not value.unit or last.unit == value.unit):
                low, high = last.sizes[0][0], value.sizes[0][1]
                if not last.unit and value.unit:
                    low *= _factor(value, text)
                if low < high:
                    plain = ((last.plain[0][0], value.plain[0][1]),)
                    made[-1] = Value(
                        "number", ((low, high),), value.unit or last.unit, "", last.start, value.end, plain
                    )
                    continue
        made.append(value)
    return made


def _factor(value: Value, text: str) -> float:
    atoms = atoms_of(text[value.start : value.end])
    for i in range(len(atoms)):
        unit, factor, length = unit_at(atoms, i)
        if length and unit == value.unit:
            return factor
    return 1.0


def _bounded(text: str, value: Value) -> Value:
    before = regex.sub(r"[\s(]+$", "", text[max(0, value.start - 40) : value.start])
    before = regex.sub(r"\b(?:the|a|an|about|some|only|be)$", "", before).rstrip()
    after = text[value.end : value.end + 40]
    for phrase, bound, behind in _bounds():
        if phrase not in (after if behind else before):
            continue
        letters = regex.escape(phrase)
        if behind:
            if regex.match(rf"[\s,]*(?:[\p{{L}}]+\s)?{letters}(?!\p{{Latin}})", after):
                return replace(
                    value, bound=bound, end=value.end + len(regex.match(rf"[\s,]*(?:[\p{{L}}]+\s)?{letters}", after)[0])
                )
        elif regex.search(rf"(?<!\p{{Latin}}){letters}$", before):
            return replace(value, bound=bound, start=max(0, value.start - 40) + len(before) - len(phrase))
    if after[:1] == "+":
        return replace(value, bound="min")
    return value


def same(a: Value, b: Value) -> bool:
    """Whether ``b`` states the value ``a``."""
    if "date" in (a.kind, b.kind) and a.kind != "time" != b.kind:
        return _same_date(a, b)
    if a.kind != b.kind:
        return False
    if a.kind == "days":
        return a.sizes == b.sizes
    if a.unit and b.unit and a.unit != b.unit:
        return False
    if a.bound and b.bound and a.bound != b.bound and {a.bound, b.bound} not in ({"min", "over"}, {"max", "under"}):
        return False
    if a.bound and b.bound and a.bound != b.bound:
        return False
    if "percent" in (a.unit, b.unit) and not (a.unit and b.unit) and not (a.bound or b.bound):
        share, bare = (a, b) if a.unit else (b, a)
        if any(0 < y <= 1 and isclose(x, 100 * y) for (x, _), (y, _) in product(share.plain, bare.plain)):
            return True  # 0.2 says 20 %
    both = a.unit and b.unit
    for x, y in product(a.sizes if both else a.plain, b.sizes if both else b.plain):
        if all(
            isclose(
                p,
                q,
                rel_tol=1e-3 if a.unit in ("mass", "length", "volume") else _NEAR,
                abs_tol=0.5 if a.unit == "celsius" else 1e-9,
            )
            for p, q in zip(x, y, strict=True)
        ):
            return True
    return False


def _same_date(a: Value, b: Value) -> bool:
    """Every part that ``a`` says is said by ``b``, and alike; a bare number between 1000 and 2100 is a year."""
    for x, y in product(_as_dates(a), _as_dates(b)):
        if all(p == q for p, q in zip(x, y, strict=True) if p) and any(x):
            return True
    return False


def _as_dates(value: Value) -> list[tuple[float, ...]]:
    if value.kind != "number":
        return list(value.sizes) if value.kind == "date" else []
    return [(low, 0.0, 0.0) for low, high in value.sizes if low == high and 1000 <= low <= 2100 and not value.unit]


def conflicting(a: Value, b: Value) -> bool:
    """Whether ``b`` speaks against ``a`` in its place: comparable, and no date that only says less."""
    if a.kind == b.kind == "date" and any(
        all(p == q for p, q in zip(x, y, strict=True) if p and q) and any(p and q for p, q in zip(x, y, strict=True))
        for x, y in product(a.sizes, b.sizes)
    ):
        return False
    return comparable(a, b)


def comparable(a: Value, b: Value) -> bool:
    """Whether ``b`` could stand in the place of ``a``: of the same kind, in the same dimension or without one."""
    if a.kind == b.kind == "number":
        return a.unit == b.unit or (a.unit.isupper() and b.unit.isupper()) or not (a.unit and b.unit)
    if "date" in (a.kind, b.kind):
        return bool(_as_dates(a) and _as_dates(b))
    return a.kind == b.kind
