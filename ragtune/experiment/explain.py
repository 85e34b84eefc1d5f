"""What is wrong with an experiment file, in a user's words: line, key, the nearest right key."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel

from ragtune.errors import ExperimentError, without_login
from ragtune.text.data import LARGEST, Unreadable, finite

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def lines_of(node: yaml.Node | None, at: tuple[str, ...] = ()) -> dict[tuple[str, ...], int]:
    """Key path -> line number in the file."""
    found: dict[tuple[str, ...], int] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = (*at, str(key.value))
            if path in found:
                raise Unreadable(f'the key "{str(key.value)[:60]}" stands twice', key.start_mark.line + 1)
            found[path] = key.start_mark.line + 1
            found |= lines_of(value, path)
    return found


def _known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Field names at ``path`` inside ``model``; the dictionary of setups takes any key."""
    current: Any = model
    for part in path:
        options = [current, *getattr(current, "__args__", ())]
        current = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
        if current is None:
            return []
        field = current.model_fields.get(str(part))
        if field is None:
            return []
        annotation: Any = field.annotation
        if getattr(annotation, "__origin__", None) is dict:
            return _known_keys_of_dict(annotation.__args__[1], path[path.index(part) + 1 :])
        current = annotation
    options = [current, *getattr(current, "__args__", ())]
    current = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
    return [field.alias or name for name, field in current.model_fields.items()] if current else []


def _known_keys_of_dict(value: Any, rest: tuple[str | int, ...]) -> list[str]:
    return _known_keys(value, rest[1:]) if rest else []


#: how the validator calls what is no key of the file
_INNER = ("function-", "constrained-", "[key]", "[list]", "[range]")
#: what a value must be, by the validator's name for the problem, in a user's words
_WORDS = {
    "model_type": "this takes keys with values, not one value or a list",
    "model_attributes_type": "this takes keys with values, not one value or a list",
    "dict_type": "this takes names with settings, for example {rag: {retrieval: true}}",
    "too_short": "this needs at least one",
    "tuple_type": "this takes a list, for example [0, 1]",
    "list_type": "this takes a list, for example [0, 1]",
    "int_parsing": "this takes a whole number",
    "int_type": "this takes a whole number",
    "int_from_float": "this takes a whole number",
    "float_parsing": "this takes a number",
    "float_type": "this takes a number",
    "finite_number": "this takes a finite number",
    "bool_parsing": "this takes true or false",
    "bool_type": "this takes true or false",
    "string_type": "this takes a text",
    "string_too_short": "this takes a text that is not empty",
    "string_pattern_mismatch": "this takes letters, digits, dots, dashes and underscores, a letter or digit first",
}


def place_of(
    keys: tuple[str, ...], lines: Mapping[tuple[str, ...], int], where: Path, overrides: Sequence[str] = ()
) -> str:
    """Where ``keys`` are set: file and line, or the ``--set`` that sets them."""
    # a shared section's problem shows in a setup: the path that the file matches furthest is the right one
    paths = [keys, keys[2:]] if keys[:1] == ("setups",) else [keys]
    depths = [
        (len(path) - cut, -cut, lines[path[:cut]])
        for path in paths
        for cut in range(len(path), 0, -1)
        if path[:cut] in lines
    ]
    line = min(depths)[2] if depths else None
    place = f"{where}:{line}" if line else str(where)
    for override in overrides:
        path = tuple(override.partition("=")[0].strip().split("."))
        if any(p[: len(path)] == path or path[: len(p)] == p for p in paths):
            place = f"--set {override}"
    return place


def explain(
    problem: ErrorDetails,
    lines: dict[tuple[str, ...], int],
    where: Path,
    model: type[BaseModel],
    shared: Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> ExperimentError:
    """A problem as one line: file and line (or the ``--set``), key, what is wrong, the nearest right key.

    ``model`` is what was validated; ``shared`` are the keys that may stand at the top besides its own.
    """
    loc = tuple(p for p in problem["loc"] if not (isinstance(p, str) and p.startswith(_INNER)))
    keys = tuple(str(p) for p in loc)
    place, dotted = place_of(keys, lines, where, overrides), ".".join(keys)
    if problem["type"] == "extra_forbidden":
        known = _known_keys(model, loc[:-1]) + (list(shared) if len(loc) == 1 else [])
        near = difflib.get_close_matches(keys[-1], known, 1, 0.5)
        fix = f'Did you mean "{near[0]}"?' if near else f"Known keys: {', '.join(known)}."
        return ExperimentError(f'unknown key "{keys[-1]}" (at {dotted}).', where=place, fix=fix)
    if problem["type"] == "missing":
        return ExperimentError(f'the key "{dotted}" is missing.', where=place)
    hint = None
    message = _WORDS.get(
        problem["type"], problem["msg"].removeprefix("Value error, ").replace("Input should be", "this must be")
    )
    if problem["type"] == "literal_error":
        near = difflib.get_close_matches(str(problem["input"]), _quoted(str(problem["ctx"]["expected"])), 1, 0.5)
        hint = f'Did you mean "{near[0]}"?' if near else None
    given = "" if isinstance(problem["input"], dict | BaseModel) else f" (given: {_shown(problem['input'])})"
    return ExperimentError(f"{dotted + ': ' if dotted else ''}{message}{given}.", where=place, fix=hint)


def _quoted(text: str) -> list[str]:
    """The words that stand in quotation marks."""
    return text.split("'")[1::2]


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(without_login(str(value))[:60])


def refuse_endless(data: Any, lines: Mapping[tuple[str, ...], int], where: Path, overrides: Sequence[str] = ()) -> None:
    """Raises ExperimentError where a setting is a number that is infinite, none, or beyond any use."""
    for keys, value in _endless(data):
        what = f"{'.'.join(keys)}: {value} is no number to reckon with (at most {LARGEST:g})."
        raise ExperimentError(what, where=place_of(keys, lines, where, overrides))


def _endless(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict | list | tuple):
        for key, found in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _endless(found, (*at, str(key)))
    elif not finite(value):
        yield at, f"{value:.3g}" if isinstance(value, float) else f"a number of {value.bit_length()} bits"
