"""Plain-text tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ragtune.corpus.check import CorpusInfo
from ragtune.experiment.folder import Run
from ragtune.judging.metrics import CORE, METRICS
from ragtune.report import numbers


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    lines = [
        "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
        for r in [head, *rows]
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def comparison(run: Run) -> str:
    """Setups by metrics: the mean and half the width of its 95 % interval, in percent."""
    summary = run.summary
    rows = []
    seconds = run.answers.groupby("setup")["seconds"].median()
    for name in summary["setups"]:
        cells = [name]
        for metric in CORE:
            e = summary["scores"][name].get(metric, {})
            cells.append("–" if e.get("mean") is None else f"{100 * e['mean']:.1f} ±{50 * (e['high'] - e['low']):.1f}")
        rows.append([*cells, numbers.seconds(float(seconds[name]))])
    head = ["setup", *(METRICS[m].short for m in CORE), "latency"]
    return f"\n{_grid(head, rows)}\n(percent, mean ± half of the 95 % interval; – : unscored, see the report)\n\n{summary['decision']['text']}\n"


def corpus_table(info: CorpusInfo) -> str:
    lines = [
        f"{info.documents} documents ({', '.join(f'{n} {k}' for k, n in info.formats.items())}), {numbers.count(info.words)} tokens"
    ]
    widest = max((n for _, _, n in info.histogram), default=1)
    for low, high, n in info.histogram:
        label = f"{low}–{high - 1}" if high < 10**9 else f"{low} and more"
        lines.append(f"  {label:>14} tokens  {'█' * max(1, round(30 * n / widest)):<30} {n}")
    if info.questions:
        lines.append(
            f"{info.questions} questions ({', '.join(f'{n} {k}' for k, n in sorted(info.splits.items()))}), {info.unanswerable} without an answer, {info.with_evidence} with evidence"
        )
        lines.append(f"  tags: {', '.join(f'{k} {n}' for k, n in info.tags.items())}" if info.tags else "  no tags")
    else:
        lines.append("no questions")
    for label, pairs in (
        ("documents with the same text", info.same_text),
        ("questions with the same text", info.same_question),
        ("skipped files", info.skipped),
    ):
        if pairs:
            lines.append(
                f"{len(pairs)} {label}: "
                + "; ".join(f"{a}: {b}" if label.startswith("skipped") else f"{a} = {b}" for a, b in pairs[:5])
            )
    if info.leaks:
        lines.append(
            f"{len(info.leaks)} leaks of test questions into train: "
            + "; ".join(f"{k.test_id} ~ {k.train_id} ({k.similarity:.2f})" for k in info.leaks[:5])
        )
    lines.append(f"version {info.hash}")
    return "\n".join(lines)
