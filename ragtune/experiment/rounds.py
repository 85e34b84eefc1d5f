"""Ways to answer that retrieve and answer more than once: what is done for one question, said once for a run and for one user.

A way is a generator: it yields what it wants next (`Write`, `Find`, `Say`), is sent what that gave, and returns the Row. A run drives
the ways of all questions side by side (`together`), so that what they want is batched and stored like any other hits and answers;
`served` drives one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ragtune.experiment.query import Written
from ragtune.experiment.spec import Setup
from ragtune.judging.support import support, windows
from ragtune.records import Hit, Question, Row, Times

#: support from which a draft stands as it is: the model that gives it calls a statement supported from there on
HELD = 0.5

T = TypeVar("T")


@dataclass(frozen=True)
class Write:
    """What is written to search with for the question: a `Written`."""

    question: Question


@dataclass(frozen=True)
class Find:
    """The hits for the question's text: an `Offered`. ``written``: by what is written for it, if the setup does so."""

    question: Question
    written: bool = False


@dataclass(frozen=True)
class Offered:
    """Hits, the seconds of finding them (and of re-ranking, where measured apart), and what was asked."""

    hits: tuple[Hit, ...]
    seconds: float
    find: Find


@dataclass(frozen=True)
class Say:
    """The setup's answer to the question with these hits, or with none: a `Row`, its retrieval not counted."""

    question: Question
    offered: Offered | None


Want = Write | Find | Say
Way = Generator[Want, Any, Row]


def way_of(setup: Setup) -> Callable[[Setup, Question], Way] | None:
    """How the setup answers where that takes more than finding hits and answering once."""
    found = setup.retrieval
    if found is None:
        return None
    if found.query and found.query.by == "decompose":
        return decompose
    return {"iterative": iterative, "after": after}.get(found.when)


def iterative(setup: Setup, question: Question) -> Way:
    """The answer joins the question in the next search, until the hits stay the same (ITER-RETGEN, Shao et al. 2023,
    arXiv:2305.15294)."""
    assert setup.retrieval is not None
    offered: Offered = yield Find(question)
    row: Row = yield Say(question, offered)
    seconds, searched = offered.seconds, list[str]()
    for _ in range(setup.retrieval.rounds - 1):
        if row.answer.withheld:
            break
        text = f"{question.text} {row.answer.text}"
        more: Offered = yield Find(replace(question, text=text))
        seconds += more.seconds
        searched.append(text)
        if _ids(more) == _ids(offered):
            break
        offered = more
        row = _after((yield Say(question, more)), row)
    return _told(row, question, seconds, searched)


def after(setup: Setup, question: Question) -> Way:
    """Answered without contexts, then checked against what is found for question and answer: kept, with the hit that supports it as its
    citation, or answered anew from the hits (after RARR, Gao et al. 2022, arXiv:2210.08726).

    Supported is what `judging.support` calls so, from words alone: no model is asked whether it was right.
    """
    draft: Row = yield Say(question, None)
    text = question.text if draft.answer.withheld else f"{question.text} {draft.answer.text}"
    offered: Offered = yield Find(replace(question, text=text))
    searched = [] if text == question.text else [text]
    if searched:
        found = support(draft.answer.text, windows([h.chunk.titled for h in offered.hits]), question.text)
        if found.window and found.support >= HELD:
            kept = replace(draft.answer, hits=offered.hits, citations=(found.window.context + 1,))
            return _told(replace(draft, answer=kept), question, offered.seconds, searched)
    return _told(_after((yield Say(question, offered)), draft), question, offered.seconds, searched)


def decompose(setup: Setup, question: Question) -> Way:
    """Simpler questions are answered one after the other, each with the answers before it, then the question with all of them
    (least-to-most, Zhou et al. 2022, arXiv:2205.10625; self-ask, Press et al. 2022, arXiv:2210.03350)."""
    own: Written = yield Write(question)
    known: list[str] = []
    done: list[Row] = []
    seconds, last = own.seconds, ""
    for text in own.texts if own.texts != (question.text,) else ():
        part = replace(question, text=f"{text} {last}".strip())
        found: Offered = yield Find(part)
        row: Row = yield Say(replace(question, text="\n".join([*known, text])), found)
        seconds += found.seconds
        done.append(row)
        last = "" if row.answer.withheld else row.answer.text
        known += [f"{text} {last}"] if last else []
    offered: Offered = yield Find(question, written=True)
    end: Row = yield Say(replace(question, text="\n".join([*known, question.text])), offered)
    for row in done:
        end = _after(end, row)
    spent = replace(end.answer, tokens=end.answer.tokens.after(own.tokens))
    searched = () if not own.texts else tuple(dict.fromkeys((question.text, *own.texts)))
    return _told(replace(end, answer=spent), question, seconds + offered.seconds, searched)


def _ids(offered: Offered) -> list[str]:
    return [h.chunk.id for h in offered.hits]


def _after(row: Row, before: Row) -> Row:
    """The row, with what an earlier answer took."""
    times = replace(row.times, generation=row.times.generation + before.times.generation)
    return replace(row, answer=replace(row.answer, tokens=row.answer.tokens.after(before.answer.tokens)), times=times)


def _told(row: Row, question: Question, seconds: float, queries: Sequence[str]) -> Row:
    answer = replace(row.answer, queries=tuple(queries))
    return replace(row, question=question, answer=answer, times=Times(seconds, row.times.generation))


def together(ways: Sequence[Way], give: Callable[[Sequence[Want]], Sequence[Any]]) -> list[Row]:
    """The rows of all ways; ``give`` gets what many of them want, all of one kind, and gives it in order."""
    wants: dict[int, Want] = {n: next(way) for n, way in enumerate(ways)}
    rows: dict[int, Row] = {}
    while wants:
        kind = min(map(_kind, wants.values()))
        turn = [n for n, want in wants.items() if _kind(want) == kind]
        for n, given in zip(turn, give([wants[n] for n in turn]), strict=True):
            try:
                wants[n] = ways[n].send(given)
            except StopIteration as end:
                del wants[n]
                rows[n] = end.value
    return [rows[n] for n in range(len(ways))]


def _kind(want: Want) -> int:
    """What is wanted of one kind is given together: the cheap first, so that answers wait for each other."""
    if isinstance(want, Write):
        return 0
    if isinstance(want, Find):
        return 1 + want.written
    return 3 + (want.offered is not None)
