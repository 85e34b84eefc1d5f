"""Makes `docs/formats.md` from `docs/formats.yaml` and the records: ``python docs/formats.py``.

Meanings and examples stand in the YAML; which fields a written file has, and their types, come from its record's class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from ragtune.text.data import read_yaml

SOURCE = Path(__file__).with_suffix(".yaml")
PAGE = Path(__file__).with_suffix(".md")
HEAD = """\
# Files

Made by `make docs`. Texts are UTF-8; JSONL is a JSON object a line, and `.jsonl.gz` the same, gzipped. Fields are optional unless
they are *needed*. Other encodings of documents and tables are recognised.

"""
RUN = """\
## A Run's folder

`runs/NAME` holds the experiment with every setting (`experiment.yaml`, which runs again) and the files below. A Run whose
`run.json` is missing is not complete. The records that stand in these files are described [further below](#records).

## Other files that are written

The gate's Markdown (`ragtune check --markdown FILE`) and the HTML reports are for people. JUnit XML (`--junit FILE`) has one
`testcase` per comparison (`classname` is *setup.metric*, `name` the slice): with a `failure` where it regressed, `skipped` where it
is unclear (with `--strict`, a `failure`). A broken limit is a failed `testcase` of the class `limit`, a metric that was not scored often
enough one of the class `unscored`. `ragtune export` writes an adapter (PEFT) or a model (Transformers), as safetensors.
"""


@dataclass(frozen=True)
class Format:
    """One file: ``fields`` maps names to (type, meaning) where no ``record`` tells them; ``lines`` and ``list``: it holds several."""

    title: str
    file: str
    example: str
    about: str = ""
    language: str = "json"
    fields: Mapping[str, tuple[str, str]] | None = None
    record: str = ""
    lines: bool = False
    list: bool = False
    beside: tuple[str, ...] = ()

    @property
    def kind(self) -> type:
        """The class of its record."""
        module, _, name = self.record.partition(":")
        found: type = getattr(import_module(module), name)
        return found


@cache
def source() -> dict[str, Any]:
    """What the YAML holds."""
    found: dict[str, Any] = read_yaml(SOURCE.read_text("utf-8"))[0]
    return found


def formats(part: str) -> list[Format]:
    """The files that are ``read``, or ``written``."""
    return [Format(**each) for each in source()[part]]


def records_in(annotation: Any) -> list[type]:
    """The records that a type names."""
    if isinstance(annotation, type) and is_dataclass(annotation):
        return [annotation]
    return [found for part in get_args(annotation) for found in records_in(part)]


def records() -> dict[str, dict[str, Any]]:
    """Every record that a written file holds: name -> field -> type."""
    found: dict[str, dict[str, Any]] = {}

    def walk(kind: type) -> None:
        if kind.__name__ in found:
            return
        hints = get_type_hints(kind)
        found[kind.__name__] = {f.name: hints[f.name] for f in fields(kind)}
        for annotation in list(found[kind.__name__].values()):
            for below in records_in(annotation):
                walk(below)

    for each in formats("written"):
        if each.record:
            walk(each.kind)
    return found


_WORDS = {str: "text", int: "whole number", float: "number", bool: "`true` \\| `false`", NoneType: "null", Any: "any"}


def shown(kind: Any) -> str:
    """A type in a user's words; records are links."""
    if kind in _WORDS:
        return _WORDS[kind]
    if isinstance(kind, type) and is_dataclass(kind):
        name = kind.__name__.lstrip("_")
        return f"[{name}](#{name.lower()})"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "mapping"
    origin, parts = get_origin(kind), [p for p in get_args(kind) if p is not ...]
    if origin is Literal:
        return " \\| ".join(f"`{p}`" for p in parts)
    if origin in (tuple, list) and len(parts) == 1:
        each = shown(parts[0])
        return f"list of {each}{'s' if each in ('text', 'number', 'whole number') else ''}"
    if origin is tuple:
        return f"[{', '.join(map(shown, parts))}]"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"mapping to {shown(parts[1])}"
    return " or ".join(map(shown, parts))


def table(rows: Mapping[str, tuple[str, str]]) -> str:
    """Fields with type and meaning."""
    lines = [f"| `{name}` | {escaped(kind)} | {escaped(meaning)} |" for name, (kind, meaning) in rows.items()]
    return "\n".join(["| field | type | meaning |", "|---|---|---|", *lines]) + "\n"


def escaped(text: str) -> str:
    """A text as a cell of a table."""
    return text.replace("\\|", "|").replace("|", "\\|")


def meanings(record: str) -> dict[str, tuple[str, str]]:
    """A record's fields with type and meaning."""
    told = source()["records"].get(record, {})
    return {name: (shown(kind), told.get(name, "")) for name, kind in records()[record].items()}


def section(each: Format, level: str) -> str:
    """One file."""
    place = each.file if "`" in each.file else f"`{each.file}`"
    lines = [f"{level} {each.title}\n", f"{place[:1].upper()}{place[1:]}. {each.about}".strip() + "\n"]
    if each.record:
        lines.append(table(meanings(each.kind.__name__)))
    elif each.fields:
        lines.append(table({name: (kind, meaning) for name, (kind, meaning) in each.fields.items()}))
    return "\n".join([*lines, f"```{each.language}\n{each.example.rstrip()}\n```\n"])


def page() -> str:
    """The whole page."""
    run, other = RUN.split("\n## ", 1)[0], "## " + RUN.split("\n## ", 1)[1]
    written = formats("written")
    of_run = [each for each in written if each.file.startswith("RUN/")]
    shown_whole = {each.kind.__name__ for each in written if each.record}
    parts = [HEAD + "## Files that are read\n"]
    parts += [section(each, "###") for each in formats("read")]
    parts += [run, *(section(each, "###") for each in of_run)]
    parts += [other, *(section(each, "###") for each in written if each not in of_run)]
    parts.append("## Records\n\nWhat stands in the files above.\n")
    parts += [f"### {r.lstrip('_')}\n\n{table(meanings(r))}" for r in records() if r not in shown_whole]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
