"""Documents that change: edits applied to a loaded corpus, with evidence moved and references brought up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import regex

from ragtune.corpus.cells import by_name
from ragtune.corpus.evidence import span_of
from ragtune.corpus.normalise import normalise
from ragtune.corpus.questions import find_quote, is_whole
from ragtune.corpus.rows import json_lines
from ragtune.errors import CorpusError
from ragtune.records import AnyOf, Document, Evidence, Question
from ragtune.text.near import copy_it
from ragtune.text.words import word_key

_NUMBER_BEFORE = regex.compile(r"\d[.,:]\d$")
_NUMBER_AFTER = regex.compile(r"\d[.,:]\d")
CHANGED, UNCHANGED = "changed", "unchanged"


@dataclass(frozen=True)
class Change:
    """In ``document`` the characters ``start`` to ``end`` become ``text``; ``answers`` are the new references of what they answered.

    ``times`` counts how often the text stands in the document; the first is changed.
    """

    document: str
    start: int
    end: int
    old: str
    text: str
    answers: tuple[str, ...]
    times: int = 1


def read_changes(path: Path, documents: Mapping[str, Document]) -> list[Change]:
    """Changes of a JSONL file: ``{"document": ..., "find": ..., "replace": ..., "answers": [...]}`` a line; answers default to the replacement.

    Raises:
        CorpusError: the file is missing, a line is wrong, or its text does not stand in the document.
    """
    if not path.is_file():
        raise CorpusError("there is no such file of changes.", where=path, fix="Mend corpus.changes.")
    found = []
    for where, row in json_lines(path):
        if not all(isinstance(row.get(k), str) for k in ("document", "find", "replace")):
            raise CorpusError('a change needs the texts "document", "find" and "replace".', where=where)
        document = by_name(documents, row["document"])
        if document is None:
            raise CorpusError(f'there is no document "{row["document"]}".', where=where)
        spans = _places(document.text, row["find"])
        if not spans:
            raise CorpusError(
                f'"{row["find"][:60]}" does not stand in document "{document.id}".',
                where=where,
                fix=copy_it(document.text, row["find"]),
            )
        answers = row.get("answers", [row["replace"]])
        if not isinstance(answers, list) or not all(isinstance(a, str) and a.strip() for a in answers):
            raise CorpusError('"answers" must be a list of texts.', where=where)
        own = document.text[slice(*spans[0])]
        found.append(Change(document.id, *spans[0], own, row["replace"], tuple(answers), len(spans)))
    return found


def notes_of(changes: Sequence[Change]) -> list[str]:
    """Which changes could have meant another place."""
    return [
        f'corpus.changes: "{c.old[:60]}" stands {c.times} times in {c.document}; the first is changed '
        "(write more of its sentence to mean another)"
        for c in changes
        if c.times > 1
    ]


def _places(text: str, find: str) -> list[tuple[int, int]]:
    """Where ``find`` stands as whole words and numbers (12 stands neither in 2012 nor in 12.5); else where it may be meant."""
    wanted = r"\s+".join(map(regex.escape, normalise(find).split()))
    if not wanted:
        return []
    found = [m.span() for m in regex.finditer(wanted, text) if is_whole(text, *m.span())]
    whole = [(a, b) for a, b in found if not _NUMBER_BEFORE.search(text[max(0, a - 2) : a + 1])]
    whole = [(a, b) for a, b in whole if not _NUMBER_AFTER.match(text[b - 1 : b + 2])]
    if whole or found:
        return whole
    meant = find_quote(text, find)
    return [meant] if meant else []


def _moved(at: int, changes: Sequence[Change], end: bool) -> int:
    """Where offset ``at`` of the old text lies in the new one; inside a change, its border."""
    shift = 0
    for c in changes:
        if c.end <= at:
            shift += len(c.text) - (c.end - c.start)
        elif c.start < at:
            return c.start + shift + (len(c.text) if end else 0)
    return at + shift


def apply_changes(
    documents: Sequence[Document], questions: Sequence[Question], changes: Sequence[Change]
) -> tuple[list[Document], list[Question]]:
    """The changed documents, and the questions with evidence moved, references renewed, and a tag `CHANGED` or `UNCHANGED`.

    A question is changed when its evidence overlaps a change and its reference shares words with what was changed.

    Raises:
        CorpusError: two changes of a document overlap.
    """
    by_document: dict[str, list[Change]] = {}
    for c in sorted(changes, key=lambda c: (c.document, c.start)):
        own = by_document.setdefault(c.document, [])
        if own and own[-1].end > c.start:
            raise CorpusError(
                f'two changes overlap in document "{c.document}" ("{c.old[:40]}").', where="corpus.changes"
            )
        own.append(c)
    renewed = []
    for d in documents:
        text = d.text
        for c in reversed(by_document.get(d.id, [])):
            text = text[: c.start] + c.text + text[c.end :]
        renewed.append(replace(d, text=text))
    texts = {d.id: d for d in renewed}

    def shifted(e: Evidence) -> Evidence:
        own = by_document.get(e.document_id, ())
        start, end = _moved(e.start, own, False), _moved(e.end, own, True)
        return span_of(texts[e.document_id], start, end) if e.quote else replace(e, start=start, end=end)

    asked = []
    for q in questions:
        hit = next(
            (
                c
                for e in q.spans
                for c in by_document.get(e.document_id, ())
                if c.start < e.end and e.start < c.end and _speaks_of(c, q)
            ),
            None,
        )
        moved = [tuple(shifted(e) for e in item.alternatives) for item in q.evidence]
        evidence = tuple(AnyOf(spans) if len(spans) > 1 else spans[0] for spans in moved)
        asked.append(
            replace(
                q,
                evidence=evidence,
                answers=hit.answers if hit else q.answers,
                tags=(*q.tags, CHANGED if hit else UNCHANGED),
            )
        )
    return renewed, asked


def _speaks_of(change: Change, question: Question) -> bool:
    old = word_key(change.old)
    return any((key := word_key(a)).strip() and (key in old or old in key) for a in question.references)
