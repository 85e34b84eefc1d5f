"""Plain-text tables for the terminal."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Sequence

from ragtune.corpus.check import CorpusInfo
from ragtune.experiment.folder import Run
from ragtune.judging.metrics import METRICS
from ragtune.judging.quotes import cited, headings
from ragtune.records import Row
from ragtune.report import first, numbers
from ragtune.text.counts import counted


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    lines = [
        "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
        for r in [head, *rows]
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


#: columns of output that is not a terminal
_ENDLESS = 10_000


def _fitting(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """The table, cut into several below one another where it is wider than ``width``; each begins with the first column."""
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    tables, shown, used = [], [0], widths[0]
    for i in range(1, len(head)):
        if used + 2 + widths[i] > width and len(shown) > 1:
            tables.append(shown)
            shown, used = [0], widths[0]
        shown, used = [*shown, i], used + 2 + widths[i]
    return "\n\n".join(_grid([head[i] for i in t], [[r[i] for i in t] for r in rows]) for t in [*tables, shown])


def comparison(run: Run) -> str:
    """Setups by metrics: the mean and its 95 % interval, in percent, and what one user waits at the median; then what the
    report's first screen says: the verdict, its grounds, retrieval, and what to do next."""
    summary = run.summary
    core = [m for m in METRICS.values() if m.core and m.name in summary.metrics]
    rows = []
    for name in summary.setups:
        cells = [name]
        for metric in core:
            known = summary.known(name, metric.name)
            cells.append(f"{100 * known[0]:.1f} ({100 * known[1]:.0f}–{100 * known[2]:.0f})" if known else "–")
        rows.append([*cells, numbers.waits(run.costs.latency.get(name))[0]])
    head = ["setup", *(m.short for m in core), "latency"]
    notes = ["(percent, mean and its 95 % interval; – : unscored, see the report)"]
    untold = [m.title.lower() for m in METRICS.values() if "llm" in m.needs and m.name not in summary.metrics]
    notes += [f"({name}: scored by a judge that asks a language model alone)" for name in untold]
    if asked := max((found.questions for found in run.costs.latency.values()), default=0):
        notes.append(f"(latency: median of {asked}, one question at a time, as served)")
    table = _fitting(head, rows, shutil.get_terminal_size((_ENDLESS, 24)).columns)
    decision = summary.decision
    grounds = [decision.grounds] if decision.grounds else []
    steps = [f"  {i}. {step.text}" for i, step in enumerate(first.next_steps(run), 1)]
    said = [decision.verdict, *grounds, *summary.notes, first.retrieval_text(run)]
    return "\n".join(["", table, *notes, "", *said, *(["", "What to do next:", *steps] if steps else []), ""])


def words(row: Row) -> str:
    """The text of an answer, or why there is none."""
    said = row.answer
    return harmless(said.text if said.outcome != "none" else f"(no answer came: {said.missing})")


def sources(row: Row) -> str:
    """What an answer cites, a line each: document, headings and the words that carry it; then the seconds it took."""
    lines = []
    for each in cited(row):
        before, after = ("… " * each.goes_on[0], " …" * each.goes_on[1])
        lines.append(f"  [{each.number}] {each.place}: “{before}{' '.join(each.quote.split())}{after}”")
    if not row.answer.citations and row.answer.hits:
        shown = dict.fromkeys(h.chunk.document_id for h in row.answer.hits)
        lines.append(f"  (no citation; contexts shown: {', '.join(shown)})")
    if row.answer.queries:
        lines.append(f"  (searched for: {' | '.join(row.answer.queries)})")
    return harmless("\n".join([*lines, f"  {row.times.total:.2f} s"]))


def answer(row: Row) -> str:
    """An answer with what it cites, quoted, and the seconds it took."""
    return f"{words(row)}\n{sources(row)}"


def harmless(text: str) -> str:
    """The text without control characters: no reply and no file's name moves the cursor of a terminal or colours it."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")


def answer_json(row: Row) -> str:
    """The same as one line of JSON, with every context that was shown. The quotes of citations are the words of their documents
    from ``start`` to ``end`` that carry the answer most; those of contexts are the whole context."""
    said = row.answer
    shown = [
        {
            "number": n,
            "document": h.chunk.document_id,
            "title": h.chunk.title,
            "headings": headings(h.chunk),
            "start": h.chunk.start,
            "end": h.chunk.end,
            "quote": h.chunk.text,
        }
        for n, h in enumerate(said.hits, 1)
    ]
    quoted = [{**shown[c.number - 1], "start": c.start, "end": c.end, "quote": c.quote} for c in cited(row)]
    found = {
        "question": row.question.text,
        "answer": said.text,
        "abstained": said.abstained,
        "outcome": said.outcome,
        "citations": quoted,
        "shown": shown,
        "dropped": said.dropped,
        **({"queries": list(said.queries)} if said.queries else {}),
        "seconds": round(row.times.total, 3),
    }
    return json.dumps(found, ensure_ascii=False)


#: files that are named, each on a line of its own
_SKIPPED = 20


def _why(path: str, reason: str) -> str:
    """What is wrong with a file, without its place and without how to mend it."""
    _, found, what = reason.partition(f"{path}: ")
    return (what if found else reason).partition(". ")[0].rstrip(".")


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
            f"{counted(info.questions, 'question')} ({', '.join(f'{n} {k}' for k, n in sorted(info.splits.items()))}), {info.unanswerable} without an answer, {info.with_evidence} with evidence"
            + (f", {info.without_reference} with no reference known" if info.without_reference else "")
        )
        lines.append(f"  tags: {', '.join(f'{k} {n}' for k, n in info.tags.items())}" if info.tags else "  no tags")
    else:
        lines.append("no questions")
    for label, pairs in (
        ("documents of the same text", info.same_text),
        ("questions with the same text", info.same_question),
    ):
        if pairs:
            lines.append(f"{len(pairs)} {label}: " + "; ".join(f"{a} = {b}" for a, b in pairs[:5]))
    if info.skipped:
        lines.append(f"{counted(len(info.skipped), 'file')} skipped:")
        lines += [f"  {path}: {_why(path, reason)}" for path, reason in info.skipped[:_SKIPPED]]
        if len(info.skipped) > _SKIPPED:
            lines.append(f"  and {len(info.skipped) - _SKIPPED} more (all of them with --json)")
    if info.leaks:
        lines.append(
            f"{len(info.leaks)} leaks of test questions into train: "
            + "; ".join(f"{k.test_id} ~ {k.train_id} ({k.similarity:.2f})" for k in info.leaks[:5])
        )
    lines += info.notes
    lines.append(f"version {info.hash}")
    return "\n".join(lines)
