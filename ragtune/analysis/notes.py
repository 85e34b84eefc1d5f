"""What a reader should know before believing a number: tunings that hardly learnt, answers that go round in circles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ragtune.corpus.review import CHECKED, bias, share_reviewed
from ragtune.records import Question, Row
from ragtune.text.counts import counted
from ragtune.text.repeats import repeats_itself
from ragtune.tunings import Tuning

#: optimiser steps below which an adapter stays near its start: AdamW moves a weight by about the learning rate a step
FEW_STEPS = 50
#: share of a setup's answers from which repeats are said
SHARE = 0.05

STOPPED = (
    "{}: its training ended (early_stop) where these very dev questions were answered best, which flatters it. "
    "Ask the split test for its quality."
)


def few_steps(name: str, steps: int, about: bool = False) -> str:
    """That the setup's tuning is too short to learn much; "" where it is not."""
    if steps >= FEW_STEPS:
        return ""
    return (
        f"{name}: {'about ' if about else ''}{steps} tuning step{'' if steps == 1 else 's'} in all, which is few (under {FEW_STEPS}): "
        "more epochs or questions, or a smaller batch_tokens or accumulate, may teach it more."
    )


def repeating(name: str, rows: Sequence[Row]) -> str:
    """How many of the setup's answers repeat themselves; "" where they are few."""
    found = sum(row.answer.outcome == "answered" and repeats_itself(row.answer.text) for row in rows)
    return f"{name}: {found} of {len(rows)} answers repeat themselves." if rows and found >= SHARE * len(rows) else ""


def unwritten(name: str, rows: Sequence[Row]) -> str:
    """For how many of the setup's questions nothing was written to search with; "" where that is none."""
    found = sum(not row.answer.queries for row in rows)
    what = "no query could be read from the reply, so the question itself was searched for"
    return f"{name}: for {found} of {counted(len(rows), 'answer')} {what}." if found else ""


def left_out(name: str, wanted: int, rows: Sequence[Row]) -> str:
    """For how many of the setup's answers some of the ``wanted`` examples did not fit, or were too like the question; "" for none."""
    missing = [wanted - row.answer.examples for row in rows if row.answer.examples < wanted]
    if not missing:
        return ""
    what = f"{name}: in {len(missing)} of {counted(len(rows), 'prompt')} not all {wanted} examples stand"
    return f"{what}: {sum(missing)} were left out in all, since they did not fit or were copies of the question."


def made_questions(asked: Sequence[Question]) -> str:
    """How many of the questions were made from the documents, and how many of these a person has read; "" where none was."""
    each = list({q.id: q for q in asked}.values())
    read, made = share_reviewed(each)
    if not made:
        return ""
    checked = {t.split(":", 1)[1] for q in each for t in q.tags if t.startswith(f"{CHECKED}:")}
    text = f"{made} of {counted(len(each), 'question')} were made from the documents; a person has read {read} of them."
    return " ".join([text, *map(bias, sorted(checked)[:1])])


def notes_of(
    by_setup: Mapping[str, Sequence[Row]],
    tunings: Sequence[Tuning],
    queried: Sequence[str] = (),
    shots: Mapping[str, int] = MappingProxyType({}),
    stopped: Sequence[str] = (),
) -> tuple[str, ...]:
    """Every note: of the questions, then by setup; of several seeds the shortest tuning speaks. ``queried`` are the setups for
    which a generator writes what is searched for, ``shots`` says how many examples a setup's prompts should hold; ``stopped`` are those
    whose training ended by what is asked here."""
    found = [made_questions([row.question for rows in by_setup.values() for row in rows])]
    for name, rows in by_setup.items():
        steps = [t.report.steps for t in tunings if t.setup == name and t.kind == "generator"]
        found += [few_steps(name, min(steps)) if steps else "", repeating(name, rows)]
        found += [unwritten(name, rows)] if name in queried else []
        found += [STOPPED.format(name)] if name in stopped else []
        found += [left_out(name, shots[name], rows)] if shots.get(name) else []
    return tuple(note for note in found if note)
