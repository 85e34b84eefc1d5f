"""HTML as the text that a person sees: headings, lists, tables and code keep a Markdown shape, all other marks go.

The tree is walked without recursion, so that no depth of nesting stops it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from lxml import etree, html

from ragtune.corpus.grid import Cell, laid_out

_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer form "
    "header hgroup hr html legend li main menu ol optgroup p pre search section summary table tbody td tfoot th thead tr ul".split()
)
_UNSEEN = frozenset(
    "script style nav template noscript title head del s strike rp svg iframe object select textarea input datalist".split()
)
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
#: elements that may be nested without end
_WRAPPERS = re.compile(r"</?(?!(?:p|h[1-6]|br|title|head|html|body|script|style|meta|img)\b)[A-Za-z][^<>]*>")
_SPACE = re.compile(r"[ \t\n\r\f]+")
_BREAK = "\x0b"  # a line break inside a block: no text holds it
_RAISED = str.maketrans("0123456789+-−–=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾ⁿⁱ")
_LOWERED = str.maketrans("0123456789+-−–=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎")
_ANCHORS = frozenset("¶ # § 🔗 ↩ ↩︎ ⏎ ↑".split())
_NOTE = re.compile(r"\b(?:foot|end)?note(?:-?ref)?\b|\breference\b|\bcite_ref", re.IGNORECASE)
_BADGE = re.compile(r"badge|shields\.io", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def parse(text: str) -> Any:
    """The tree of an HTML text, or None where it holds nothing."""
    text = text.replace(_BREAK, " ").replace("\x00", "")
    root, whole = _tree(text)
    return root if whole else _tree(_WRAPPERS.sub("<p>", text))[0]


def _tree(text: str) -> tuple[Any, bool]:
    """The tree, and whether it holds the whole text: the parser stops where elements are nested too deeply."""
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser) if text.strip() else None
    except etree.ParserError:  # nothing but comments, or nothing that could be held
        root = None
    return root, not any("depth" in error.message.lower() for error in parser.error_log)


def seen_text(root: Any) -> str:
    """What a person sees of the tree."""
    if root is None:
        return ""
    page = _Page()
    walker = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walker:
        if event == "start":
            if _unseen(element):
                walker.skip_subtree()
                page.skipped.add(element)
            else:
                page.open(element)
                page.say(element.text)
            continue
        if event == "end" and element not in page.skipped:
            page.close(element)
        page.skipped.discard(element)
        if element is not root:
            page.say(element.tail)
    return page.text()


def _unseen(element: Any) -> bool:
    tag = element.tag
    if tag in _UNSEEN or element.get("hidden") is not None or _HIDDEN.search(element.get("style") or ""):
        return True
    if tag == "a":
        said = "".join(element.itertext()).strip()
        return said in _ANCHORS
    return tag == "sup" and _is_note_mark(element)


def _is_note_mark(element: Any) -> bool:
    """A raised mark that leads to a footnote is no part of the word or number before it."""
    said = "".join(element.itertext()).strip(" []()")
    links = [a for a in element.iter("a") if (a.get("href") or "").startswith("#")]
    return len(said) <= 4 and bool(links or _NOTE.search(f"{element.get('class') or ''} {element.get('id') or ''}"))


@dataclass
class _Flow:
    """The blocks of the page, or of one table cell."""

    blocks: list[tuple[str, bool]] = field(default_factory=list)  # text, and whether it follows without a blank line
    inline: list[str] = field(default_factory=list)
    structured: bool = False

    def joined(self) -> str:
        parts: list[str] = []
        for text, tight in self.blocks:
            parts += ["\n" if tight else "\n\n", text] if parts else [text]
        return "".join(parts)


@dataclass
class _List:
    number: int | None
    marker: str = ""


@dataclass
class _Table:
    rows: list[list[Cell]] = field(default_factory=list)
    layout: bool = False


class _Page:
    """What has been seen so far while the tree is walked."""

    def __init__(self) -> None:
        self.skipped: set[Any] = set()
        self.flows = [_Flow()]
        self.lists: list[_List] = []
        self.tables: list[_Table] = []
        self.marks: list[tuple[Any, int]] = []
        self.raised: tuple[int, str] | None = None
        self.pre = 0
        self.picture = False  # the words of an image came last: what follows is another word

    @property
    def flow(self) -> _Flow:
        return self.flows[-1]

    def say(self, text: str | None) -> None:
        if text:
            apart = self.picture and text[0].isalnum()
            self.flow.inline.append(f" {text}" if apart else text)
            self.picture = False

    def text(self) -> str:
        self.end_block()
        return self.flow.joined()

    def end_block(self, prefix: str = "", tight: bool = False) -> None:
        """What was said since the last block is one."""
        lines = [_SPACE.sub(" ", line).strip() for line in "".join(self.flow.inline).split(_BREAK)]
        self.flow.inline.clear()
        self.raised = None
        text = ("\n" if not prefix else " ").join(line for line in lines if line)
        if not text:
            return
        if self.lists and not prefix:
            own = self.lists[-1]
            indent = "  " * (len(self.lists) - 1)
            tight, text = bool(own.marker), indent + (own.marker or "  ") + text.replace("\n", "\n" + indent + "  ")
            tight = tight and bool(self.flow.blocks) and self.flow.blocks[-1][0].lstrip()[:1] in "-0123456789"
            own.marker = ""
        self.flow.blocks.append((prefix + text, tight))

    def open(self, element: Any) -> None:
        tag = element.tag
        if (tag in _BLOCKS or tag in _HEADINGS) and not self.pre:
            self.end_block()
        if tag in ("ul", "ol", "menu"):
            start = element.get("start") or "1"
            self.lists.append(_List((int(start) if start.isdigit() else 1) if tag == "ol" else None))
        elif tag == "li" and self.lists:
            own = self.lists[-1]
            own.marker = "- " if own.number is None else f"{own.number}. "
            own.number = None if own.number is None else own.number + 1
        elif tag == "pre":
            self.pre += 1
        elif tag == "table":
            self.tables.append(_Table(layout=element.get("role") == "presentation"))
            self.flow.structured = True
        elif tag == "tr" and self.tables:
            self.tables[-1].rows.append([])
        elif tag in ("td", "th") and self.tables:
            self.flows.append(_Flow())
        elif tag in ("sup", "sub"):
            self.marks.append((element, len(self.flow.inline)))
        elif tag == "br":
            self.say("\n" if self.pre else _BREAK)
        elif tag == "img":
            self._image(element)
        elif tag in ("q", "rt"):
            self.say("“" if tag == "q" else "（")

    def close(self, element: Any) -> None:
        tag = element.tag
        if tag in _HEADINGS:
            self.flow.structured = True
            self.end_block("#" * _HEADINGS[tag] + " ")
        elif tag == "pre":
            self._code(element)
        elif tag in ("q", "rt"):
            self.say("”" if tag == "q" else "）")
        elif tag in ("sup", "sub"):
            self._shifted(tag)
        elif tag in _BLOCKS and not self.pre:
            self.end_block()
        if tag in ("ul", "ol", "menu") and self.lists:
            self.lists.pop()
        elif tag in ("td", "th") and self.tables and len(self.flows) > 1:
            self._cell(element)
        elif tag == "table" and self.tables:
            self._table(self.tables.pop())

    def _image(self, element: Any) -> None:
        seen = f"{element.get('alt') or ''} {element.get('src') or ''}"
        said = (element.get("alt") or "").strip()
        if said and not _BADGE.search(seen):
            self.say(f" {said}")
            self.picture = True

    def _shifted(self, tag: str) -> None:
        _, at = self.marks.pop()
        inline = self.flow.inline
        raw = "".join(inline[at:]).strip()
        before = "".join(inline[max(0, at - 3) : at])[-1:]
        if tag == "sub" and self.raised and raw.isdigit():
            start, over = self.raised
            if "".join(inline[start + 1 : at]).strip() in ("/", "⁄", "∕"):
                whole = "".join(inline[:start])[-1:].isdigit()
                inline[start:] = [f"{' ' if whole else ''}{over}/{raw}"]
                self.raised = None
                return
        inline[at:] = [shifted(raw, before, tag == "sup")] if raw else []
        self.raised = (at, raw) if tag == "sup" and raw.isdigit() else None

    def _code(self, element: Any) -> None:
        self.pre -= 1
        if self.pre:
            return
        code = "".join(self.flow.inline).strip("\n").replace(_BREAK, "\n")
        self.flow.inline.clear()
        if not code.strip():
            return
        names = " ".join(e.get("class") or "" for e in [element, *element.iter("code")])
        language = re.search(r"\blang(?:uage)?-([\w+#.-]+)", names)
        fence = "`" * max(3, 1 + max((len(m) for m in re.findall(r"`+", code)), default=0))
        self.flow.structured = True
        self.flow.blocks.append((f"{fence}{language[1] if language else ''}\n{code}\n{fence}", False))

    def _cell(self, element: Any) -> None:
        lists, self.lists = self.lists, []
        self.end_block()
        self.lists = lists
        flow = self.flows.pop()
        table = self.tables[-1]
        table.layout |= flow.structured
        if not table.rows:
            table.rows.append([])
        spans = [element.get(name) or "" for name in ("colspan", "rowspan")]
        across, down = (int(s) if s.isdigit() else 1 for s in spans)
        table.rows[-1].append(Cell(flow.joined(), across, down, element.tag == "th"))

    def _table(self, table: _Table) -> None:
        self.end_block()
        if table.layout:
            self.flow.blocks += [(cell.text, False) for row in table.rows for cell in row if cell.text]
        elif text := laid_out(table.rows):
            self.flow.blocks.append((text, False))


def shifted(raw: str, before: str, up: bool) -> str:
    """A raised or lowered text that stays apart from the number or word ``before`` it: 10⁶, m², 19th, H2O, log₂."""
    small = raw.translate(_RAISED if up else _LOWERED)
    whole = all(a != b for a, b in zip(raw, small, strict=True))
    if up:
        return small if whole else raw if raw.isalpha() or not before.isalnum() else f"^{raw}"
    return small if whole and (before.isdigit() or before.islower()) else raw
