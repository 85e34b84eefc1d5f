"""Contrast of both themes by the style sheet's colours: WCAG 2.1 AA, 4.5:1 for text, 3:1 for what charts are drawn with."""

from __future__ import annotations

import re
from itertools import product

import pytest

from ragtune.report.build import asset

STYLE = asset("style.css")
#: what text stands on; marks and the graphics of charts carry none
GROUNDS = ("bg", "card", "track")
#: names that colour text, beside what `marks` stand on
TEXTS = ("ink", "soft", "accent", "down", "up")
GRAPHICS = (*(f"c{n}" for n in range(8)), "up", "down", "flat", "soft")


def colours(theme: str) -> dict[str, str]:
    light, dark = re.findall(r":root\{([^}]*)\}", STYLE)
    found = dict(re.findall(r"--(\w+):(#[0-9a-f]{3,6})", light))
    return found if theme == "light" else {**found, **dict(re.findall(r"--(\w+):(#[0-9a-f]{3,6})", dark))}


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_what_the_standard_says() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str) -> None:
    found = colours(theme)
    pairs = [*product(TEXTS, GROUNDS), ("ink", "mark"), ("card", "accent")]
    poor = {(a, b): round(contrast(found[a], found[b]), 2) for a, b in pairs if contrast(found[a], found[b]) < 4.5}
    assert poor == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marks_of_charts_can_be_told_from_their_ground(theme: str) -> None:
    found = colours(theme)
    pairs = [*product(GRAPHICS, ("card",)), *product(GRAPHICS, ("track",))]
    poor = {(a, b): round(contrast(found[a], found[b]), 2) for a, b in pairs if contrast(found[a], found[b]) < 3}
    assert poor == {}


def test_every_colour_of_text_and_ground_is_among_those_checked() -> None:
    rules = re.sub(r":root\{[^}]*\}", "", STYLE)
    texts = set(re.findall(r"[{;]color:var\(--(\w+)\)", rules)) | set(re.findall(r"text\{fill:var\(--(\w+)\)", rules))
    grounds = set(re.findall(r"background:var\(--(\w+)\)", rules))
    assert texts == {*TEXTS, "card"}  # card: the text of a button that is pressed, on accent
    assert grounds == {*GROUNDS, "mark", "accent", "c"}  # c: marks of charts and legends
    named = re.findall(r"(?<![-\w])color:(?!var\(|inherit)([^;}]+)", rules)
    assert named == []
