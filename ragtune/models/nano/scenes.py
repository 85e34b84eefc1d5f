"""Short pages about everyday matters, written by hand with slots for what changes: the second leg's natural language.

``scenes.txt`` holds a title (``=``), statements, what can be asked of each (``?`` ways of asking, ``>`` the answer) and
what the page never tells (``!``). Scenes marked ``=!`` are held out of training.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from random import Random

from ragtune.models.nano import pages
from ragtune.models.nano import words as w
from ragtune.models.nano.conversation import ABSTAIN, Conversation, Level
from ragtune.models.nano.synonyms import vary

_SLOT = re.compile(r"\{(\w)(?::(\w+))?\}")


@dataclass(frozen=True)
class Statement:
    text: str
    asks: tuple[tuple[tuple[str, ...], str], ...]


@dataclass(frozen=True)
class Scene:
    title: str
    statements: tuple[Statement, ...]
    untold: tuple[str, ...]
    held_out: bool = False


@lru_cache(maxsize=1)
def scenes() -> tuple[Scene, ...]:
    text = resources.files("ragtune.models.nano").joinpath("scenes.txt").read_text("utf-8")
    return tuple(_scene(block.splitlines()) for block in text.strip().split("\n\n"))


def _scene(lines: list[str]) -> Scene:
    statements: list[tuple[str, list[tuple[tuple[str, ...], str]]]] = []
    untold: tuple[str, ...] = ()
    for line in lines[1:]:
        if line.startswith("? "):
            asked, _, answer = line[2:].rpartition(" > ")
            statements[-1][1].append((tuple(asked.split(" / ")), answer))
        elif line.startswith("! "):
            untold = tuple(line[2:].split(" / "))
        else:
            statements.append((line, []))
    mark, _, title = lines[0].partition(" ")
    return Scene(title, tuple(Statement(text, tuple(asks)) for text, asks in statements), untold, mark == "=!")


def filled(rng: Random, scene: Scene) -> Scene:
    """The scene with a value in each slot."""
    values: dict[str, str] = {}

    def put(match: re.Match[str]) -> str:
        name, kind = match.groups()
        if name not in values:
            values[name] = w.surname(rng) if kind == "surname" else rng.choice(w.MONTHS) if kind == "month" else pages.value_of(rng, kind, "")
        return values[name]

    told = []
    for statement in scene.statements:
        text = w.capitalise(_SLOT.sub(put, statement.text))
        told.append(Statement(text, tuple((asked, _SLOT.sub(put, answer)) for asked, answer in statement.asks)))
    return Scene(scene.title, tuple(told), scene.untold, scene.held_out)


def _cut(rng: Random, scene: Scene, sentences: int) -> list[tuple[str, list[Statement]]]:
    """The page's passages, each with the statements it holds."""
    left, found = list(scene.statements), list[tuple[str, list[Statement]]]()
    while left:
        size = rng.randint(1, max(1, sentences))
        part, left = left[:size], left[size:]
        text = rng.choice(["\n", " ", " ", " "]).join(s.text for s in part)
        if rng.random() < 0.15:
            text = rng.choice([pages.filler(rng) + " " + text, text + " " + pages.filler(rng)])
        found.append((pages.headed(rng, pages.Topic("", "", scene.title), text, not found), part))
    return found


def from_scene(rng: Random, at: Level, held_out: bool = False) -> Conversation:
    """Questions about passages of a scene, some of which the passages shown do not answer."""
    scene = filled(rng, rng.choice([s for s in scenes() if s.held_out == held_out]))
    passages = _cut(rng, scene, at.sentences)
    rng.shuffle(passages)
    wanted = rng.randint(1, at.contexts)
    shown, hidden = passages[:wanted], passages[wanted:]
    told = [(n, *ask) for n, (_, some) in enumerate(shown, 1) for s in some for ask in s.asks]
    elsewhere = [q for _, some in hidden for s in some for asked, _ in s.asks for q in asked]
    titled = rng.random() < 0.85
    turns: dict[str, str] = {}
    for _ in range(rng.randint(min(2, at.turns), at.turns)):
        roll = rng.random()
        if roll < 0.1 or not (told or elsewhere):
            question, answer = rng.choice(scene.untold), ABSTAIN
        elif elsewhere and (roll < 0.36 or not told):
            question, answer = rng.choice(elsewhere), ABSTAIN
        else:
            n, asked, value = rng.choice(told)
            question, answer = rng.choice(asked), f"{value} [{n}]"
        if answer == ABSTAIN and rng.random() < 0.3:
            question = f"{question[:-1]} {rng.choice(['at', 'for', 'in'])} the {scene.title.lower()}?"
        turns[vary(rng, question, 0.25, True)] = answer
    return Conversation(tuple((scene.title if titled else "", text) for text, _ in shown), tuple(turns.items()))
