"""Charts as inline SVG; colours come from the page's style sheet, so that they follow light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 420, 270
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 44


#: how wide a letter of a label is drawn, at most
LETTER = 8.2
#: between a point and its label
GAP = 13
#: left, right, top and bottom of what is drawn
Box = tuple[float, float, float, float]
#: how many setups have a mark of their own: eight colours in each of five shapes
MARKS = 40
#: points of a curve: what fewer of them show is said in words
CURVE = 3


@dataclass(frozen=True)
class Series:
    """Points of one setup; ``colour`` is its number among the `MARKS`. ``level``: no measured curve, a line to compare with.
    ``ringed``: the one to choose."""

    name: str
    colour: int
    points: Sequence[tuple[float, float]]
    low_high: Sequence[tuple[float, float]] | None = None
    dashed: bool = False
    level: bool = False
    ringed: bool = False

    @property
    def is_curve(self) -> bool:
        return not self.level and len(self.points) >= CURVE


def _ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    span = high - low or 1.0
    raw = span / wanted
    size = 10 ** math.floor(math.log10(raw))
    step = next(s * size for s in (1, 2, 2.5, 5, 10) if s * size >= raw)
    first = math.ceil(low / step - 1e-9) * step
    return [first + i * step for i in range(int((high - first) / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float, wanted: int = 3) -> list[float]:
    """Round numbers from ``low`` to ``high``: the coarsest kind of which there are ``wanted``, else the finest."""
    found: list[float] = []
    for kind in ((1,), (1, 3), (1, 2, 5), tuple(range(1, 10))):
        found = [m * 10.0**e for e in range(-5, 7) for m in kind if low <= m * 10.0**e <= high]
        if len(found) >= wanted:
            break
    return found or [low, high]


def _label(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value / 1000:g}k"
    return f"{value:.3g}"


class _Axes:
    def __init__(self, x: tuple[float, float], y: tuple[float, float], log_x: bool = False) -> None:
        self.x, self.y, self.log_x = x, y, log_x

    def px(self, value: float) -> float:
        a, b = self.x
        if self.log_x:
            a, b, value = math.log10(a), math.log10(b), math.log10(value)
        return LEFT + (value - a) / ((b - a) or 1) * (WIDTH - LEFT - RIGHT)

    def py(self, value: float) -> float:
        a, b = self.y
        return HEIGHT - BOTTOM - (value - a) / ((b - a) or 1) * (HEIGHT - TOP - BOTTOM)

    def draw(self, x_title: str, y_title: str, x_ticks: Sequence[float]) -> list[str]:
        parts = []
        for v in _ticks(*self.y):
            y = self.py(v)
            parts.append(
                f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/><text class="tick" x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{_label(v)}</text>'
            )
        last = -float("inf")
        for v in x_ticks:
            x, wide = self.px(v), LETTER * len(_label(v))
            said = f'<text class="tick" x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{_label(v)}</text>'
            clear = x - wide / 2 > last
            last = x + wide / 2 if clear else last
            line = f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
            parts.append(f"{said if clear else ''}{line}")
        parts.append(
            f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_title)}</text>'
        )
        parts.append(
            f'<text class="axis" x="12" y="{(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" transform="rotate(-90 12 {(TOP + HEIGHT - BOTTOM) / 2})">{escape(y_title)}</text>'
        )
        return parts


def _svg(parts: Sequence[str], title: str) -> Markup:
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


def lines(
    series: Sequence[Series],
    x_title: str,
    y_title: str,
    title: str,
    y: tuple[float, float] | None = None,
    log_x: bool = False,
    x_ticks: Sequence[float] | None = None,
) -> Markup:
    """Line chart; a point's exact values show on hover. ``""`` where no series has points enough for a curve; one that has fewer
    than the others is drawn as dots."""
    if not any(s.is_curve for s in series):
        return Markup("")
    xs = [p[0] for s in series for p in s.points]
    ys = [p[1] for s in series for p in s.points]
    low, high = y or (min(0.0, *ys), max(ys) * 1.05 or 1.0)
    axes = _Axes((min(xs), max(xs)), (low, high), log_x)
    parts = axes.draw(x_title, y_title, x_ticks or _ticks(min(xs), max(xs)))
    for s in series:
        path = " ".join(
            f"{'M' if i == 0 else 'L'}{axes.px(a):.1f} {axes.py(b):.1f}" for i, (a, b) in enumerate(s.points)
        )
        if s.is_curve or s.level:
            parts.append(
                f'<path class="line c{s.colour}{" dashed" if s.dashed else ""}" d="{path}"><title>{escape(s.name)}</title></path>'
            )
        if len(s.points) <= 12 and not s.level:
            for a, b in s.points:
                parts.append(_dot(axes.px(a), axes.py(b), 3, s.colour, f"{s.name}: {_label(a)}, {b:.3f}"))
    return _svg(parts, title)


def scatter(series: Sequence[Series], x_title: str, y_title: str, title: str, log_x: bool = True) -> Markup:
    """One point per setup with its vertical interval, labelled where there is room; x on a log scale."""
    xs = [max(1e-4, p[0]) for s in series for p in s.points]
    if not xs:
        return Markup("")
    low, high = min(xs) / 1.6, max(xs) * 1.6
    axes = _Axes((low, high), (0.0, 100.0), log_x)
    parts = axes.draw(x_title, y_title, _log_ticks(low, high))
    dots = [(axes.px(max(1e-4, s.points[0][0])), axes.py(s.points[0][1])) for s in series]
    taken: list[Box] = [(x - 7, x + 7, y - 7, y + 7) for x, y in dots]
    labels = []
    for s, (x, y) in zip(series, dots, strict=True):
        if s.low_high:
            lo, hi = s.low_high[0]
            parts.append(
                f'<line class="bar c{s.colour}" x1="{x:.1f}" x2="{x:.1f}" y1="{axes.py(lo):.1f}" y2="{axes.py(hi):.1f}"/>'
            )
        if s.ringed:
            parts.append(f'<circle class="ring c{s.colour}" cx="{x:.1f}" cy="{y:.1f}" r="9"/>')
        parts.append(_dot(x, y, 5.5, s.colour, f"{s.name}: {s.points[0][0]:.3g}, {s.points[0][1]:.1f}"))
        if place := _place(x, y, LETTER * len(s.name), taken):
            left, right, _, bottom = place
            taken.append(place)
            at, anchor = (right, "end") if right < x else (left, "start")
            labels.append(
                f'<text class="name" x="{at:.1f}" y="{bottom - 4:.1f}" text-anchor="{anchor}">{escape(s.name)}</text>'
            )
    return _svg([*parts, *labels], title)


def _dot(x: float, y: float, r: float, mark: int, title: str) -> str:
    """The mark of that number, ``r`` from its middle to its sides: a circle, and past the eighth colour other shapes, as in the style sheet."""
    told = f"<title>{escape(title)}</title>"
    if mark < 8:
        return f'<circle class="dot c{mark}" cx="{x:.1f}" cy="{y:.1f}" r="{r:g}">{told}</circle>'
    left, right, top, bottom = x - r, x + r, y - r, y + r
    round_to = f"A{r:g} {r:g} 0 0 1 "
    d = (
        f"M{left:.1f} {top:.1f}H{right:.1f}V{bottom:.1f}H{left:.1f}Z",
        f"M{x:.1f} {top:.1f}L{right:.1f} {y:.1f}L{x:.1f} {bottom:.1f}L{left:.1f} {y:.1f}Z",
        f"M{left:.1f} {y:.1f}{round_to}{x:.1f} {top:.1f}H{right:.1f}V{y:.1f}{round_to}{x:.1f} {bottom:.1f}H{left:.1f}Z",
        f"M{left:.1f} {y:.1f}{round_to}{right:.1f} {y:.1f}V{bottom:.1f}H{left:.1f}Z",
    )[mark // 8 - 1]
    return f'<path class="dot c{mark}" d="{d}">{told}</path>'


def _place(x: float, y: float, wide: float, taken: Sequence[Box]) -> Box | None:
    """Where a label of a point stands: beside it, above or below, inside the chart and clear of what is ``taken``; None where there
    is no room, so that only the legend names the point."""
    middle = max(0.0, min(x - wide / 2, WIDTH - wide))
    for left, top in (
        *((x + GAP, y - 8 + shift) for shift in (0, -8, 8)),
        *((x - GAP - wide, y - 8 + shift) for shift in (0, -8, 8)),
        (middle, y - GAP - 16),
        (middle, y + GAP),
    ):
        found = (left, left + wide, top, top + 16)
        if left < 0 or left + wide > WIDTH or top < 0 or top + 16 > HEIGHT - BOTTOM + 4:
            continue
        if not any(left < r and le < found[1] and top < b and t < found[3] for le, r, t, b in taken):
            return found
    return None
