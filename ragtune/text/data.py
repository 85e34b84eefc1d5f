"""The readers of YAML and JSON: every complaint of a parser becomes one line with its place, and no text holds half a character.

What no person writes is refused: values nested without end, aliases that hold themselves or unfold to a flood.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import yaml

from ragtune.text.fold import whole

#: levels and values that a file may hold
DEPTH, VALUES = 60, 1_000_000
#: what parsers raise on values that they cannot make, beside errors of their own
_PARSING = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)


class Unreadable(ValueError):
    """A text is not what it should be: ``what`` is wrong, in the line ``line`` (1 is the first, 0 where unknown)."""

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what)
        self.what, self.line = what, line


class _Loader(yaml.SafeLoader):
    """YAML whose values that cannot be made (2024-02-30, ``!!int abc``) are errors with a place."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        except _PARSING:
            said = f'"{str(node.value)[:40]}" ' if isinstance(node, yaml.ScalarNode) else ""
            raise yaml.MarkedYAMLError(
                problem=f"the value {said}cannot be read", problem_mark=node.start_mark
            ) from None


def read_yaml(source: str) -> tuple[Any, yaml.Node | None]:
    """(the value, its node with the places of keys) of a YAML text.

    Raises:
        Unreadable: it is not YAML, or a value in it cannot be made.
    """
    try:
        _refuse_floods(source)
        node = yaml.compose(source, Loader=_Loader)
        return clean(yaml.load(source, Loader=_Loader)), node  # noqa: S506 - it is a SafeLoader
    except Unreadable:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or "it holds characters that YAML has not"
        raise Unreadable(str(said), mark.line + 1 if mark else 0) from None
    except _PARSING:
        raise Unreadable("it holds a value that cannot be read") from None


def _refuse_floods(source: str) -> None:
    """Raises Unreadable for nesting beyond `DEPTH`, an alias inside what it names, and more than `VALUES` with aliases unfolded."""
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = [(None, 0)]  # (anchor, values so far) of what is open
    for event in yaml.parse(source, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            if any(event.anchor == anchor for anchor, _ in open_):
                raise Unreadable(f"the alias *{event.anchor} stands in what it names", line)
            _count(open_, sizes.get(str(event.anchor), 1), line)
        elif isinstance(event, yaml.ScalarEvent):
            _count(open_, 1, line)
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, 1))
            if len(open_) > DEPTH:
                raise Unreadable("it is nested too deeply", line)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_.pop()
            if anchor:
                sizes[anchor] = size
            _count(open_, size, line)


def _count(open_: list[tuple[str | None, int]], more: int, line: int) -> None:
    anchor, size = open_[-1]
    if size + more > VALUES:
        raise Unreadable("it unfolds to too many values", line)
    open_[-1] = anchor, size + more


def read_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        Unreadable: it is not JSON, is nested too deeply, or holds a number that is too long.
    """
    try:
        found = json.loads(text)
        _refuse_deep(found)
        return clean(found)
    except json.JSONDecodeError as error:
        raise Unreadable("it is not JSON", error.lineno) from None
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except Unreadable:
        raise
    except ValueError:
        raise Unreadable("it holds a number that is too long") from None


def _refuse_deep(value: Any) -> None:
    level, depth = [value], 0
    while level := [v for found in level for v in _inside(found)]:
        depth += 1
        if depth > DEPTH:
            raise Unreadable("it is nested too deeply")


def _inside(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def clean(value: Any) -> Any:
    """The value with the replacement character for half characters and NUL, which no file, path or page can hold."""
    if isinstance(value, str):
        return whole(value).replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {clean(key): clean(found) for key, found in value.items()}
    return [clean(found) for found in value] if isinstance(value, list) else value


#: the largest number that any setting takes, and the most digits of a number that stays one
LARGEST = 1e12


def finite(value: Any) -> bool:
    """Whether a number is one to reckon with; anything else is."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= LARGEST
    return not isinstance(value, float) or (math.isfinite(value) and abs(value) <= LARGEST)


def exists(path: Path) -> bool:
    """Whether there is something at ``path``; of a name too long, or with characters that no path has, there is nothing."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
