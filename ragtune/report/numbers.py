"""Numbers as people read them; the only place that formats them."""

from __future__ import annotations

from ragtune.analysis.means import Estimate


def score(value: float | None) -> str:
    """A score in percent with one digit, or a dash."""
    return "–" if value is None else f"{100 * value:.1f}"


def interval(estimate: Estimate) -> str:
    """The 95 % interval in percent, or nothing."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{100 * estimate.low:.1f} – {100 * estimate.high:.1f}"


def seconds(value: float) -> str:
    if value < 1:
        return f"{1000 * value:.0f} ms"
    return f"{value:.1f} s" if value < 90 else f"{value / 60:.1f} min"


def signed(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.1f}"


def count(value: float) -> str:
    return f"{value:,.0f}"


def p_value(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}".lstrip("0") if value < 1 else "1"
