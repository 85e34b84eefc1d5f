"""Rows of tables as they appear in spreadsheets and price lists, with look-ups, reverse look-ups and comparisons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from ragtune.models.nano import words as w
from ragtune.models.nano.conversation import ABSTAIN
from ragtune.models.nano.facts import VALUES

#: label; kind of value; ways to ask; ways to ask which of two has more; ways to ask which has less ({A} and {B} are names, {X} is one)
_COLUMNS = (
    "price; money; What does {X} cost?, How much is {X}?, What is the price of {X}?; Which costs more{,} {A} or {B}?, Which is more expensive{,} {A} or "
    "{B}?, Which is dearer{,} {A} or {B}?; Which costs less{,} {A} or {B}?, Which is cheaper{,} {A} or {B}?|hourly pay; money; What does {X} earn an "
    "hour?, What is the hourly pay of {X}?, How much is {X} paid an hour?; Who earns more{,} {A} or {B}?, Who is paid more an hour{,} {A} or {B}?; Who "
    "earns less{,} {A} or {B}?|copies; count; How many copies of {X} are there?, How many copies does {X} have?; Which has more copies{,} {A} or {B}?, Of "
    "which are there more copies{,} {A} or {B}?; Which has fewer copies{,} {A} or {B}?|seats; count; How many seats does {X} have?, How many people can "
    "sit in {X}?; Which has more seats{,} {A} or {B}?, Which is larger{,} {A} or {B}?; Which has fewer seats{,} {A} or {B}?, Which is smaller{,} {A} or "
    "{B}?|weight; kilograms; How heavy is {X}?, What does {X} weigh?, What is the weight of {X}?; Which is heavier{,} {A} or {B}?, Which weighs more{,} "
    "{A} or {B}?; Which is lighter{,} {A} or {B}?|length; metres; How long is {X}?, What is the length of {X}?; Which is longer{,} {A} or {B}?; Which is "
    "shorter{,} {A} or {B}?|minutes; minutes; How many minutes does {X} take?, How long does {X} take?; Which takes longer{,} {A} or {B}?, Which lasts "
    "longer{,} {A} or {B}?; Which is over sooner{,} {A} or {B}?, Which takes less time{,} {A} or {B}?|year; year; From which year is {X}?, When did {X} "
    "begin?; Which is newer{,} {A} or {B}?, Which came later{,} {A} or {B}?; Which is older{,} {A} or {B}?, Which came first{,} {A} or {B}?|temperature; "
    "degrees; How warm is {X}?, What is the temperature of {X}?; Which is warmer{,} {A} or {B}?; Which is colder{,} {A} or {B}?|time; clock; When is "
    "{X}?, At what time is {X}?, What time is {X}?; Which is later{,} {A} or {B}?, Which comes later{,} {A} or {B}?; Which is earlier{,} {A} or {B}?, "
    "Which comes first{,} {A} or {B}?|visitors; count; How many visitors did {X} have?; Which had more visitors{,} {A} or {B}?; Which had fewer "
    "visitors{,} {A} or {B}?|contact; person; Who is the contact for {X}?, Whom do I ask about {X}?|keeper; person; Who keeps {X}?, Who is the keeper of "
    "{X}?|phone; phone; What is the number of {X}?, How do I reach {X}?|room; spot; Where is {X}?, In which room is {X}?|opens; spot; What does {X} "
    "open?, Which door does {X} open?|order day; weekday; On which day does {X} take orders?, What is the order day of {X}?|day; weekday; On which day is "
    "{X}?, Which day is {X}?|supplies; thing; What does {X} supply?, What do we get from {X}?, What comes from {X}?|eats; thing; What does {X} eat?, What "
    "is {X} fed with?|held by; role; Who holds {X}?, Who has {X}?|colour; colour; What colour is {X}?, Which colour has {X}?|code; code; What is the code "
    "of {X}?, Which code has {X}?|how often; frequency; How often is {X}?, How often does {X} come?|supplement; percent; What is the supplement for {X}?, "
    "Which supplement does {X} get?"
).split("|")
_KEYS = "name item role animal supplier key product station ticket tank course event team machine place grade show species".split()


@dataclass(frozen=True)
class Column:
    label: str
    kind: str
    ask: tuple[str, ...]
    more: tuple[str, ...]
    less: tuple[str, ...]


def _column(text: str) -> Column:
    parts = [p.strip() for p in text.split(";")]
    label, kind, *asks = parts
    ask, more, less = ([*(tuple(a.strip() for a in x.split("?,")) for x in asks), (), ()])[:3]
    closed = [tuple(q.replace("{,}", ",").rstrip("?") + "?" for q in qs) for qs in (ask, more, less)]
    return Column(label, kind, closed[0], closed[1], closed[2])


COLUMNS = tuple(_column(text) for text in _COLUMNS)
Turn = tuple[str, tuple[str, ...], tuple[int, ...]]  # question, answers' text, rows that hold the answer


def _value(rng: Random, kind: str) -> str:
    if kind in {"kilograms", "metres", "minutes", "degrees"}:
        return f"{w.number(rng)} {kind}" if rng.random() < 0.6 else w.number(rng)
    if kind == "count":
        return str(rng.randint(1, 60) if rng.random() < 0.7 else rng.randint(60, 900))
    if kind == "money":
        return rng.choice([f"{rng.randint(1, 90)} euros", f"{rng.randint(5, 40)}.{rng.randint(10, 99)}", f"{rng.randint(1, 600)} euros"])
    return VALUES[kind](rng)


def _name(rng: Random) -> str:
    makers: list[w.Maker] = [
        w.thing,
        w.role,
        w.place,
        w.first_name,
        w.thing,
        lambda r: f"{r.choice('ABCDKLMP')}-{r.randint(1, 60)}",
        lambda r: r.choice(w.NOUNS),
    ]
    return rng.choice(makers)(rng)


def size_of(text: str) -> float | None:
    """The number in ``text``; times of day in minutes; None where there is none."""
    if re.search(r"\b[ap]\.?m\b", text):
        return None
    clock = re.fullmatch(r"(\d+):(\d\d)", text)
    if clock:
        return int(clock[1]) * 60.0 + int(clock[2])
    number = re.search(r"\d[\d,]*\.?\d*", text)
    return float(number[0].replace(",", "")) if number else None


def table(rng: Random, contexts: int) -> tuple[list[tuple[str, str]], list[Turn]]:
    """((title, text) per context, turns): rows of one table spread over at most ``contexts`` contexts."""
    columns = rng.sample(COLUMNS, rng.randint(1, 3))
    make = rng.choice([_name, w.place, w.role, w.thing, w.first_name])
    names = list(dict.fromkeys(make(rng) for _ in range(rng.randint(2, 4))))
    cells = {(name, c.label): _value(rng, c.kind) for name in names for c in columns}
    key = rng.choice(_KEYS)
    style = rng.choice([0, 0, 1, 2, 3, 4, 4, 5])
    title = rng.choice(["", w.capitalise(w.thing(rng)), w.capitalise(f"{rng.choice(w.NOUNS)} list"), w.capitalise(key + "s")])
    if style == 0:
        rows = ["; ".join([f"{key}: {n}", *(f"{c.label}: {cells[n, c.label]}" for c in columns)]) for n in names]
    elif style == 1:
        rows = ["| " + " | ".join([w.capitalise(n), *(cells[n, c.label] for c in columns)]) + " |" for n in names]
    elif style == 2:
        rows = [f"{w.capitalise(n)}: " + ", ".join(f"{c.label} {cells[n, c.label]}" for c in columns) + "." for n in names]
    elif style == 4:
        rows = [_told(rng, n, c.label, cells[n, c.label]) for c in columns[:1] for n in names]
        columns = columns[:1]
    elif style == 5:
        return _across(rng, names, columns, cells, title, contexts)
    else:
        rows = [f"{cells[n, columns[0].label]} for the {n}" for n in names]
        columns = columns[:1]
    spread = min(contexts, len(rows)) if style != 3 and rng.random() < 0.7 else 1
    groups: list[list[int]] = [[] for _ in range(spread)]
    for i in range(len(rows)):
        groups[i % spread].append(i)
    head = "| " + " | ".join([key, *(c.label for c in columns)]) + " |\n" if style == 1 and rng.random() < 0.6 else ""
    lead = rng.choice(["We charge ", "It is ", "The list says ", "It comes to "]) if style == 3 else ""
    texts = [(title, head + lead + {3: ", ", 4: " "}.get(style, "\n").join(rows[i] for i in g) + ("." if style == 3 else "")) for g in groups]
    at = {names[i]: n for n, g in enumerate(groups) for i in g}
    return texts, _asked(rng, key, names, columns, cells, at)


def _told(rng: Random, name: str, label: str, value: str) -> str:
    """One cell as a sentence."""
    the = "the " + name if name[0].islower() else name
    return w.capitalise(
        rng.choice(
            [f"The {label} of {the} is {value}.", f"For {the} the {label} is {value}.", f"{the} has a {label} of {value}.", f"{the}: {value} ({label})."]
        )
    )


def _across(
    rng: Random, names: list[str], columns: list[Column], cells: dict[tuple[str, str], str], title: str, contexts: int
) -> tuple[list[tuple[str, str]], list[Turn]]:
    """A table whose columns are the names; its head may stand in another context than its rows."""
    corner = rng.choice(["Value", "", "What", "Rule", "Limit"])
    head = "| " + " | ".join([corner, *map(w.capitalise, names)]) + " |" + rng.choice(["\n" + "| --- " * (len(names) + 1) + "|", ""])
    rows = ["| " + " | ".join([w.capitalise(c.label), *(cells[n, c.label] for n in names)]) + " |" for c in columns]
    apart = contexts > 1 and rng.random() < 0.4
    texts = [(title, head), (title, "\n".join(rows))] if apart else [(title, "\n".join([head, *rows]))]
    return texts, _asked(rng, "", names, columns, cells, dict.fromkeys(names, len(texts) - 1))


def row_of(rng: Random, name: str, column: Column | None = None) -> tuple[Column, str, str]:
    """(column, a row about ``name``, the value in that column)."""
    column = column or rng.choice([c for c in COLUMNS if c.label in {"phone", "room", "day", "contact", "code", "hourly pay", "opens", "year"}])
    more = rng.choice([c for c in COLUMNS if c.label != column.label])
    value = _value(rng, column.kind)
    parts = [f"{column.label}: {value}", f"{more.label}: {_value(rng, more.kind)}"]
    rng.shuffle(parts)
    return column, "; ".join([f"{rng.choice(['name', 'person', 'who', 'contact'])}: {name}", *parts]), value


def _asked(rng: Random, key: str, names: list[str], columns: list[Column], cells: dict[tuple[str, str], str], at: dict[str, int]) -> list[Turn]:
    """Turns over the table: look-ups, reverse look-ups, comparisons, and some that it does not answer (no rows)."""
    turns: list[Turn] = []
    for _ in range(8):
        column = rng.choice(columns)
        name = rng.choice(names)
        if rng.random() < 0.12:
            strange = rng.choice([c for c in COLUMNS if c.label not in {x.label for x in columns}])
            which, of = (strange, name) if rng.random() < 0.5 else (column, _name(rng))
            if of not in names or which is strange:
                turns.append((w.capitalise(rng.choice(which.ask).replace("{X}", of if of[0].isupper() else f"the {of}")), (ABSTAIN,), ()))
                continue
        said = rng.choice(["the ", "a ", "", f"the {key} "]) + name if name[0].islower() else name
        value = cells[name, column.label]
        if rng.random() < 0.5 and column.more and len(names) > 1:
            a, b = rng.sample(names, 2)
            first, second = size_of(cells[a, column.label]), size_of(cells[b, column.label])
            if first is None or second is None or first == second:
                continue
            more = rng.random() < 0.6 or not column.less
            article = rng.choice(["", "a ", "the "]) if a[0].islower() and b[0].islower() else ""
            ways = column.more if more else column.less
            if rng.random() < 0.4 or not ways:
                word = rng.choice(["higher", "larger", "greater"] if more else ["lower", "smaller"])
                ways = (f"Is the {column.label} {word} for {{A}} or for {{B}}?", f"Where is the {column.label} {word}, in {{A}} or in {{B}}?",
                        f"Which has the {word} {column.label}, {{A}} or {{B}}?", f"Which is {word}, the {column.label} of {{A}} or of {{B}}?")  # fmt: skip
            question = rng.choice(ways).replace("{A}", article + a).replace("{B}", article + b)
            if key and rng.random() < 0.3:
                question = question.replace("Which has", f"Which {key} has").replace("Which costs", f"Which {key} costs")
            turns.append((question, (article + (a if (first > second) == more else b),), tuple(sorted({at[a], at[b]}))))
        elif rng.random() < 0.25 and list(cells.values()).count(value) == 1:
            one = f"Which {key}" if key else "Which one"
            question = rng.choice([f"{one} has the {column.label} {value}?", f"What has {value} as its {column.label}?", f"{one} has {value}?"])
            turns.append((question, (name,), (at[name],)))
        else:
            asks = [*column.ask, f"What is the {column.label} of {{X}}?"]
            turns.append((w.capitalise(rng.choice(asks).replace("{X}", said)), (value,), (at[name],)))
    return turns
