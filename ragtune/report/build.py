"""From a Run to the page: the view the template renders, and the data the page's script reads."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from markupsafe import Markup

from ragtune import __version__
from ragtune.analysis.causes import CAUSES
from ragtune.experiment.folder import Run
from ragtune.judging.metrics import METRICS
from ragtune.records import Json
from ragtune.report import charts, evidence, numbers
from ragtune.store import write_text

_SLICE_METRICS = ("token_f1", "answer_correctness", "faithfulness", "abstention")


def asset(name: str) -> str:
    """A file of this package as text."""
    return resources.files("ragtune.report").joinpath(name).read_text("utf-8")


def script_json(value: Any) -> Markup:
    """JSON that may stand inside a script element: nothing in it can end the element or start another."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)


class _Table:
    """Distinct values by number, so that repeated contexts and reasons are stored once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._at: dict[str, int] = {}

    def add(self, key: str, value: Any) -> int:
        if key not in self._at:
            self._at[key] = len(self.values)
            self.values.append(value)
        return self._at[key]


def page_data(run: Run) -> Json:
    """Every question with every answer, contexts and reasons stored once each."""
    setups = list(run.summary["setups"])
    contexts, reasons = _Table(), _Table()
    questions: dict[str, Json] = {}
    for line, time in zip(run.lines, run.times, strict=True):
        q = questions.setdefault(
            line["question_id"],
            {
                "id": line["question_id"],
                "q": line["question"],
                "ref": line["reference"],
                "tags": line["tags"],
                "ev": [[e["document_id"], e["start"], e["end"]] for e in line["evidence"]],
                "a": [],
            },
        )
        shown = [
            contexts.add(c["chunk_id"], [c["document_id"], c["start"], c["title"], c["text"]]) for c in line["contexts"]
        ]
        scores = [
            [line["scores"][m]["value"], reasons.add(line["scores"][m]["reason"], line["scores"][m]["reason"])]
            for m in run.summary["metrics"]
            if m in line["scores"]
        ]
        q["a"].append(
            [
                setups.index(line["setup"]),
                line["seed"],
                line["answer"],
                int(line["abstained"]),
                line["citations"],
                shown,
                scores,
                [line["tokens"]["prompt"], line["tokens"]["answer"]],
                round(time["retrieval"] + time["generation"], 4),
                line["dropped"],
                line["finish"],
                line["cause"],
            ]
        )
    return {
        "setups": list(run.summary["setups"].values()),
        "metrics": [METRICS[m].title for m in run.summary["metrics"]],
        "keys": run.summary["metrics"],
        "causes": {name: title for name, (title, *_) in CAUSES.items()},
        "contexts": contexts.values,
        "reasons": reasons.values,
        "questions": list(questions.values()),
    }


def _latency(run: Run) -> dict[str, Json]:
    frame = run.answers
    found = {}
    for name, group in frame.groupby("setup"):
        found[str(name)] = {"p50": float(group["seconds"].quantile(0.5)), "p95": float(group["seconds"].quantile(0.95))}
    return found


def _pct(pair: Json) -> Json:
    return {k: None if pair.get(k) is None else 100 * pair[k] for k in ("mean", "low", "high")}


def _scatter(run: Run, metric: str, x: dict[str, float], x_title: str, title: str) -> Markup:
    series = []
    for i, (name, label) in enumerate(run.summary["setups"].items()):
        e = run.summary["scores"][name].get(metric, {})
        if e.get("mean") is not None and x.get(name):
            p = _pct(e)
            series.append(charts.Series(label, i % 8, [(x[name], p["mean"])], [(p["low"], p["high"])]))
    return charts.scatter(series, x_title, METRICS[metric].title + " (%)", title)


def _loss_charts(run: Run) -> list[Json]:
    found: dict[str, list[charts.Series]] = {}
    index = list(run.summary["setups"])
    seen: set[str] = set()
    for t in run.tuning:
        if t["key"] in seen:
            continue
        seen.add(t["key"])
        rows = found.setdefault(run.summary["setups"][t["setup"]], [])
        colour = index.index(t["setup"]) % 8
        rows.append(charts.Series(f"seed {t['seed']}, train", colour, [tuple(p) for p in t["curve"]]))
        if len(t["dev_curve"]) > 1:
            rows.append(
                charts.Series(f"seed {t['seed']}, dev", colour, [tuple(p) for p in t["dev_curve"]], dashed=True)
            )
    return [{"title": title, "svg": charts.lines(s, "step", "loss", f"Loss of {title}")} for title, s in found.items()]


def _recall(run: Run) -> Markup:
    series, seen = [], {}
    for i, (name, measures) in enumerate(run.summary["retrieval"].items()):
        points = [(float(k), 100 * measures[f"recall@{k}"]["mean"]) for k in (1, 3, 5, 10)]
        if tuple(points) in seen:
            continue
        seen[tuple(points)] = True
        series.append(charts.Series(run.summary["setups"][name], i % 8, points))
    return charts.lines(series, "k", "recall@k (%)", "Recall at k", (0, 100), x_ticks=[1, 3, 5, 10])


def _retrieval_rows(run: Run) -> list[Json]:
    rows: dict[str, Json] = {}
    for name, measures in run.summary["retrieval"].items():
        key = json.dumps(measures)
        rows.setdefault(key, {"names": [], "m": measures})["names"].append(run.summary["setups"][name])
    return list(rows.values())


def _costs(run: Run) -> list[Json]:
    latency = _latency(run)
    rows = []
    for name, label in run.summary["setups"].items():
        tuning = [t for t in run.tuning if t["setup"] == name]
        tokens = run.summary["tokens"][name]
        rows.append(
            {
                "label": label,
                "p50": latency[name]["p50"],
                "p95": latency[name]["p95"],
                **tokens,
                "train": sum(t["cost"]["seconds"] for t in tuning) / len(tuning) if tuning else None,
                "speed": sum(t["cost"]["tokens_per_second"] for t in tuning) / len(tuning) if tuning else None,
                "trainable": tuning[0]["trainable"] if tuning else None,
                "memory": max(t["cost"]["peak_memory_mb"] for t in tuning) if tuning else None,
            }
        )
    return rows


def view(run: Run) -> Json:
    """Everything the template needs; numbers stay numbers, the template formats them through ``numbers``."""
    summary = run.summary
    metric = summary["decision"]["metric"]
    answered = {n: t["p50"] for n, t in _latency(run).items()}
    tokens = {n: t["prompt"] + t["answer"] for n, t in summary["tokens"].items()}
    parts = [
        (name, label, slices)
        for name, label in summary["setups"].items()
        if (slices := {s: v.get(name, {}) for s, v in summary["slices"].items()})
    ]
    shown = [d for d in summary["differences"] if d["mean"] is not None]
    pair_metrics = [m for m in METRICS if any(d["metric"] == m for d in shown)]
    return {
        "run": run,
        "summary": summary,
        "version": __version__,
        "metrics": {m: METRICS[m] for m in summary["metrics"]},
        "metric": metric,
        "n": numbers,
        "core": [METRICS[m] for m in summary["metrics"] if METRICS[m].core],
        "extra": [METRICS[m] for m in summary["metrics"] if not METRICS[m].core],
        "setups": [
            {"name": n, "title": t, "colour": i % 8, "scores": summary["scores"][n]}
            for i, (n, t) in enumerate(summary["setups"].items())
        ],
        "best": _best(summary),
        "pairs": {m: [d for d in shown if d["metric"] == m] for m in pair_metrics},
        "reach": {
            m: max([0.05, *(max(abs(d["low"]), abs(d["high"])) for d in shown if d["metric"] == m)])
            for m in pair_metrics
        },
        "latency_chart": _scatter(
            run,
            metric,
            {n: 1000 * s for n, s in answered.items()},
            "median latency per question (ms, log scale)",
            "Quality against latency",
        ),
        "tokens_chart": _scatter(run, metric, tokens, "tokens per question (log scale)", "Quality against tokens"),
        "loss_charts": _loss_charts(run),
        "recall_chart": _recall(run),
        "retrieval": _retrieval_rows(run),
        "slices": parts,
        "slice_names": list(summary["slices"]),
        "slice_metrics": _SLICE_METRICS,
        "slice_sizes": _slice_sizes(summary),
        "costs": _costs(run),
        "work": run.work,
        "settings": yaml.safe_dump(run.experiment, sort_keys=False, allow_unicode=True),
        "unscored": summary["unscored"],
        "tags": sorted({t for line in run.lines for t in line["tags"] if ":" not in t}),
        "causes": evidence.cause_rows(run),
        "ceiling": evidence.ceiling_text(run),
        "power": evidence.power_text(run),
        "cost_charts": evidence.cost_charts(run),
        "learning": evidence.learning_charts(run),
        "style": Markup(asset("style.css")),
        "script": Markup(asset("script.js")),
        "data": script_json(page_data(run)),
    }


def _best(summary: Json) -> dict[str, float]:
    found = {}
    for metric in METRICS.values():
        means = [
            s[metric.name]["mean"] for s in summary["scores"].values() if s.get(metric.name, {}).get("mean") is not None
        ]
        if means:
            found[metric.name] = max(means) if metric.higher_is_better else min(means)
    return found


def _slice_sizes(summary: Json) -> dict[str, int]:
    return {
        part: max((e["n"] for scores in by.values() for e in scores.values()), default=0)
        for part, by in summary["slices"].items()
    }


def render(run: Run) -> str:
    """The whole page as text. Everything from documents, questions and models is escaped or stays JSON text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("ragtune.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return env.get_template("page.html.j2").render(view(run))


def write_report(run: Run, path: Path) -> Path:
    """Write the report of ``run`` to ``path`` and return it."""
    write_text(path, render(run))
    return path
