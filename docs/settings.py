"""Makes `docs/settings.md` from the settings classes: ``python docs/settings.py``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ragtune.experiment.shorthands import OF_SYSTEM, SHORTHANDS
from ragtune.experiment.spec import Experiment

PAGE = Path(__file__).with_suffix(".md")
#: where a section of a setup stands in the page, though it may stand at the top of the file too
SETUP = "setups.NAME"
HEAD = f"""\
# Settings

Made by `make docs` from the settings classes. An experiment file is YAML; every key has a default unless it is *needed*.
Wrong keys, wrong values and settings that nothing would heed are refused in one line, with the line of the file.

- `retrieval`, `tuning`, `generator`, `chunking` and `prompt` stand in a setup, or at the top of the file as what its setups share; a
  setup's own keys are merged over them. `retrieval` and `tuning` join only setups that ask for them (`true`, or keys of their own).
- `--set a.b=c` overrides a key: `--set retrieval.top_k=2`, `--set setups.rag.prompt=brief`. The value is YAML.
- `corpus: FOLDER` is `corpus: {{path: FOLDER}}`, and `judge: NAME` is `judge: {{name: NAME}}`.
- A setup `{{system: WHAT}}` is `{{generator: {{system: WHAT}}}}`; {", ".join(f"`{key}`" for key in OF_SYSTEM[1:])} may stand there too.
- `dense`, `lexical`, `rerank`, `retrieval` and `tuning` may be `true` (with their defaults) or `false` (without).
- In addresses `${{VARIABLE}}` is filled in from the environment.
"""


@dataclass(frozen=True)
class Setting:
    """One key; ``meaning`` is "" where its class says none."""

    key: str
    type: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Section:
    """The keys of one settings class, where they stand in the file."""

    path: str
    about: str
    settings: tuple[Setting, ...]


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The settings classes that a field's type names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_in(part)]


def sections(model: type[BaseModel] = Experiment, path: str = "") -> Iterator[Section]:
    """A settings class and those below it, each where it first stands; a class that inherits one shown shows its own keys."""
    seen: dict[type[BaseModel], str] = {}

    def walk(model: type[BaseModel], path: str, at: FieldInfo | None) -> Iterator[Section]:
        base = next((b for b in model.__mro__ if seen.get(b, path) != path), None)
        told = [model.__doc__ or "", f"{sentence(at.description)}" if at and at.description else ""]
        told.append("Off unless it is given." if at and not at.is_required() and at.default is None else "")
        about = " ".join(" ".join(told).split()) if path else "What stands at the top, beside the sections below."
        if base:
            about = f"{about} Keys as in `{seen[base]}`".strip() + ("." if base is model else ", and:")
        own = {f.alias or k: f for k, f in model.model_fields.items() if not base or k not in base.model_fields}
        seen.setdefault(model, path)
        shapes = model.model_json_schema()
        rows = tuple(
            Setting(
                field.alias or name,
                shown(shapes["properties"][field.alias or name]),
                default_of(name, field),
                field.description or "",
            )
            for name, field in own.items()
            if not models_in(field.annotation)
        )
        yield Section(path, about, rows)
        many = {"setups": ".NAME", "corpora": ".N", "ranges": ".SETTING"}
        parts = [
            (below, f"{path}.{name}{many.get(name, '')}".lstrip("."), field)
            for name, field in own.items()
            for below in models_in(field.annotation)
        ]
        for below, where, _ in parts:  # what stands here is not first shown further down
            seen.setdefault(below, where)
        for below, where, field in parts:
            yield from walk(below, where, field)

    return walk(model, path, None)


def sentence(text: str) -> str:
    """A text with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def shown(shape: dict[str, Any]) -> str:
    """A JSON schema's type in a user's words, with its bounds."""
    if "anyOf" in shape:
        kinds = [shown(each) for each in shape["anyOf"]]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind != "null")) + (
            ", or null" if "null" in kinds else ""
        )
    if "enum" in shape:
        return " \\| ".join(f"`{value}`" for value in shape["enum"])
    if shape.get("type") == "array":
        if "prefixItems" in shape:
            return f"{len(shape['prefixItems'])} of: {shown(shape['prefixItems'][0])}"
        return f"list of: {shown(shape['items'])}"
    kind = {
        "string": "text",
        "integer": "whole number",
        "number": "number",
        "boolean": "`true` \\| `false`",
        "object": "mapping",
        "null": "null",
    }[str(shape.get("type"))]
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {amount(shape[key])}" for key, sign in bounds.items() if key in shape]
    return f"{kind} {', '.join(limits)}".strip()


def amount(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def default_of(name: str, field: FieldInfo) -> str:
    """A field's default as YAML writes it; a Run's name comes from its file."""
    if name == "name" and field.is_required():
        return "the file's name"
    if field.is_required():
        return "*needed*"
    value = field.get_default(call_default_factory=True)
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | dict):
        return f"`{list(value) if isinstance(value, tuple) else value}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def cell(text: str) -> str:
    """A text as a cell of a table."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split())).replace("``", "`")


def page() -> str:
    """The whole page."""
    lines = [HEAD]
    for section in sections():
        lines.append(f"## {f'`{section.path}`' if section.path else 'The file'}\n")
        if section.about:
            lines.append(f"{section.about.replace('``', '`')}\n")
        if section.settings:
            lines.append("| key | type | default | meaning |\n|---|---|---|---|")
            for s in section.settings:
                name = f"{section.path}.{s.key}".lstrip(".").removeprefix(f"{SETUP}.")
                lines.append(f"| `{name}` | {s.type} | {s.default} | {cell(s.meaning)} |")
            lines.append("")
    lines.append("## Typical setups\n\n`setups: [NAME, ...]` takes these by name:\n\n| name | stands for |\n|---|---|")
    lines += [f"| `{name}` | `{flow(setup)}` |" for name, setup in SHORTHANDS.items()]
    return "\n".join(lines) + "\n"


def flow(value: Any) -> str:
    """A value as YAML writes it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
