"""The page of `ragtune judge evaluate`: how far a judge agrees with people."""

from __future__ import annotations

import json

from markupsafe import Markup

from ragtune import __version__
from ragtune.analysis.agreement import Agreement, Measure
from ragtune.report import charts
from ragtune.report.build import asset
from ragtune.store import encode

_ROWS = (
    ("auc", "ROC AUC", "chance that a supported answer is ranked above an unsupported one"),
    ("balanced", "Balanced accuracy", "at the judge's own threshold"),
    ("balanced_best", "Balanced accuracy, best threshold", "chosen on these labels: an upper bound"),
    ("kappa", "Cohen's kappa", "agreement beyond chance at the judge's own threshold"),
    ("ece", "Calibration error", "support against the share that people call supported (lower is better)"),
)


def text(name: str, found: Agreement) -> str:
    """The measures as plain lines."""

    def line(title: str, m: Measure) -> str:
        return f"  {title:<36} {m.value:.3f}  ({m.low:.3f} to {m.high:.3f})"

    lines = [f"{name}: {found.items} answers, {found.positive} supported"]
    lines += [line(title, getattr(found, key)) for key, title, _ in _ROWS]
    lines.append(f"  threshold {found.threshold:.2f}, best on these labels {found.best_threshold:.2f}")
    lines.append(f"  {1000 * found.seconds_per_item:.2f} ms and {found.calls_per_item:.1f} model calls per answer")
    return "\n".join(lines)


def reliability(found: Agreement) -> Markup:
    points = [(100 * b.support, 100 * b.supported) for b in found.bins]
    own = charts.Series("judge", 0, points)
    ideal = charts.Series("ideal", 7, [(0.0, 0.0), (100.0, 100.0)], dashed=True)
    return charts.lines(
        [own, ideal], "support by the judge (%)", "called supported by people (%)", "Reliability", (0, 100)
    )


def page(judge: str, results: dict[str, Agreement]) -> str:
    """The whole page as text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("ragtune.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sets = [{"name": n, "r": r, "plot": reliability(r)} for n, r in results.items()]
    return env.get_template("agreement.html.j2").render(
        judge=judge, sets=sets, rows=_ROWS, style=Markup(asset("style.css")), version=__version__
    )


def as_json(judge: str, results: dict[str, Agreement]) -> str:
    """The measures as JSON text."""
    sets = {name: encode(found) for name, found in results.items()}
    return json.dumps({"judge": judge, "version": __version__, "sets": sets}, indent=1)
