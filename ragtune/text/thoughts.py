"""Thoughts that a reasoning model writes before its answer, told apart from the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAMES = "think|thinking|thoughts?|reasoning|seed:think"
_OPEN = rf"<(?:{_NAMES})>|\[THINK\]"
_CLOSE = rf"</(?:{_NAMES})>|\[/THINK\]"
#: the tag at the beginning or the end of a thought
TAG = re.compile(f"{_OPEN}|{_CLOSE}", re.IGNORECASE)
_OPENS, _CLOSES = re.compile(_OPEN, re.IGNORECASE), re.compile(_CLOSE, re.IGNORECASE)
_BLOCK = re.compile(rf"<({_NAMES})>(.*?)</\1>|\[THINK\](.*?)\[/THINK\]", re.IGNORECASE | re.DOTALL)
_BEGUN = re.compile(rf"({_OPEN})\s*\Z", re.IGNORECASE)
#: begun by the prompt, and by the model once more
_TWICE = re.compile(rf"\A(?:{_OPEN})\s*(?={_OPEN})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Told:
    """A reply in its parts; ``cut``: it ends within a thought, so that there is no answer."""

    thought: str
    text: str
    cut: bool = False


def apart(raw: str) -> Told:
    """What was thought and what was said. A thought whose beginning stands in the prompt ends with a tag all the same."""
    thoughts, text = list[str](), _TWICE.sub("", raw)
    close, opening = _CLOSES.search(text), _OPENS.search(text)
    if close and (not opening or close.start() < opening.start()) and text[close.end() :].strip():
        thoughts.append(text[: close.start()])
        text = text[close.end() :]
    for block in _BLOCK.finditer(text):
        thoughts.append(block[2] or block[3] or "")
    text = _BLOCK.sub("", text)
    cut = _OPENS.match(text.lstrip())
    if cut:
        thoughts.append(text.lstrip()[cut.end() :])
        text = ""
    return Told("\n\n".join(filter(None, map(str.strip, thoughts))), text.strip() if thoughts else text, bool(cut))


def begun(prompt: str) -> str:
    """The tag of a thought that the prompt begins at its end, so that the reply goes on with it; "" where there is none."""
    found = _BEGUN.search(prompt)
    return found[1] if found else ""


def ends(text: str) -> int:
    """How many ends of thoughts stand in the text."""
    return len(_CLOSES.findall(text))
