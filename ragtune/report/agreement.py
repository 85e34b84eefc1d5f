"""The page of `ragtune judge evaluate`: how far a judge agrees with people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from ragtune import __version__
from ragtune.analysis.agreement import Agreement, Measure
from ragtune.analysis.few import ENOUGH
from ragtune.experiment.calibration import Evaluation
from ragtune.report import charts
from ragtune.report.build import asset
from ragtune.store import encode, write_text

_ROWS = (
    ("auc", "ROC AUC", "chance that a supported (or right) answer is ranked above another"),
    ("accuracy", "Agreement", "share of answers on which judge and people say the same, at the judge's own threshold"),
    ("balanced", "Balanced accuracy", "at the judge's own threshold"),
    ("balanced_best", "Balanced accuracy, best threshold", "chosen on these labels: an upper bound"),
    ("kappa", "Cohen's kappa", "agreement beyond chance at the judge's own threshold"),
    ("ece", "Calibration error", "support against the share that people call supported (lower is better)"),
)
_CALLED = {"faithfulness": "supported", "answer_correctness": "right"}


def text(each: Evaluation) -> str:
    """The measures as plain lines."""

    def line(title: str, m: Measure) -> str:
        return f"  {title:<36} {m.value:.3f}  ({m.low:.3f} to {m.high:.3f})"

    found, called = each.found, _CALLED[each.metric]
    lines = [f"{each.name}: {found.items} answers, {found.positive} {called}"]
    if found.few:
        lines.append(f"  {few_labels(each)}")
    lines += [line(title, getattr(found, key)) for key, title, _ in _ROWS]
    for title, other in each.beside.items():
        lines += [line(f"{title}: ROC AUC", other.auc), line(f"{title}: Agreement", other.accuracy)]
    lines.append(f"  threshold {found.threshold:.2f}, best on these labels {found.best_threshold:.2f}")
    lines.append(f"  {1000 * found.seconds_per_item:.2f} ms and {found.calls_per_item:.1f} model calls per answer")
    return "\n".join(lines)


def few_labels(each: Evaluation) -> str:
    """That the labels are too few to say much."""
    yes, called = each.found.positive, _CALLED[each.metric]
    return f"Few labels: {yes} {called}, {each.found.items - yes} not. Below {ENOUGH} of each the figures say little."


def reliability(found: Agreement, called: str = "supported") -> Markup:
    """The share that people call so against the judge's value, in bins; ``""`` where too few bins hold answers for a curve."""
    points = [(100 * b.support, 100 * b.supported) for b in found.bins]
    own = charts.Series("judge", 0, points)
    ideal = charts.Series("ideal", 7, [(0.0, 0.0), (100.0, 100.0)], dashed=True, level=True)
    return charts.lines(
        [own, ideal], "value by the judge (%)", f"called {called} by people (%)", "Reliability", (0, 100)
    )


def write(out: Path, judge: str, evaluations: Sequence[Evaluation]) -> Path:
    """Write the page ``out`` with its JSON beside it, or the JSON alone where ``out`` is named so. Returns ``out``."""
    if out.suffix.lower() != ".json":
        write_text(out, page(judge, evaluations))
    write_text(out.with_suffix(".json"), as_json(judge, evaluations))
    return out


def page(judge: str, evaluations: Sequence[Evaluation]) -> str:
    """The whole page as text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("ragtune.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sets = [(each.name, each.found) for each in evaluations]
    sets += [(f"{each.name}: {title}", found) for each in evaluations for title, found in each.beside.items()]
    called = _CALLED[evaluations[0].metric]
    return env.get_template("agreement.html.j2").render(
        judge=judge,
        sets=[{"name": name, "r": r} for name, r in sets],
        plots=[{"name": each.name, "plot": reliability(each.found, called)} for each in evaluations],
        few=[f"{each.name}: {few_labels(each)}" for each in evaluations if each.found.few],
        called=called,
        rows=_ROWS,
        style=Markup(asset("style.css")),
        version=__version__,
    )


def as_json(judge: str, evaluations: Sequence[Evaluation]) -> str:
    """The measures as JSON text."""
    sets = {e.name: {**encode(e.found), "metric": e.metric, "beside": encode(e.beside)} for e in evaluations}
    return json.dumps({"judge": judge, "version": __version__, "sets": sets}, indent=1)
