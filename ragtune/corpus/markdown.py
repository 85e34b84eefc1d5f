"""Markdown as the text that a person sees: rendered as any site would, then read as HTML is (`markup`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragtune.corpus.markup import parse, seen_text
from ragtune.corpus.outline import lines

#: marks of templates (Liquid, Jinja, Nunjucks, Hugo) and comments: how they open and close
_TAGS = {"{{<": ">}}", "{{%": "%}}", "{{": "}}", "{%": "%}", "{#": "}", "{:": "}", "{.": "}", "<!--": "-->"}
_BLOCKS = ("{{<", "{{%", "{%")
_OPENS = re.compile(r"`+|\{\{[<%]|\{\{|\{[%#:.]|<!--|\\.", re.S)
#: what a variable's tag begins with; the braces of formulas and of code hold other things, or stand right after a word
_VARIABLE = re.compile(r"[\s-]|[\"'](?![^\"']*[\"']\s*:)|[^\W\d]")
_GLUED = re.compile(r"[\w^\\{}]")
#: attributes of an element: classes, an id, names with values
_ATTRIBUTES = re.compile(r"\s*[.#]?[^\W\d][\w-]*(?:=\S+)?(?:\s+[.#]?[^\W\d][\w-]*(?:=\S+)?)*\s*")
#: parameters whose text is shown; a term is shown under its own name
_SHOWN = re.compile(r"\b(?:text|title|caption|alt|term_id)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
#: a tag's name and what it is given in quotes
_NAMED = re.compile(r"[\s-]*/?([\w-]+)((?:[\s,]+(?:\"[^\"]*\"|'[^']*'))*)[\s,/-]*")
_GIVEN = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_PATH = re.compile(r"/|\.\w|^$")
#: what stands between these is a note among authors
_COMMENT = re.compile(r"[\s-]{0,4}comment\b")
_COMMENT_END = re.compile(r"\{(?:%|\{<|\{%)[\s-]{0,4}(?:end|/\s?)comment[\s-]{0,4}(?:%|>\}|%\})\}")
_COMMANDS = frozenset(
    "include extends block import from render layout set assign if unless for macro call filter with case".split()
)
#: nested deeper, a quote or list is read as if it were not
_DEEPEST = 60
#: attributes of an element are no longer
_LINE = 200
_ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)")
_NOTE = re.compile(r"\[\^[^\]\s]{1,40}\]:?")
#: lines after which Markdown goes on inside HTML
_MARKED = re.compile(r"\s*<\w+\b[^>]*\bmarkdown\s*=[^>]*>\s*|\s*<summary>[^<]*</summary>\s*")


def render(text: str) -> tuple[str, tuple[str, ...]]:
    """The text that a person would see, and notes on what could not be read as Markdown."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": True, "maxNesting": 1000}).enable(["table", "strikethrough"])
    try:
        made = reader.render(without_tags(text))
    except RecursionError:
        return text, ("nested too deeply to be read as Markdown: kept as written",)
    return seen_text(parse(made)), ()


def without_tags(text: str) -> str:
    """Markdown without template tags, comments and footnote marks; code keeps what it holds."""
    return "\n".join(_prose(part) if not code else part for part, code in _parts(text))


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """Runs of lines in and out of code, fenced or indented."""
    run: list[str] = []
    code = listed = False
    blank = True
    for line in lines(text):
        bare = line.text.strip()
        indented = line.text[:4] in ("    ",) or line.text[:1] == "\t"
        if bare and not indented:
            listed = bool(_ITEM.match(line.text)) or (listed and line.text[:1] == " ")
        own = line.code or bool(bare and indented and not listed and (blank or (code and run)))
        if own != code and run:
            yield "\n".join(run), code
            run = []
        code, blank = own, not bare
        run.append(line.text)
    if run:
        yield "\n".join(run), code


def _prose(text: str) -> str:
    text = "\n".join(_line(line) for line in _untagged(text).split("\n"))
    return _NOTE.sub(lambda m: "" if m.start() == 0 or m[0][-1] != ":" or text[m.start() - 1] == "\n" else ":", text)


def _line(line: str) -> str:
    """A line without marks that only a site's builder reads, nested no deeper than anybody reads."""
    if line.startswith("#") and line.rstrip().endswith("}"):
        at = line.rfind("{")
        line = line[:at] if line[at + 1 : at + 2] in ("#", ".", ":") else line
    if line.count(">") > _DEEPEST or len(line) > 4 * _DEEPEST:
        start = len(line) - len(line.lstrip(" \t>-*+"))
        line = line[:start][-_DEEPEST:] + line[start:] if start > _DEEPEST else line
    if _MARKED.fullmatch(line):
        return line + "\n"
    return line


def _untagged(text: str) -> str:
    """Tags outside code spans become what they show; what is opened and never closed stays."""
    kept: list[str] = []
    at = 0
    missing: set[str] = set()
    while match := _OPENS.search(text, at):
        kept.append(text[at : match.start()])
        mark = match[0]
        close = mark if mark[0] == "`" else _TAGS.get(mark, "")
        stop = _closed(text, match.end(), close) if close and close not in missing else -1
        if stop < 0:
            if close and close != "}":
                missing.add(close)
            kept.append(mark)
            at = match.end()
            continue
        inner = text[match.end() : stop]
        if mark in _BLOCKS and "comment" not in missing and _COMMENT.match(inner):
            if ends := _COMMENT_END.search(text, stop):
                at = ends.end()
                continue
            missing.add("comment")
        if not _is_tag(mark, inner, text[match.start() - 1 : match.start()]):
            kept.append(mark)
            at = match.end()
            continue
        at = stop + len(close)
        kept.append(f"{mark}{inner}{close}" if mark[0] == "`" else _shown(mark, inner))
    return "".join([*kept, text[at:]])


def _is_tag(mark: str, inner: str, before: str) -> bool:
    """Whether what stands between braces is for a site's builder, and no formula, code or brace in prose."""
    if mark[0] == "`" or mark == "<!--":
        return True
    if _TAGS[mark] == "}":
        named = inner if mark == "{:" else mark[1:] + inner
        return "\n" not in inner and (
            not inner.strip() or bool(_ATTRIBUTES.fullmatch(named.replace(".", " .").replace("#", " #")))
        )
    if "\n\n" in inner or re.search(r"\n[ \t>]*\n", inner):
        return False  # nobody leaves a blank line in a tag
    return mark != "{{" or bool(_VARIABLE.match(inner) and (inner[0].isspace() or not _GLUED.fullmatch(before)))


def _closed(text: str, start: int, close: str) -> int:
    """Where ``close`` stands from ``start``, alone if it is a run of backticks; -1 if nowhere."""
    at = text.find(close, start, start + _LINE if close == "}" else len(text))
    while close[0] == "`" and at >= 0 and "`" in (text[at - 1], text[at + len(close) : at + len(close) + 1]):
        while text[at : at + 1] == "`":
            at += 1
        at = text.find(close, at)
    return at


def _shown(mark: str, inner: str) -> str:
    if mark not in _BLOCKS:
        return ""
    if found := _SHOWN.search(inner):
        said = found[1] or found[2] or ""
        return said.replace("-", " ") if "term_id" in found[0] else said
    named = _NAMED.fullmatch(inner)
    if not named or named[1] in _COMMANDS:
        return ""
    given = [a or b for a, b in _GIVEN.findall(named[2])]
    said = [one for one in given if not _PATH.search(one)] if given and given[0] else []
    return said[1 if len(said) == 2 else 0] if said else ""  # of a name and a label the label, before options the text
