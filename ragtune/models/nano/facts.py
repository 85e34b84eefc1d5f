"""Facts the nano recipe makes up: each is stated in some way and asked about in several.

Two sources: ``domains.txt`` (hand-written statements and questions by domain; domains marked ``!`` are held
out of training) and open frames below, which cross attributes, verbs and rules with large word lists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from random import Random

from ragtune.models.nano import words as w


@dataclass(frozen=True)
class Fact:
    """One made-up fact. ``row`` is its (label, value) form for lists and tables, where it has one."""

    subject: str
    statement: str
    questions: tuple[str, ...]
    answer: str
    row: tuple[str, str] | None
    kind: str


@dataclass(frozen=True)
class Attribute:
    label: str
    value: str
    statements: tuple[str, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Domain:
    name: str
    entities: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    held_out: bool


BIRDS = ("Heron Swan Falcon Raven Swallow Kestrel Gull Plover Osprey Tern Finch Robin Magpie Lark Wren Curlew").split()
LANGUAGES = ("Python Rust Go Java C Kotlin Swift Ruby Perl Haskell Elixir Scala Fortran Lua Julia TypeScript").split()

_SLOTS: dict[str, w.Maker] = {
    "place": w.place,
    "surname": w.surname,
    "person": w.person,
    "thing": w.thing,
    "code": w.code,
    "role": w.role,
    "noun": lambda r: r.choice(w.NOUNS),
    "adjective": lambda r: r.choice(w.ADJECTIVES),
    "colour": lambda r: r.choice(w.COLOURS),
    "bird": lambda r: r.choice(BIRDS),
    "n": lambda r: str(r.randint(1, 990)),
    "Role": lambda r: w.capitalise(r.choice(w.ROLES)),
    "word": lambda r: w.capitalise(w.syllables(r, 2, 3)),
}
VALUES: dict[str, w.Maker] = {
    "person": w.person,
    "code": w.code,
    "clock": w.clock,
    "quantity": w.quantity,
    "frequency": w.frequency,
    "duration": w.duration,
    "phone": w.phone,
    "spot": w.spot,
    "number": w.number,
    "money": w.money,
    "year": w.year,
    "a_thing": w.a_thing,
    "thing": w.thing,
    "weekday": w.weekday,
    "percent": w.percent,
    "date": w.date,
    "place": w.place,
    "role": w.role,
    "email": w.email,
    "colour": lambda r: r.choice(w.COLOURS),
    "reason": lambda r: r.choice(w.REASONS),
    "language": lambda r: r.choice(LANGUAGES),
}


@lru_cache(maxsize=1)
def domains() -> tuple[Domain, ...]:
    text = resources.files("ragtune.models.nano").joinpath("domains.txt").read_text("utf-8")
    found: list[Domain] = []
    for block in re.split(r"^(?=!?@ )", text, flags=re.M):
        lines = block.strip().splitlines()
        if not lines:
            continue
        name, entities = lines[0].lstrip("!@ ").split(":", 1)
        attributes = []
        for line in lines[1:]:
            head, statements, questions = line.split(" :: ") if line.count(" :: ") == 2 else _split(line)
            label, value = (part.strip() for part in head.split(";"))
            attributes.append(Attribute(label, value, tuple(statements.split(" / ")), tuple(questions.split(" / "))))
        found.append(Domain(name, tuple(e.strip() for e in entities.split(";")), tuple(attributes), lines[0].startswith("!")))
    return tuple(found)


def _split(line: str) -> tuple[str, str, str]:
    head, rest = line.split(" :: ", 1)
    statements, questions = rest.rsplit(" :: ", 1)
    return head, statements, questions


def fill(rng: Random, pattern: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: _SLOTS[m.group(1)](rng), pattern)


def entity(rng: Random, domain: Domain) -> str:
    return fill(rng, rng.choice(domain.entities))


def put(template: str, subject: str, value: str) -> str:
    return w.capitalise(template.replace("{E}", subject).replace("{V}", value))


def attribute_fact(rng: Random, subject: str, domain: Domain, attribute: Attribute, value: str | None = None) -> Fact:
    value = value or VALUES[attribute.value](rng)
    return Fact(
        subject,
        put(rng.choice(attribute.statements), subject, value),
        tuple(put(q, subject, value) for q in attribute.questions),
        value,
        (attribute.label, value),
        f"{domain.name}/{attribute.label}",
    )


def domain_facts(rng: Random, domain: Domain, subjects: int, per_subject: int) -> list[Fact]:
    """Facts of one domain: several subjects sharing attributes, so that facts are near misses of one another."""
    shared = rng.sample(domain.attributes, min(per_subject, len(domain.attributes)))
    facts = []
    for subject in dict.fromkeys(entity(rng, domain) for _ in range(subjects)):
        own = list(shared)
        if rng.random() < 0.3:
            own = rng.sample(domain.attributes, min(per_subject, len(domain.attributes)))
        facts += [attribute_fact(rng, subject, domain, attribute) for attribute in own]
    return facts


# --- open frames -----------------------------------------------------------------------------------------

_ATTR_STATEMENTS = (
    "The {A} of {E} is {V}.|{E} has {aA} of {V}.|For {E}, the {A} is {V}.|The {A} for {E} was set to {V}.|{V} is the {A} of {E}.|With {E}, the "
    "{A} comes to {V}.|{E} was given the {A} {V}.|As {A}, {E} uses {V}.|{E} now has {V} as its {A}.|The {A} of {E} changed from {O} to {V}.|The "
    "{A} of {E} is {V}, not {O}.|The {A} used to be {O}, but for {E} it is now {V}.|{E} keeps {V} as its {A}.|{E} ({A}: {V}) is listed below."
).split("|")
_ATTR_QUESTIONS = (
    "What is the {A} of {E}?|What is the {A} for {E}?|What {A} does {E} have?|Which {A} applies to {E}?|What is {E}'s {A}?|What {A} was {E} "
    "given?|Which {A} was set for {E}?|What does {E} have as its {A}?|I need the {A} of {E}.|Can you tell me the {A} of {E}?|What's the {A} of "
    "{E} now?|{E}: what is the {A}?|Do you know which {A} {E} has?"
).split("|")


def open_attribute(rng: Random, subject: str | None = None, label: str | None = None) -> Fact:
    label = label or w.attribute(rng)
    subject = subject or rng.choice([w.the_thing, w.place, w.the_thing, lambda r: f"the {w.place(r)} {r.choice(w.NOUNS)}", w.code])(rng)
    value, old = w.any_value(rng), w.any_value(rng)
    article = f"{'an' if label[0] in 'aeiou' else 'a'} {label}"

    def put_all(template: str) -> str:
        text = template.replace("{aA}", article).replace("{A}", label).replace("{O}", old)
        return put(text, subject, value)

    return Fact(
        subject,
        put_all(rng.choice(_ATTR_STATEMENTS)),
        tuple(put_all(q) for q in rng.sample(_ATTR_QUESTIONS, 4)),
        value,
        (label, value),
        f"attribute/{label}",
    )


def open_event(rng: Random) -> list[Fact]:
    """One sentence that tells who did what, where, when and why; a fact for each part asked about."""
    base, _, past, participle = rng.choice(w.VERBS)
    doers: list[w.Maker] = [w.person, w.person, lambda r: f"the {w.role(r)}", lambda r: f"{w.person(r)}, the {w.role(r)},"]
    who = rng.choice(doers)(rng)
    asked_who = who.split(",")[0]
    what = w.the_thing(rng)
    where, when, why = w.spot(rng), w.date(rng), rng.choice(w.REASONS)
    at = "in" if rng.random() < 0.5 else "at"
    parts = [
        f"{who} {past} {what} {at} {where} on {when} because {why}.",
        f"On {when} {who} {past} {what} {at} {where}, since {why}.",
        f"{what} was {participle} by {asked_who} {at} {where} on {when} because {why}.",
        f"Because {why}, {asked_who} {past} {what} on {when}. It happened {at} {where}.",
        f"{at} {where}, {asked_who} {past} {what} on {when}. The reason: {why}.",
    ]
    sentence = w.capitalise(rng.choice(parts))
    asks = {
        asked_who: (f"Who {past} {what}?", f"By whom was {what} {participle}?", f"Which person {past} {what} on {when}?"),
        what: (f"What did {asked_who} {base}?", f"What was {participle} by {asked_who}?", f"What did {asked_who} {base} on {when}?"),
        where: (f"Where did {asked_who} {base} {what}?", f"Where was {what} {participle}?", f"In which place was {what} {participle}?"),
        when: (f"When did {asked_who} {base} {what}?", f"When was {what} {participle}?", f"On what date was {what} {participle}?"),
        why: (f"Why did {asked_who} {base} {what}?", f"Why was {what} {participle}?", f"What was the reason that {what} was {participle}?"),
    }
    return [Fact(what, sentence, tuple(map(w.capitalise, q)), a, None, f"event/{i}") for i, (a, q) in enumerate(asks.items())]


def open_rule(rng: Random) -> list[Fact]:
    """A duty with its holder, object and limit; or a conditional instruction."""
    base, third, _, participle = rng.choice(w.VERBS)
    who, what, limit = w.role(rng), w.the_thing(rng), w.duration(rng)
    trigger = rng.choice(
        [
            f"the {rng.choice(w.NOUNS)} arrives",
            f"an {rng.choice(['order', 'alarm', 'error'])} comes in",
            f"{w.the_thing(rng)} fails",
            "the shift ends",
            f"{w.the_thing(rng)} is full",
            f"somebody loses {w.a_thing(rng)}",
            f"the {rng.choice(w.NOUNS)} light turns {rng.choice(w.COLOURS)}",
        ]
    )
    other = rng.choice(w.VERBS)[0]
    thing = w.the_thing(rng)
    step = f"{other} {thing}"
    kind = rng.randint(0, 3)
    asks: dict[str, tuple[str, ...]]
    answer_of: dict[str, str] = {}
    if kind == 0:
        sentence = rng.choice(
            [
                f"The {who} must {base} {what} within {limit}.",
                f"{what} must be {participle} by the {who} within {limit}.",
                f"It is the duty of the {who} to {base} {what} within {limit}.",
                f"Within {limit}, the {who} has to {base} {what}.",
            ]
        )
        asks = {
            who: (f"Who must {base} {what}?", f"Whose duty is it to {base} {what}?", f"Who has to {base} {what} within {limit}?"),
            limit: (
                f"Within what time must the {who} {base} {what}?",
                f"How long does the {who} have to {base} {what}?",
                f"How soon must {what} be {participle}?",
            ),
            what: (f"What must the {who} {base}?", f"What has to be {participle} within {limit}?", f"What does the {who} have to {base} within {limit}?"),
        }
        answer_of = {who: f"the {who}"}
    elif kind == 1:
        sentence = rng.choice(
            [
                f"If {trigger}, {step}.",
                f"When {trigger}, {step} first.",
                f"{step} as soon as {trigger}.",
                f"Should it happen that {trigger}, {step} and call the {who}.",
            ]
        )
        asks = {step: (f"What should I do if {trigger}?", f"What do I do when {trigger}?", f"What happens if {trigger}?", f"How should I react if {trigger}?")}
    elif kind == 2:
        tool = w.a_thing(rng)
        sentence = rng.choice(
            [f"To {base} {what}, use {tool}.", f"{what} is {participle} with {tool}.", f"Use {tool} to {base} {what}.", f"You need {tool} to {base} {what}."]
        )
        asks = {
            tool: (
                f"What do I need to {base} {what}?",
                f"How is {what} {participle}?",
                f"With what do I {base} {what}?",
                f"What should be used to {base} {what}?",
            )
        }
    else:
        many = w.quantity(rng)
        sentence = rng.choice(
            [
                f"The {who} {third} {many} per {rng.choice(['day', 'week', 'month', 'year'])}.",
                f"Each {who} may {base} up to {many}.",
                f"No {who} may {base} more than {many}.",
            ]
        )
        asks = {many: (f"How much may a {who} {base}?", f"What may each {who} {base} at most?", f"How many does the {who} {base}?")}
    sentence = w.capitalise(sentence)
    return [Fact(what, sentence, tuple(map(w.capitalise, q)), answer_of.get(a, a), None, f"rule/{kind}") for a, q in asks.items()]
