"""Reading ``questions.jsonl`` and tying evidence to exact spans of the documents."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import regex

from ragtune.corpus.cells import as_text, by_name, is_nothing
from ragtune.corpus.evidence import span_of
from ragtune.corpus.normalise import normalise
from ragtune.corpus.rows import json_lines
from ragtune.errors import CorpusError
from ragtune.records import AnyOf, Document, Evidence, Item, Question
from ragtune.text.fold import any_quotes
from ragtune.text.near import copy_it
from ragtune.text.words import find_words

#: two characters inside one word or number; scripts without spaces have no borders
_WITHIN = regex.compile(r"\p{Nd}{2}|[\p{L}\p{M}--\p{Han}--\p{Hiragana}--\p{Katakana}--\p{Thai}]{2}", regex.VERSION1)
#: the columns of a question; any other is kept as a tag
KEYS = {"id", "question", "answers", "evidence", "document", "split", "tags"}


def find_quote(text: str, quote: str, near: int = 0, whole: bool = True) -> tuple[int, int] | None:
    """The span of ``quote`` in ``text`` closest to ``near``, of whole words (if ``whole``); runs of space match one another.

    Where it does not stand there letter for letter, it is looked for with quotes and dashes of any shape, then by its words,
    whatever their case and accents.
    """
    words = normalise(quote).split()
    if not words:
        return None
    for spelling in (re.escape, any_quotes):
        found = re.finditer(r"\s+".join(map(spelling, words)), text)
        spans = [m.span() for m in found if not whole or is_whole(text, *m.span())]
        if spans:
            break
    return min(spans or find_words(text, quote), key=lambda s: abs(s[0] - near), default=None)


def is_whole(text: str, start: int, end: int) -> bool:
    """No word or number of ``text`` goes on beyond either end."""
    pairs = ((text[start - 1 : start + 1] if start else ""), text[end - 1 : end + 1])
    return not any(len(pair) == 2 and _WITHIN.fullmatch(pair) for pair in pairs)


def _strings(value: Any, name: str, where: str) -> tuple[str, ...]:
    texts = [as_text(v) for v in (value if isinstance(value, list) else [value])]
    if any(t is None for t in texts):
        raise CorpusError(f'"{name}" must be a list of texts.', where=where)
    return tuple(t.strip() for t in texts if t and t.strip())


def _answers(value: Any, where: str) -> tuple[str, ...] | None:
    """None: nobody said; (): the documents hold no answer. An empty text says neither."""
    if is_nothing(value):
        return None
    found = _strings(value, "answers", where)
    if not found and value != []:
        raise CorpusError(
            '"answers" holds nothing but an empty text.',
            where=where,
            fix='Write [] where the documents hold no answer; leave "answers" out where nobody said what is right.',
        )
    return found


def _item(item: Any, documents: Mapping[str, Document], where: str) -> Item:
    """One needed item: a span, or ``{"any": [...]}`` of spans."""
    if not isinstance(item, dict) or "any" not in item:
        return _span(item, documents, where)
    if len(item) > 1 or not isinstance(item["any"], list) or not item["any"]:
        raise CorpusError('"any" takes a list of one alternative or more, and nothing beside it.', where=where)
    spans = tuple(dict.fromkeys(_span(e, documents, where) for e in item["any"]))
    return AnyOf(spans) if len(spans) > 1 else spans[0]


def _span(item: Any, documents: Mapping[str, Document], where: str) -> Evidence:
    if not isinstance(item, dict) or "document" not in item:
        raise CorpusError(
            'evidence needs "document", and "quote" or "start" and "end" where it is a part of it.', where=where
        )
    document = by_name(documents, item["document"])
    if document is None:
        raise CorpusError(
            f'evidence names document "{item["document"]}", which the corpus does not hold.',
            where=where,
            fix="Mend the id or add the document.",
        )
    if "quote" in item:
        near = item.get("near", 0)
        if not isinstance(near, int) or isinstance(near, bool):
            raise CorpusError(f'"near" must be a character\'s number, not "{near}".', where=where)
        span = find_quote(document.text, str(item["quote"]), near)
        if span is None:
            raise CorpusError(
                f'the quote "{str(item["quote"])[:60]}" does not stand in document "{document.id}".',
                where=where,
                fix=copy_it(document.text, str(item["quote"])),
            )
        return span_of(document, *span)
    if "start" not in item and "end" not in item:
        return Evidence(document.id, 0, len(document.text))
    start, end = item.get("start"), item.get("end")
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(document.text)):
        raise CorpusError(
            f'span {start}..{end} lies outside document "{document.id}" ({len(document.text)} characters).', where=where
        )
    return span_of(document, start, end)


def meant(key: str) -> str:
    """The column that an unknown one looks like, mistyped; "" where it looks like none."""
    return next(iter(difflib.get_close_matches(key.lower(), KEYS, n=1, cutoff=0.8)), "")


def _more_tags(row: Mapping[str, Any], where: str) -> list[str]:
    """Other columns with one text, number or truth value, kept as tags ``key:value``; a key that looks mistyped is refused."""
    for key in sorted(set(row) - KEYS):
        if close := meant(key):
            raise CorpusError(f'unknown key "{key}".', where=where, fix=f'Did you mean "{close}"?')
    return [f"{k}:{v}" for k, v in row.items() if k not in KEYS and as_text(v) is not None]


def parse(row: dict[str, Any], documents: Mapping[str, Document], where: str) -> Question:
    """The question of one row; without ``answers`` nobody said what is right, ``[]`` says that the documents hold no answer.

    ``document`` alone is evidence by document: any part of it counts as found. All items of ``evidence`` are needed; an item
    ``{"any": [...]}`` holds alternatives, of which one is enough (see `corpus.evidence`).
    """
    more = _more_tags(row, where)
    name, text = as_text(row.get("id")), row.get("question")
    for key, said in (("id", name), ("question", text)):
        if not isinstance(said, str) or not said.strip():
            raise CorpusError(f'"{key}" is missing or empty.', where=where)
    split = row.get("split", "test")
    if split not in ("train", "dev", "test"):
        raise CorpusError(f'split "{split}" is not one of train, dev, test.', where=where)
    evidence = row.get("evidence", [{"document": own}] if (own := as_text(row.get("document"))) else [])
    if not isinstance(evidence, list):
        raise CorpusError('"evidence" must be a list.', where=where)
    return Question(
        str(name),
        normalise(str(text)),
        _answers(row.get("answers"), where),
        tuple(dict.fromkeys(_item(e, documents, where) for e in evidence)),  # an item given twice counts once
        split,
        (*_strings(row.get("tags", []), "tags", where), *more),
    )


def read_questions(path: Path, documents: Sequence[Document]) -> list[Question]:
    """Questions of a JSONL file, ids checked to be distinct.

    Raises:
        CorpusError: a line is wrong; the message names file and line.
    """
    by_id = {d.id: d for d in documents}
    found: dict[str, Question] = {}
    for where, row in json_lines(path):
        question = parse(row, by_id, where)
        if question.id in found:
            raise CorpusError(
                f'question id "{question.id}" stands twice.', where=where, fix="Give each question its own id."
            )
        found[question.id] = question
    return list(found.values())
