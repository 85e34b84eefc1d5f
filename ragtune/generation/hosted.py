"""Runs a user's function in a process of its own: a script that needs nothing but the standard library.

``python hosted.py FILE.py FUNCTION`` says one line of JSON when the function is there, then for every line ``{"question": ...}`` on
its standard input one line: ``{"value": ..., "seconds": ...}``, or ``{"raised": ..., "line": ...}``. What the function
prints goes to standard error.
"""

import asyncio
import importlib.util
import inspect
import json
import os
import sys
import time
import traceback
from typing import Any

_PLAIN = (str, int, float, bool, type(None))


def plain(value: Any) -> Any:
    """``value`` with tuples as lists.

    Raises:
        TypeError: it holds something that JSON has no form for.
    """
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    raise TypeError(f"a {type(value).__name__}")


def load(path: str, name: str) -> Any:
    """The function ``name`` (dots lead into objects) of the file."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location("system_of_the_experiment", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found = module
    for part in name.split("."):
        found = getattr(found, part)
    return found


def failure(error: BaseException, path: str) -> dict[str, Any]:
    """What was raised, and the last line of the user's file that it came through."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
    text = str(error).strip().splitlines()
    said = type(error).__name__ + (f": {text[0][:300]}" if text else "")
    return {"raised": said, "line": lines[-1] if lines else 0}


def main() -> int:
    path, name = sys.argv[1:3]
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the function prints

    def say(record: dict[str, Any]) -> None:
        out.write(json.dumps(record) + "\n")
        out.flush()

    try:
        call = load(path, name)
        if not callable(call):
            raise TypeError(f"{name} is no function")
    except BaseException as error:
        say(failure(error, path))
        return 1
    say({"value": None})
    for line in sys.stdin:
        start = time.perf_counter()
        try:
            value = call(json.loads(line)["question"])
            if inspect.isawaitable(value):
                value = asyncio.run(_awaited(value))
            record: dict[str, Any] = {"seconds": time.perf_counter() - start}
            try:
                record["value"] = plain(value)
            except TypeError as error:
                record["odd"] = str(error)
        except (Exception, SystemExit) as error:
            record = failure(error, path)
        say(record)
    return 0


async def _awaited(value: Any) -> Any:
    return await value


if __name__ == "__main__":
    raise SystemExit(main())
