"""Questions that the documents do not answer: about a thing that they define, for what they never say of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import regex

from ragtune.synthesis.drafts import Draft, Passage
from ragtune.text.words import content_words, tokens

#: language -> what is asked of a thing, and the words that would answer it
ASKED = {
    "en": (
        ("When was {name} set up?", "set founded launched started began established created opened introduced since year"),
        ("Who set up {name}?", "set founded founder launched started established created invented introduced"),
        ("What does {name} cost per month?", "cost costs price priced fee charge free euro dollar pay paid budget month monthly"),
        ("What is the phone number of {name}?", "phone telephone call number hotline ring"),
        ("How many people use {name}?", "people users members staff many use uses used"),
    ),
    "zh": (
        ("{name}的电话号码是多少？", "电话 号码 拨打 热线"),
        ("{name}是哪一年成立的？", "成立 创立 建立 创办 开馆 年"),
        ("{name}每月收费多少？", "收费 费用 价格 元 免费"),
    ),
}  # fmt: skip
_DEFINED = {"en": regex.compile(r"What (?:is|are) (?P<name>(?:the )?\p{Lu}[\w'’&-]*(?: \p{Lu}[\w'’&-]*){0,3})\?"), "zh": regex.compile(r"(?P<name>[^？]{2,10})是什么？")}  # fmt: skip
#: sentences on either side of a name that speak of it
_AROUND = 3


def drafts(defined: Sequence[Draft], passages: Sequence[Passage], language: str, random: Random) -> Iterator[Draft]:
    """Of each thing that a draft asks to define, what no sentence near its name speaks of; a question of each sort in turn."""
    asked = ASKED.get(language, ())
    names = dict.fromkeys(
        m["name"] for d in defined if d.rule == "definition" and (m := _DEFINED[language].fullmatch(d.text))
    )
    order = random.sample(list(names), len(names))
    keys = [_key(p.text) for p in passages]
    for n in range(len(asked)):
        for at, name in enumerate(order):
            text, words = asked[(n + at) % len(asked)]
            wanted = _key(name.removeprefix("the "))
            near = {m for i, key in enumerate(keys) if wanted in key for m in range(i - _AROUND, i + _AROUND + 1)}
            around = {w for m in near if 0 <= m < len(passages) for w in content_words(passages[m].text)}
            if near and not around & set(content_words(words)):
                yield Draft(text.format(name=name), (), (), "unanswerable", "absent")


def _key(text: str) -> str:
    return " ".join(["", *(t.text for t in tokens(text)), ""])
