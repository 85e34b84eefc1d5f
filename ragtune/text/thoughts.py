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
#: where gpt-oss begins its answer after a channel of thoughts, and its other marks
_FINAL = re.compile(r"<\|channel\|>final(?:[^<]{0,40})<\|message\|>")
_CONTROL = re.compile(r"<\|(?:channel|start)\|>\w*|<\|\w+\|>")
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
    """What was thought and what was said.

    A thought stands at the beginning, or its beginning stands in the prompt and it ends with a tag all the same; what is thought
    after it, too, is none of the answer. Tags in an answer that begins without one are words.
    """
    channel = _FINAL.search(raw)
    if channel:
        return Told(" ".join(_CONTROL.sub(" ", raw[: channel.start()]).split()), raw[channel.end() :].strip())
    text = _TWICE.sub("", raw)
    first = TAG.search(text)
    if first is None or (text[: first.start()].strip() and not _ends_a_thought(text, first)):
        return Told("", raw)
    thoughts, said, depth, at = list[str](), list[str](), 1, 0
    for tag in TAG.finditer(text):
        part = text[at : tag.start()]
        opens = bool(_OPENS.fullmatch(tag[0]))
        if depth:
            thoughts.append(part)
        elif opens:
            said.append(part)
        else:  # it ends more than was begun: what it ends was thought
            thoughts += [*said, part]
            said.clear()
        depth = depth + 1 if opens and at else 1 if opens else max(0, depth - 1)
        at = tag.end()
    cut = depth > 0
    (thoughts if cut else said).append(text[at:])
    return Told("\n\n".join(filter(None, map(str.strip, thoughts))), "" if cut else "".join(said).strip(), cut)


def _ends_a_thought(text: str, tag: re.Match[str]) -> bool:
    """Whether a tag after words is the end of a thought that the prompt began, and no word among others."""
    after = text[tag.end() :]
    named = text[tag.start() - 1 : tag.start()] in (" ", "`", '"', "'", "“") and not after.startswith("\n")
    return bool(_CLOSES.fullmatch(tag[0])) and bool(after.strip()) and not named


def begun(prompt: str) -> str:
    """The tag of a thought that the prompt begins at its end, so that the reply goes on with it; "" where there is none."""
    found = _BEGUN.search(prompt)
    return found[1] if found else ""


def ends(text: str) -> int:
    """How many ends of thoughts stand in the text."""
    return len(_CLOSES.findall(text))
