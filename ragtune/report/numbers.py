"""Numbers as people read them; the only place that formats them."""

from __future__ import annotations

from ragtune.analysis.latency import Latency
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
        return f"{1000 * value:.0f} ms" if value >= 0.00995 or value == 0 else f"{1000 * value:.2g} ms"
    return f"{value:.1f} s" if value < 90 else f"{value / 60:.1f} min"


def waits(latency: Latency | None) -> tuple[str, str]:
    """Median and 95th percentile of what one user waits, or that they are unknown."""
    return (seconds(latency.p50), seconds(latency.p95)) if latency else ("unknown", "unknown")


def rate(value: float | None) -> str:
    """A number per second, or a dash."""
    return "–" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def signed(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.1f}"


def count(value: float) -> str:
    return f"{value:,.0f}"


def p_value(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}".lstrip("0") if value < 1 else "1"


def plain(title: str) -> str:
    """A metric's title within a sentence: "Token F1" is "token F1", "ROUGE-L" stays."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]
