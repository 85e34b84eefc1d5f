"""Numbers in digits and in words: the atoms of a text, and the number that begins at one of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import regex

from ragtune.text.fold import fold
from ragtune.text.languages import CODES, language, units

_ATOM = regex.compile(
    r"(?P<time>(?<!\d)\d{1,2}:\d{2}(?::\d{2})?(?!\d))|(?P<number>\d{1,3}(?:[ ']\d{3})+(?![\d])|\d+(?:[.,]\d+)*)|(?P<power>\^\d+)"
    r"|(?P<han>\p{Han}|[\p{Hiragana}\p{Katakana}ー]+)|(?P<word>°[cf]|us\$|[\p{L}\p{M}]+(?:'[\p{L}]+)?)|(?P<sign>[^\s\w])"
)


@dataclass(frozen=True, slots=True)
class Value:
    """``kind``: number, date, time or days (of the week, Monday is 0). ``sizes``: (low, high) in each way it can be read. Dates have (year, month, day) in each
    way, 0 where not said; times are minutes of the day. ``unit`` is a dimension (time, EUR, %...) or "". ``bound``: min, max,
    over, under or "". ``start`` and ``end`` count characters of the folded text."""

    kind: str
    sizes: tuple[tuple[float, ...], ...]
    unit: str = ""
    bound: str = ""
    start: int = 0
    end: int = 0
    written: tuple[tuple[float, ...], ...] = ()

    @property
    def plain(self) -> tuple[tuple[float, ...], ...]:
        """The sizes as they are written, before their unit is counted in."""
        return self.written or self.sizes


@dataclass(frozen=True, slots=True)
class Atom:
    kind: str
    text: str
    start: int
    end: int


@lru_cache(maxsize=8)
def table(name: str) -> dict[str, float]:
    return {fold(w): float(v) for code in CODES for w, v in getattr(language(code), name).items()}


def _readings(digits: str) -> tuple[float, ...]:
    """The numbers that digits with separators can mean: 1,500 is 1500; 1.500 is 1.5 or 1500; 10,50 is 10.5."""
    digits = digits.replace(" ", "").replace("'", "")
    seps = [c for c in digits if c in ".,"]
    if not seps:
        return (float(digits),)
    parts = regex.split(r"[.,]", digits)
    grouped = all(len(p) == 3 for p in parts[1:]) and len(parts[0]) <= 3 and parts[0] != "0"
    whole = float("".join(parts))
    if len(set(seps)) == 2:
        return (float("".join(parts[:-1]) + "." + parts[-1]),)
    if len(seps) > 1:
        return (whole,) if grouped else ()
    point = float(".".join(parts))
    if not grouped:
        return (point,)
    return (whole,) if seps[0] == "," else (point, whole)


def atoms_of(text: str) -> list[Atom]:
    return [Atom(str(m.lastgroup), m[0], m.start(), m.end()) for m in _ATOM.finditer(text)]


def _spelled(atoms: list[Atom], i: int) -> tuple[float, int] | None:
    """A number in words that begins at ``i``: (value, how many atoms)."""
    if atoms[i].kind == "han":
        return _han_number(atoms, i)
    ones, scales, ordinals = table("numbers"), table("scales"), table("ordinals")
    total = current = 0.0
    used, counted, seen, after_one = 0, 0, False, False
    while i + used < len(atoms):
        word = atoms[i + used].text
        if word in ones and not (after_one and (ones[word] >= 10 or current % 10)):
            current, after_one, seen = current + ones[word], True, True
        elif word in scales and seen:
            size, after_one = scales[word], False
            if size == 100:
                current *= 100
            else:
                total, current = total + current * size, 0.0
        elif word in ordinals and seen and not current % 10:
            current += ordinals[word]
            counted = used + 1
            break
        elif not (seen and word in ("and", "-", ",", "und") and (word == "-" or current >= 100 or total)):
            break
        else:
            used += 1
            continue
        used += 1
        counted = used
    return (total + current, counted) if seen else None


def _han_number(atoms: list[Atom], i: int) -> tuple[float, int] | None:
    """A number in Chinese characters: 二百零六, 一万二千, 二〇二〇."""
    ones, scales = table("numbers"), table("scales")
    total = section = digit = 0.0
    used, after_digit = 0, False
    while i + used < len(atoms) and atoms[i + used].kind == "han":
        char = atoms[i + used].text
        if char in ones:
            digit = digit * 10 + ones[char] if after_digit else ones[char]
            after_digit = char not in ("零", "〇") or after_digit
        elif char in scales:
            if scales[char] >= 10000:
                total, section = total + (section + digit or 1.0) * scales[char], 0.0
            else:
                section += (digit or 1.0) * scales[char]
            digit, after_digit = 0.0, False
        else:
            break
        used += 1
    return (total + section + digit, used) if used else None


@lru_cache(maxsize=4096)
def _compound(word: str) -> float | None:
    """A German number written as one word (``zweiundsiebzig``), or None."""
    ones = {k: v for k, v in table("numbers").items() if len(k) > 2}
    scales = {"hundert": 100.0, "tausend": 1000.0}
    match = regex.fullmatch(r"(?:(.*?)tausend)?(?:(.*?)hundert)?(?:(.*?)und)?(.*)", word)
    if not match or not any(s in word for s in (*scales, "und")):
        return None

    def part(text: str | None, empty: float) -> float | None:
        return empty if not text else ones.get(text, 1.0 if text == "ein" else None)

    values = [
        part(match[1], 1.0 if "tausend" in word else 0.0),
        part(match[2], 1.0 if "hundert" in word else 0.0),
        part(match[3], 0.0),
        part(match[4], 0.0),
    ]
    if any(v is None for v in values):
        return None
    thousands, hundreds, one, ten = (float(v or 0.0) for v in values)
    return (thousands * 1000 if "tausend" in word else 0.0) + (hundreds * 100 if "hundert" in word else 0.0) + one + ten


def number_at(atoms: list[Atom], i: int) -> tuple[tuple[float, ...], int, bool] | None:
    """(readings, atoms used, written in digits) of a number that begins at ``i``."""
    atom, scales = atoms[i], table("scales")
    if atom.kind == "number":
        found, used = _readings(atom.text), 1
        if not found:
            return None  # a version, an address
        nxt = atoms[i + 1] if i + 1 < len(atoms) else None
        if nxt and nxt.text == "/" and nxt.start == atom.end and i + 2 < len(atoms) and atoms[i + 2].kind == "number":
            below = _readings(atoms[i + 2].text)
            if below and below[0] and atoms[i + 2].start == nxt.end:
                return (found[0] / below[0],), 3, True
        if nxt and nxt.kind == "power":
            return tuple(v ** float(nxt.text[1:]) for v in found), 2, True
        if nxt and nxt.text in scales and scales[nxt.text] >= 100 and nxt.text not in ("m",):
            return tuple(v * scales[nxt.text] for v in found), 2, True
        return found, used, True
    if atom.kind in ("word", "han"):
        if atom.text in table("ordinals"):
            return (table("ordinals")[atom.text],), 1, False
        if atom.text in table("fractions"):
            return (table("fractions")[atom.text],), 1, False
        spelled = _spelled(atoms, i)
        if spelled:
            return (spelled[0],), spelled[1], False
        if atom.text in ("a", "an") and i + 1 < len(atoms) and unit_at(atoms, i + 1)[0] in ("time", "months"):
            return (1.0,), 1, False
        compound = _compound(atom.text) if len(atom.text) > 6 else None
        if compound is not None:
            return (compound,), 1, False
    return None


@lru_cache(maxsize=1)
def unit_words() -> dict[str, tuple[str, float]]:
    return {fold(word): found for word, found in units().items()}


def unit_at(atoms: list[Atom], i: int) -> tuple[str, float, int]:
    """(dimension, factor, atoms used) of a unit that begins at ``i``; scales of money (50m) count as part of the number."""
    known = unit_words()
    for length in (3, 2, 1):
        if i + length <= len(atoms):
            own = atoms[i : i + length]
            word = own[0].text + "".join(" " * (b.start > a.end) + b.text for a, b in zip(own, own[1:], strict=False))
            if word in known:
                return (*known[word], length)
    return "", 1.0, 0
