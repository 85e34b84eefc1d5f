"""The gate's outcome as text, Markdown, JUnit XML and JSON."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from ragtune.gate.baseline import Baseline
from ragtune.gate.outcome import Gate, Verdict
from ragtune.judging.metrics import METRICS
from ragtune.store import encode
from ragtune.text.counts import counted

SHOWN = 8


def sentence(v: Verdict) -> str:
    """One line: which metric, by how much, how sure."""
    name = f"{v.setup}, {METRICS[v.metric].title.lower()}" + (f" on {v.part}" if v.part != "all" else "")
    change = f"{100 * v.before:.1f} → {100 * v.after:.1f} ({100 * v.change:+.1f} points, {v.n} questions)"
    if v.verdict == "regressed":
        return f"regressed  {name}: {change}; a loss of more than {100 * v.margin:g} is shown (p {v.p:.2g})"
    if v.verdict == "held":
        return f"held       {name}: {change}"
    more = f"; about {v.needed:,} questions would tell" if v.needed > v.n else ""
    return f"unclear    {name}: {change}{more}"


def text(gate: Gate, names: Mapping[str, str]) -> str:
    """The few lines that matter. ``names`` are questions by id."""
    lines = [f"different  {a}; compared on what both have" for a in gate.allowed]
    lines += [f"broken     {b}" for b in gate.broken] + [f"unscored   {u}" for u in gate.unscored]
    worst = sorted(gate.of("regressed"), key=lambda v: v.change)
    lines += [sentence(v) for v in worst]
    flipped = list(dict.fromkeys(q for v in worst for q in v.flipped))
    if flipped:
        lines.append(f"{counted(len(flipped), 'question')} flipped to wrong:")
        lines += [f"  {q}: {names[q]}" if names.get(q, q) != q else f"  {q}" for q in flipped[:SHOWN]]
        lines += [f"  … and {len(flipped) - SHOWN} more"] if len(flipped) > SHOWN else []
    unclear = [v for v in gate.of("unclear") if v.part == "all"]
    lines += [sentence(v) for v in unclear]
    held = gate.of("held")
    verdict = {0: "PASS", 1: "FAIL", 3: "UNSCORED"}[gate.code]
    lines.append(
        f"{verdict}: {len(worst)} regressed, {len(held)} held, {len(gate.of('unclear'))} unclear of {len(gate.verdicts)} comparisons"
        + (f", {counted(len(gate.broken), 'limit')} broken" if gate.broken else "")
    )
    return "\n".join(lines)


def markdown(gate: Gate, names: Mapping[str, str]) -> str:
    """A summary for a CI job page."""
    mark = {"regressed": "❌", "held": "✅", "unclear": "❔"}
    title = {0: "✅ quality held", 1: "❌ quality regressed", 3: "⚠️ too much unscored"}[gate.code]
    lines = [f"## ragtune check: {title}", ""]
    lines += [f"- {_cell(a)}; compared on what both have" for a in gate.allowed]
    lines += [f"- **{_cell(x)}**" for x in (*gate.broken, *gate.unscored)]
    lines += [
        "",
        "| | setup | metric | slice | baseline | now | change | questions |",
        "|---|---|---|---|---:|---:|---:|---:|",
    ]
    for v in sorted(
        gate.verdicts, key=lambda v: (("regressed", "unclear", "held").index(v.verdict), v.part != "all", v.change)
    ):
        cells = [mark[v.verdict] + " " + v.verdict, v.setup, METRICS[v.metric].title, v.part]
        lines.append(
            f"| {' | '.join(map(_cell, cells))} | {100 * v.before:.1f} | {100 * v.after:.1f} | {100 * v.change:+.1f} | {v.n} |"
        )
    flipped = list(dict.fromkeys(q for v in gate.of("regressed") for q in v.flipped))
    if flipped:
        lines += [
            "",
            "<details><summary>Questions that flipped to wrong</summary>",
            "",
            *(f"- `{q}` {_cell(names.get(q, ''))}" for q in flipped),
            "",
            "</details>",
        ]
    return "\n".join(lines) + "\n"


def _cell(value: str) -> str:
    clean = " ".join(value.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for char in "\\|`*_[]":
        clean = clean.replace(char, "\\" + char)
    return clean


def junit(gate: Gate) -> str:
    """One test case per comparison; unclear ones are skipped unless strict."""
    suite = ET.Element(
        "testsuite", name="ragtune check", tests=str(len(gate.verdicts) + len(gate.broken) + len(gate.unscored))
    )
    failures = skipped = 0
    for v in gate.verdicts:
        case = ET.SubElement(suite, "testcase", classname=f"{v.setup}.{v.metric}", name=v.part)
        if v.verdict == "regressed" or (gate.strict and v.verdict == "unclear"):
            failures += 1
            ET.SubElement(case, "failure", message=_xml(sentence(v))).text = _xml("\n".join(v.flipped))
        elif v.verdict == "unclear":
            skipped += 1
            ET.SubElement(case, "skipped", message=_xml(sentence(v)))
    for kind, rows in (("limit", gate.broken), ("unscored", gate.unscored)):
        for row in rows:
            failures += 1
            case = ET.SubElement(suite, "testcase", classname=kind, name=_xml(row))
            ET.SubElement(case, "failure", message=_xml(row))
    suite.set("failures", str(failures))
    suite.set("skipped", str(skipped))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _xml(value: str) -> str:
    """Without the control characters that XML 1.0 forbids."""
    return "".join(c for c in value if c in "\n\t" or ord(c) >= 32)


def as_json(gate: Gate) -> str:
    """The outcome as JSON text, with its exit code."""
    return json.dumps({"code": gate.code, **encode(gate)}, ensure_ascii=False, indent=1)


def names_of(*sides: Baseline) -> dict[str, str]:
    return {q: v.question for side in sides for q, v in side.questions.items()}


def write(path: Path | None, content: str) -> None:
    if path is not None:
        from ragtune.store import write_text

        write_text(path, content)
