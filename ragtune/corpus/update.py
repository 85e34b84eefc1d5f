"""A corpus whose documents changed: evidence moves with its text, or is marked lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ragtune.corpus.evidence import LEAST_WORDS, span_of, text_key
from ragtune.corpus.questions import find_quote
from ragtune.records import AnyOf, Document, Evidence, Item, Question

#: tag of a question whose evidence stands in no document any more
LOST = "lost:evidence"


@dataclass(frozen=True)
class Updated:
    """The questions over new documents. ``moved``: ids whose evidence stands elsewhere, ``lost``: nowhere; documents by what became
    of them."""

    questions: tuple[Question, ...]
    moved: tuple[str, ...]
    lost: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def updated(questions: Sequence[Question], old: Sequence[Document], new: Sequence[Document]) -> Updated:
    """Questions of the ``old`` documents, tied to the ``new`` ones.

    A span is looked for in its own document, near where it stood, then in every other: the same words, whatever their case and
    spaces. A question of which one needed item is lost keeps its answers, has no evidence, and is tagged `LOST`.
    """
    was, now = {d.id: d for d in old}, {d.id: d for d in new}
    keys = {d.id: text_key(d.text) for d in new}
    made, moved, lost = [], [], []
    for question in questions:
        items = [_item(item, was, now, keys) for item in question.evidence]
        tags = tuple(t for t in question.tags if t != LOST)
        if any(item is None for item in items):
            lost.append(question.id)
            made.append(replace(question, evidence=(), tags=(*tags, LOST)))
            continue
        evidence = tuple(item for item in items if item is not None)
        if [(s.document_id, s.start, s.end) for i in evidence for s in i.alternatives] != [
            (s.document_id, s.start, s.end) for s in question.spans
        ]:
            moved.append(question.id)
        made.append(replace(question, evidence=evidence, tags=tags if evidence else question.tags))
    changed = [n for n in now if n in was and was[n].text != now[n].text]
    return Updated(
        tuple(made),
        tuple(moved),
        tuple(lost),
        tuple(n for n in now if n not in was),
        tuple(n for n in was if n not in now),
        tuple(changed),
    )


def _item(item: Item, was: Mapping[str, Document], now: Mapping[str, Document], keys: Mapping[str, str]) -> Item | None:
    spans = [s for s in (_span(span, was, now, keys) for span in item.alternatives) if s]
    if not spans:
        return None
    return AnyOf(tuple(dict.fromkeys(spans))) if len(set(spans)) > 1 else spans[0]


def _span(
    span: Evidence, was: Mapping[str, Document], now: Mapping[str, Document], keys: Mapping[str, str]
) -> Evidence | None:
    before, after = was[span.document_id], now.get(span.document_id)
    if (span.start, span.end) == (0, len(before.text)) and not span.quote:
        same = after or next((d for name, d in now.items() if keys[name] == text_key(before.text)), None)
        return Evidence(same.id, 0, len(same.text)) if same else None
    if after and after.text == before.text:
        return span
    quote = before.text[span.start : span.end]
    if len(text_key(quote).split()) >= LEAST_WORDS:
        around = [quote]
    else:  # few words stand in many places: their sentence, or their line, must stand there, too
        around = [span.quote, before.text[slice(*_line(before.text, span.start, span.end))]]
    order = ([after] if after else []) + [d for name, d in now.items() if name != span.document_id]
    for wanted in (w for w in around if w):
        key = text_key(wanted)
        for document in (d for d in order if key in keys[d.id]):
            found = find_quote(document.text, wanted, span.start, whole=False)
            own = find_quote(document.text[slice(*found)], quote, wanted.find(quote)) if found else None
            if found and own:
                return span_of(document, found[0] + own[0], found[0] + own[1])
    return None


def _line(text: str, start: int, end: int) -> tuple[int, int]:
    """The line, or the lines, that a span stands in."""
    after = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, after if after >= 0 else len(text)
