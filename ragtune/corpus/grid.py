"""Tables as rows of ``| a | b |``: spanning cells fill the columns and rows that they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

#: no table of a document is wider, or a cell of it taller; what says so is a slip of the pen
_WIDEST, _TALLEST = 200, 1000


@dataclass(frozen=True)
class Cell:
    """A cell's text, how many columns and rows it spans (at least 1), and whether it names a column or row."""

    text: str
    across: int = 1
    down: int = 1
    head: bool = False


def laid_out(rows: Sequence[Sequence[Cell]], headed: bool | None = None) -> str:
    """The table as text, a line a row; a rule follows the rows that name the columns (the first if ``headed``).

    A cell over several rows or columns stands once, in the first; the others that it covers stay empty.
    """
    grid: list[list[str]] = []
    covered: dict[int, int] = {}  # column -> rows that a cell above still covers
    for row in rows:
        line = dict.fromkeys(covered, "")
        covered = {column: left - 1 for column, left in covered.items() if left > 1}
        at = 0
        for cell in row:
            while at in line:
                at += 1
            if at >= _WIDEST:
                line[_WIDEST - 1] = f"{line.get(_WIDEST - 1, '')} {_one_line(cell.text)}".strip()
                continue
            down = min(max(1, cell.down), _TALLEST)
            for n in range(min(max(1, cell.across), _WIDEST - at)):
                if at + n in line:
                    break
                line[at + n] = _one_line(cell.text) if not n else ""
                if down > 1:
                    covered[at + n] = down - 1
            at += 1
        grid.append([line.get(i, "") for i in range(max(line, default=-1) + 1)])
    kept = [row for row in grid if any(row)]
    width = max((len(row) for row in kept), default=0)
    while width and not any(row[width - 1 : width] not in ([], [""]) for row in kept):
        width -= 1
    if not width:
        return ""
    lines = ["| " + " | ".join((row + [""] * width)[:width]) + " |" for row in kept]
    heads = int(headed) if headed is not None else len(list(takewhile(_names_columns, rows)))
    if 0 < heads < len(lines):
        lines.insert(heads, "|" + " --- |" * width)
    return "\n".join(lines)


def _names_columns(row: Sequence[Cell]) -> bool:
    return any(c.text for c in row) and all(c.head for c in row if c.text)


def _one_line(text: str) -> str:
    return " ".join(text.split())
