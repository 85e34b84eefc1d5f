"""What is said of a synthesis: the set in numbers, what was refused and why, what to know before using it."""

from __future__ import annotations

import json
from pathlib import Path

from ragtune.corpus.load import Corpus
from ragtune.corpus.review import CHECKED, MADE, bias
from ragtune.corpus.saving import row_of, write_rows
from ragtune.corpus.tongue import name_of
from ragtune.store import encode, write_text
from ragtune.synthesis.filters import REASONS
from ragtune.synthesis.make import Synthesis
from ragtune.text.counts import counted

#: overlap from which it is said that questions repeat their source
_REPEATS = 0.7


def write(made: Synthesis, corpus: Corpus, path: Path) -> Path:
    """Write the questions to ``path`` and the counts beside it; the place of the counts."""
    documents = {d.id: d for d in corpus.documents}
    rows = []
    for m in made.made:
        row = row_of(m.question, documents)
        row[MADE] = made.method
        row["rule"] = m.rule
        if made.checked:
            row[CHECKED] = made.checked
        if m.style != "sentence":
            row["style"] = m.style
        rows.append(row)
    write_rows(path, rows)
    beside = path.with_name(path.stem + ".made.json")
    told = {
        "questions": len(made.made),
        "method": made.method,
        "language": made.language,
        "checked": made.checked,
        "drafts": made.drafts,
        "refused": dict(made.refused),
        "missing": dict(made.missing),
        "overlap": round(made.overlap, 3),
        **{of: made.counts(of) for of in ("kind", "rule", "style", "split")},
    }
    write_text(beside, json.dumps(encode(told), ensure_ascii=False, indent=1) + "\n")
    return beside


def lines(made: Synthesis) -> list[str]:
    """The counts in plain text."""
    found = [
        f"{counted(len(made.made), 'question')} from {counted(made.documents, 'document')}, made by {made.method}, in {name_of(made.language) or 'no language that was told'}."
    ]
    for of in ("kind", "split", "style"):
        by = made.counts(of)
        found.append(f"  by {of + ':':<7} " + ", ".join(f"{name} {n}" for name, n in by.items()))
    out = sum(made.refused.values())
    if out:
        found.append(f"  {counted(out, 'draft')} refused:")
        found += [f"    {made.refused[r]:>5}  {r}: {why}" for r, why in REASONS.items() if made.refused.get(r)]
    found += [f"  {kind}: {why}." for kind, why in made.missing.items()]
    if made.overlap >= _REPEATS:
        found.append(
            f"  The questions repeat {made.overlap:.0%} of their words from the documents, which flatters search by words: "
            "write some in your users' words, or let a model paraphrase (--model)."
        )
    if made.checked:
        found.append(f"  {bias(made.checked)}")
    return found
