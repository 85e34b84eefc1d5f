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
_ANALYSIS = re.compile(r"\s*(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)\b")
_CONTROL = re.compile(r"<\|(?:channel|start)\|>\w*|<\|\w+\|>")
_BEGUN = re.compile(rf"({_OPEN})\s*\Z", re.IGNORECASE)
#: what begins a tag of a thought or a mark of a channel
_MARK = re.compile(rf"{_OPEN}|{_CLOSE}|<\|", re.IGNORECASE)
#: begun by the prompt, and by the model once more
_TWICE = re.compile(rf"\A(?:{_OPEN})\s*(?={_OPEN})", re.IGNORECASE)


#: where a model that was asked to reason turns to its answer
_TURN = re.compile(
    r"^[ \t>#*_]*(?:(?:the |my )?(?:final |short )?answer|最终答案|答案|回答|antwort|réponse|respuesta)[*_]*[ \t]*[:：][*_]*",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Told:
    """A reply in its parts; ``cut``: it ends within a thought, so that there is no answer."""

    thought: str
    text: str
    cut: bool = False


def apart(raw: str) -> Told:
    """What was thought and what was said.

    A thought stands at the beginning, or its beginning stands in the prompt and it ends with a tag all the same; what is thought
    after it, too, is none of the answer. Other tags are words, as are all where an answer begins without a thought.
    """
    if channel := _FINAL.search(raw):
        return Told(" ".join(_CONTROL.sub(" ", raw[: channel.start()]).split()), raw[channel.end() :].strip())
    if _ANALYSIS.match(raw):
        return Told(" ".join(_CONTROL.sub(" ", raw).split()), "", cut=True)
    text = _TWICE.sub("", raw)
    tags = list(TAG.finditer(text))
    ends, strays = _paired(tags)
    last = max([*ends.values(), *strays], default=-1)
    thoughts, said, at, n = list[str](), list[str](), 0, 0
    while n < len(tags):
        tag, before = tags[n], text[at : tags[n].start()]
        if _OPENS.fullmatch(tag[0]) and not before.strip():
            end = ends.get(n, last if last > n else -1)
            if end < 0:
                return Told(_joined([*thoughts, text[tag.end() :]]), "", cut=True)
            thoughts.append(text[tag.end() : tags[end].start()])
        elif (thoughts or _ends_a_thought(text, tag)) and (
            later := [k for k in strays if k >= n and _goes_on(text, tags[k])]
        ):
            end = later[-1]
            thoughts.append(text[at : tags[end].start()])
        else:
            break
        at, n = tags[end].end(), end + 1
    if not thoughts:
        return Told("", raw)
    while n < len(tags):
        if n in ends:
            said.append(text[at : tags[n].start()])
            thoughts.append(text[tags[n].end() : tags[ends[n]].start()])
            at, n = tags[ends[n]].end(), ends[n]
        n += 1
    return Told(_joined(thoughts), "".join([*said, text[at:]]).strip())


def said_so_far(raw: str) -> str:
    """The words of the answer in a reply that goes on: none while it may be in a thought, and none from a tag or mark on, since
    what follows may make a thought of them."""
    told, text = apart(raw), _TWICE.sub("", raw)
    if told.cut or len(_OPENS.findall(text)) > len(_CLOSES.findall(text)):
        return ""
    mark = _MARK.search(told.text)
    return told.text[: mark.start()] if mark else told.text


def _joined(thoughts: list[str]) -> str:
    return "\n\n".join(filter(None, map(str.strip, thoughts)))


def _paired(tags: list[re.Match[str]]) -> tuple[dict[int, int], list[int]]:
    """The tags that begin a thought, each with the one that ends it; and those that end what was not begun."""
    ends, strays, open_ones = dict[int, int](), list[int](), list[int]()
    for n, tag in enumerate(tags):
        if _OPENS.fullmatch(tag[0]):
            open_ones.append(n)
        elif open_ones:
            ends[open_ones.pop()] = n
        else:
            strays.append(n)
    return ends, strays


def _goes_on(text: str, tag: re.Match[str]) -> bool:
    return bool(text[tag.end() :].strip())


def _ends_a_thought(text: str, tag: re.Match[str]) -> bool:
    """Whether a tag after words is the end of a thought that the prompt began, and no word among others."""
    before = text[: tag.start()]
    word = before[-1:] in (" ", "`", '"', "'", "“") and before.rstrip()[-1:] not in (*".!?。！？…:)}]", "")
    return bool(_CLOSES.fullmatch(tag[0])) and not (word and not text.startswith("\n", tag.end()))


def begun(prompt: str) -> str:
    """The tag of a thought that the prompt begins at its end, so that the reply goes on with it; "" where there is none."""
    found = _BEGUN.search(prompt)
    return found[1] if found else ""


def ends(text: str) -> int:
    """How many ends of thoughts stand in the text."""
    return len(_CLOSES.findall(text))


def reasons(raw: str) -> bool:
    """Whether a model that was asked to reason, then to answer, has turned to its answer."""
    return _TURN.search(raw) is not None


def reasoned(raw: str, finish: str) -> str:
    """A reply to a prompt that asks for reasoning first, with what stands before its last "Answer:" between tags as a thought.

    Without that word a reply that was cut is a thought alone, and one that came to its end is an answer alone.
    """
    told = apart(raw)
    if told.cut:
        return raw
    said = told.text if told.thought else raw
    turns = list(_TURN.finditer(said))
    if turns:
        before, after = said[: turns[-1].start()].strip(), said[turns[-1].end() :].strip()
    elif finish == "length":
        before, after = said.strip(), ""
    else:
        return raw
    thought = "\n\n".join(filter(None, (told.thought, before)))
    if finish == "length" and not after:
        return f"<think>{thought}"
    return f"<think>{thought}</think>\n{after}" if thought else after
