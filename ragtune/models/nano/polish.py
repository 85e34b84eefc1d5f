"""The second leg: scenes in natural language, more relations, words of like sense, harder near misses."""

from __future__ import annotations

import re
from random import Random

from ragtune.models.nano import examples, pages
from ragtune.models.nano import words as w
from ragtune.models.nano.conversation import ABSTAIN, Conversation, Level
from ragtune.models.nano.scenes import from_scene

#: share of the conversations that are about scenes, and of the others with a stray question
SCENES, STRAY = 0.35, 0.25
TURNS = 4

#: (words that tell that the context may hold the answer, question about a person, ...)
_OF_PERSON = (
    ("born", "When was {X} born?"), ("live home", "Where does {X} live?"), ("hobb free", "What does {X} do in the free time?"),
    ("earn paid pay", "How much does {X} earn?"), ("school studied", "Which school did {X} go to?"), ("languages speaks", "How many languages does {X} speak?"),
    ("married wife husband", "Who is married to {X}?"), ("car drives", "Which car does {X} drive?"), ("retire", "In which year does {X} retire?"),
    ("tall height", "How tall is {X}?"), ("child son daughter", "How many children has {X}?"), ("colour favourite", "What is the favourite colour of {X}?"),
    ("email mail @", "What is the email address of {X}?"), ("town from", "Which town does {X} come from?"), ("replace deputy stand", "Who stands in for {X}?"),
    ("birthday born", "On which date is {X}'s birthday?"), ("boss manager lead", "Who is the boss of {X}?"), ("taught learn", "Who taught {X}?"),
)  # fmt: skip
_OF_THING = (
    ("paint", "Who painted {X}?"), ("cost price pay euro $ £ €", "What did {X} cost?"), ("stole stolen", "When was {X} stolen?"), ("brand make", "Which brand is {X}?"),
    ("colour red blue green black white yellow grey brown", "What colour is {X}?"), ("insur", "Who insures {X}?"), ("many", "How many of {X} are there?"),
    ("design drew", "Who designed {X}?"), ("open opens", "When does {X} open?"), ("sold sell", "To whom was {X} sold?"), ("smell", "What does {X} smell of?"),
    ("named after name called", "After whom is {X} named?"), ("rent", "Who rents {X}?"), ("wide width long length", "How wide is {X}?"), ("size area square", "What is the area of {X}?"),
    ("year in 1 2", "In which year did {X} come here?"), ("break broke", "How often did {X} break down?"), ("clean", "Who cleans {X}?"), ("taste", "How does {X} taste?"),
    ("language", "In which language is {X}?"), ("stars rating", "How many stars has {X}?"), ("key lock", "Who has the key to {X}?"), ("invent", "Who invented {X}?"),
)  # fmt: skip
_NAME = re.compile(r"\b(?!The |It |In |On |At |For )[A-Z][a-z]+ [A-Z][a-z]+\b")
_THING = re.compile(rf"\b(?:the|The|a|A|an) ((?:[a-z]+ )?(?:{'|'.join([*w.NOUNS, *pages.HEADS])}))\b")


def stray(rng: Random, talk: Conversation) -> str | None:
    """A question about something that the contexts mention, which they do not answer."""
    text = " ".join(text for _, text in talk.contexts)
    people: list[str] = _NAME.findall(text)
    things = [f"the {t}" for t in _THING.findall(text)]
    kinds = [(people, _OF_PERSON), (things, _OF_THING)]
    kinds = [k for k in kinds if k[0]]
    if not kinds:
        return None
    mentioned, asks = rng.choice(kinds)
    low = text.lower()
    fitting = [q for told, q in asks if not any(t in low for t in told.split())]
    if not fitting:
        return None
    return rng.choice(fitting).replace("{X}", rng.choice(mentioned))


def conversation(rng: Random, pool: list[str]) -> Conversation:
    at = Level(rng.choice([1, 1, 1, 2, 2, 3]), rng.randint(1, 3), TURNS, 0.08, 0.64, True)
    if rng.random() < SCENES:
        return from_scene(rng, at)
    talk = examples.conversation(rng, at, pool)
    if talk.contexts and rng.random() < STRAY and (asked := stray(rng, talk)):
        turns = [*talk.turns]
        turns.insert(rng.randint(0, len(turns)), (asked, ABSTAIN))
        talk = Conversation(talk.contexts, tuple(dict(turns).items()))
    return talk
