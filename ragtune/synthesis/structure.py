"""Questions from what documents are built of, in any language: headings that ask, and tables that name their columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import regex

from ragtune.corpus.outline import tables
from ragtune.records import Document
from ragtune.synthesis.drafts import Draft, Span, sections
from ragtune.text.sentences import sentence_spans

#: how a cell is asked for
CELL = {"en": 'What is given as "{column}" for {row}?', "zh": "{row}的{column}是什么？", "": "{row}: {column}?"}
_ASKS = regex.compile(r"(?:\S+ ){3,30}\S+ ?\?|[^?？]{5,60}？")
#: letters of an answer to a heading, at most
_LONGEST = 400
_ADDRESS = regex.compile(r"(?:https?://|www\.)\S+")
#: an answer that sends somewhere else
_ELSEWHERE = regex.compile(
    r"(?:Please )?(?:Consult|See|Check|Refer|Visit|Read|Go to|Find|Learn|Follow|Use) (?!.*\. )", regex.I
)
_QUESTION = regex.compile(
    r"(?:How|What|When|Where|Who|Whom|Which|Why|Can|Could|May|Must|Should|Is|Does|Did|Will|(?:Do|Are) (?!you\b))",
    regex.I,
)
_NAMED = regex.compile(r"\p{L}")


def drafts(document: Document, language: str) -> list[Draft]:
    """Every question that the headings and tables of a document ask."""
    return [*(d for d in _headings(document) if language != "en" or _is_question(d)), *_cells(document, language)]


def _is_question(draft: Draft) -> bool:
    """An English heading asks for something, it does not invite; and something is answered."""
    answer = draft.answers[0]
    return bool(_QUESTION.match(draft.text)) and len(answer.split()) >= 4 and not _ELSEWHERE.match(answer)


def _headings(document: Document) -> Iterator[Draft]:
    """A heading that asks is answered by the first sentences under it."""
    for start, end, title in sections(document):
        if not _ASKS.fullmatch(title.strip("*_ ")):
            continue
        body = document.text[start:end]
        first = len(body) - len(body.lstrip())
        stop = regex.search(r"\n\s*\n", body[first:])
        spans = sentence_spans(
            document.text, start + first, start + first + (stop.start() if stop else len(body) - first)
        )
        if (
            not spans
            or document.text[spans[0][0]] in "|`-*<>"
            or document.text[spans[0][0] : spans[0][1]].endswith(":")
        ):
            continue
        last = spans[0][1]
        for _, right in spans[1:3]:
            if right - spans[0][0] <= _LONGEST:
                last = right
        answer = " ".join(document.text[spans[0][0] : last].split())
        if len(answer) <= _LONGEST:
            yield Draft(
                title.strip("*_ "), (answer,), (Span(document.id, spans[0][0], last),), "single fact", "heading"
            )


def _placed(line: str, at: int) -> list[tuple[int, str]]:
    """(offset, text) of each cell of a table's row that begins at ``at``."""
    inner = line.rstrip().removesuffix("|").removeprefix("|")
    found, start = [], at + (1 if line.startswith("|") else 0)
    for cell in inner.split("|"):
        found.append((start + len(cell) - len(cell.lstrip()), cell.strip()))
        start += len(cell) + 1
    return found


def _cells(document: Document, language: str) -> Iterator[Draft]:
    """A cell is asked for by its row, which the first column names, and its column."""
    ask = CELL.get(language, CELL[""])
    above = sections(document)
    for table in tables(document.text):
        topic = next((title for start, end, title in reversed(above) if start <= table.rows <= end), "") or str(
            document.metadata.get("title") or ""
        )
        heads = [h.strip() for h in table.head.splitlines()[-1].strip().strip("|").split("|")]
        rows = []
        at = table.rows
        for line in document.text[table.rows : table.end].split("\n"):
            if line.startswith("|"):
                rows.append(_placed(line, at))
            at += len(line) + 1
        names = Counter(cells[0][1] for cells in rows if cells)
        for cells in rows:
            row = cells[0][1] if cells else ""
            if names[row] > 1 or len(cells) != len(heads) or not _NAMED.search(row) or len(row) > 60:
                continue
            for column, (left, cell) in zip(heads[1:], cells[1:], strict=True):
                if (
                    not 1 <= len(cell) <= 120
                    or _ADDRESS.fullmatch(cell)
                    or len(column) > 40
                    or not _NAMED.search(column)
                    or cell == row
                ):
                    continue
                span = Span(document.id, left, left + len(cell))
                asked = ask.format(row=row, column=column)
                if topic and "?" not in topic and "？" not in topic and topic.lower() not in row.lower():
                    asked = f"{topic.strip(':：? ')}: {asked}"  # rows and columns have the same names in many tables
                yield Draft(asked, (cell,), (span,), "single fact", "table")
