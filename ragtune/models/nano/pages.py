"""Pages as people keep them: a title, then sentences that leave the subject out, call it "it" or by its last word.

Statements and questions come from ``pages.txt`` (kind # statements # questions); every way of asking fits every way
of stating. A page is cut into passages, each under its title, as retrieval would show them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from random import Random

from ragtune.models.nano import words as w
from ragtune.models.nano.facts import VALUES

HEADS = (
    "course desk kitchen pass leave room tour meeting report line key rule fund shift office club lab test visit car park library team talk show "
    "workshop bus programme store garden pond hall cafe stall counter training review licence permit plan transport insurance overtime parking "
    "locker recycling heating lighting booking payroll reception intake delivery exam rescue patrol school event party wedding concert market "
    "newsletter website mailbox studio theatre archive laboratory nursery clinic gym sauna pool tower dock quay yard farm barn bakery"
).split()
_EXTRA = (
    "staff guest visitor night summer winter group family school season parental sick annual weekend evening harbour river garden fire first-aid "
    "salt water music safety travel data lone food energy storm holiday student member press office sports animal tool paper glass wood metal"
).split()
_LABELS = (
    "deposit fine budget salary float fee bonus allowance refund discount tip rent prize supplement share reserve limit rate grant loan debt "
    "contribution pension surcharge subsidy turnover balance quota fare toll"
).split()
_LEAVE = "leave holiday rest training parking sleep screen study break notice credit storage practice".split()
_PLURALS = (
    "places books tickets guests visitors rooms seats bags boxes keys lockers desks chairs tables plants bikes cars visits swaps days guides members "
    "children parcels samples cards lamps photos forms claims orders meals cups lessons teams dogs birds fish trees boats tents classes requests "
    "complaints records results receipts clothes letters bottles tanks volunteers students pupils helpers speakers tills radios"
).split()
_EVENTS = [
    row.split()
    for row in (
        "start starts begin begins|begin begins start starts|end ends finish finishes|finish finishes end ends|open opens open opens|close closes "
        "shut shuts|stop stops end ends|leave leaves depart departs|arrive arrives come comes|stop stops finish finishes|open opens start starts"
    ).split("|")
]
_ACTS = (
    "inspection:inspect inspects inspected|delivery:deliver delivers delivered|repair:repair repairs repaired|cleaning:clean cleans "
    "cleaned|approval:approve approves approved|maintenance:maintain maintains maintained|payment:pay pays paid|replacement:replace replaces "
    "replaced|collection:collect collects collected|storage:store stores stored|review:review reviews reviewed|test:test tests tested|removal:remove "
    "removes removed|renewal:renew renews renewed|check:check checks checked|service:service services serviced|count:count counts "
    "counted|training:train trains trained|booking:book books booked|order:order orders ordered|audit:audit audits audited|emptying:empty empties "
    "emptied|feeding:feed feeds fed|keeping:keep keeps kept|washing:wash washes washed|issue:issue issues issued|signing:sign signs "
    "signed|measurement:measure measures measured|flushing:flush flushes flushed|locking:lock locks locked|change:change changes "
    "changed|printing:print prints printed|painting:paint paints painted|closing:close closes closed|planning:plan plans planned"
).split("|")
_PROPERTIES = [
    row.split(",")
    for row in (
        "temperature,warm,degrees|temperature,cold,degrees|weight,heavy,kilograms|weight,heavy,grams|weight,heavy,tonnes|length,long,metres|height,high,"
        "metres|height,tall,metres|depth,deep,metres|width,wide,centimetres|thickness,thick,millimetres|speed,fast,kilometres an hour|pressure,strong,"
        "bar|age,old,years|noise,loud,decibels|size,large,square metres|volume,large,litres|distance,far,kilometres|power,strong,watts|salinity,salty,"
        "grams per litre|humidity,humid,per cent"
    ).split("|")
]
_FIRM_TAILS = ["", "", " Ltd", " & Sons", " Services", " Technics", " Group", "", "koel", "tech"]
_ADJUNCTS = (
    ", not counting {m}|, {m} included|, with {m}| before {T}|, by the {D}th of the month|, except on {d}|, after which it goes to {W}|, so share| "
    "because of the {m}|, but only for {m}|; ask {P} at the {n}|; it used to be {N}|, weekdays from {T} to {T}| on channel {N}|, since {Y}| in {Y}| for "
    "{m} and {m}|, in one block or two|, and so does the {n}|, usually in favour of {m}| from {M} to {M}|, without exception|, rain or shine| on the "
    "first day|, counted by {N} people|, which is plenty|, and {N} of us have {m}|, signed by the {r}|, if the {n} is {a}| and a {n} of the {a} {n}|; "
    "in {M} it is the {D}th|, at the {n} in {W}|, as the law asks| unless the {r} says otherwise|, supper and breakfast included| in the {a} {n}|; the "
    "{r} has the {n}|, {N} of them {a}|, which made the {n} {a}|; the rest goes to {W}"
).split("|")
_OTHERS = (
    "Please be on time.|Nobody likes surprises.|Ask if you are not sure.|{m} are not allowed.|The {n} is next to the {n}.|We had trouble with {m} in "
    "{Y}.|It is a good idea to bring a {n}.|The {r} will thank you.|Do not forget the {n}.|{P} wrote this page.|Most of the {m} are {a}.|This is new since "
    "{M}.|If in doubt, leave it.|That is all there is to it.|The {a} {n} is for {m} only.|A {n} helps.|Thank the {r} when you see one.|Small {m} are "
    "fine.|Everybody helps with the {m}.|It was different before {Y}."
).split("|")


_NAMED = re.compile(r"\{(m2|m|n|r|l|a|M|d)\}")  # slots that a question may use only where the statement has them


@dataclass(frozen=True)
class Said:
    """One sentence of a page with what can be asked about it. ``about`` tells relations apart."""

    sentence: str
    questions: tuple[str, ...]
    answer: str
    about: str


@dataclass(frozen=True)
class Topic:
    """What a page is about: ``full`` with article, ``short`` its last word with article, ``title`` as a heading."""

    full: str
    short: str
    title: str


@lru_cache(maxsize=1)
def relations() -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """(kind of value, statements, questions): those of ``pages.txt``, then those of ``pages_more.txt``."""
    rows = [line.split(" # ") for name in ("pages.txt", "pages_more.txt") for line in _lines(name)]
    return tuple((kind.strip("* "), tuple(s.split(" / ")), tuple(q.split(" / "))) for kind, s, q in rows)


@lru_cache(maxsize=2)
def usable(more: bool) -> tuple[int, ...]:
    """Which of ``relations()`` a leg uses: the first those of ``pages.txt``; the second (``more``) all whose questions ask what is
    stated and nothing wider (those marked ``*`` ask for the cost where a gain is stated, and the like)."""
    first = _lines("pages.txt")
    return tuple(i for i in range(len(relations())) if i >= len(first) or not first[i].split(" # ")[0].endswith("*")) if more else tuple(range(len(first)))


def _lines(name: str) -> list[str]:
    text = resources.files("ragtune.models.nano").joinpath(name).read_text("utf-8")
    return [line for line in text.splitlines() if line.strip()]


def topic(rng: Random, more: bool = False) -> Topic:
    head = rng.choice(HEADS) if rng.random() < 0.5 else rng.choice(w.NOUNS)
    roll = rng.random()
    if roll < 0.15:
        full = head
    elif roll < 0.3:
        full = f"{w.place(rng)} {head}"
    else:
        full = f"{rng.choice(_EXTRA if rng.random() < 0.4 else w.NOUNS if rng.random() < 0.5 else w.ADJECTIVES)} {head}"
    bare = rng.random() < 0.12
    forms = [f"the {full}", f"About the {full}", f"{full}: rules", f"{full} > General", f"{full}s"]
    if more:
        forms += [f"{full} and {rng.choice(_PLURALS)}", f"{rng.choice(_PLURALS)} and {full}"]
    title = w.capitalise(full if rng.random() < 0.8 else rng.choice(forms))
    return Topic(full if bare else f"the {full}", f"the {head}", title)


def _firm(rng: Random) -> str:
    return w.place(rng) + rng.choice(_FIRM_TAILS) if rng.random() < 0.7 else f"{w.surname(rng)} {rng.choice(['Water', 'Lifts', 'Foods', 'Security', 'Print'])}"


def value_of(rng: Random, kind: str, unit: str) -> str:
    match kind:
        case "property":
            return f"{rng.randint(2, 400) if rng.random() < 0.85 else w.number(rng)} {unit}"
        case "percent":
            return rng.choice([w.percent(rng), f"{rng.randint(2, 95)} per cent"])
        case "count":
            return w.number(rng) if rng.random() < 0.6 else rng.choice(w.NUMBER_WORDS)
        case "firm":
            body = f"the {w.place(rng)} {rng.choice(['Board', 'Council', 'Institute', 'University', 'Trust'])}"
            return body if rng.random() < 0.33 else _firm(rng)
        case "system":
            return w.capitalise(w.syllables(rng, 1, 2)) + rng.choice(["", "", "Desk", "Track", "Log", "Base", " Pro", "App"])
        case "threshold":
            return (
                f"{rng.choice(['fewer than', 'more than', 'less than', 'at least', 'only', 'force', 'level', 'over'])} {w.number(rng)} {rng.choice(_PLURALS)}"
            )
        case "until":
            last = [f"the end of {rng.choice(w.MONTHS)}", f"the {rng.randint(4, 30)}th", w.date(rng), w.weekday(rng), f"the first of {rng.choice(w.MONTHS)}"]
            return rng.choice(last)
        case "name":
            return rng.choice([w.first_name, w.place, w.first_name])(rng)
        case "verbdo":
            return rng.choice([w.the_thing(rng), f"the {rng.choice(_PLURALS)}"])
        case "thing":
            return rng.choice([w.a_thing(rng), w.thing(rng), f"{rng.choice(_PLURALS)} and {rng.choice(_PLURALS)}", rng.choice(w.MATERIALS)])
        case "rolea":
            role = w.role(rng)
            return f"{'an' if role[0] in 'aeiou' else 'a'} {role}"
        case "phone" if rng.random() < 0.2:
            a, b = rng.randint(0, 9), rng.randint(0, 9)
            return rng.choice([f"0{a}00 {b}{b}{b} 0{rng.randint(100, 999)}", f"{a}{a}{b}{b}", f"{a}{b}{b} {a}{b}{b}{rng.randint(0, 9)}"])
        case "phone" if rng.random() < 0.3:
            return f"0{rng.randint(10, 990)} {rng.randint(100, 999)} {rng.randint(1000, 9999):04d}"
        case "frequency" if rng.random() < 0.4:
            return rng.choice(
                [f"every {rng.choice(['second', 'third', 'other'])} {w.weekday(rng)}", f"every {rng.randint(5, 90)} minutes", f"on {w.weekday(rng)}s"]
            )
        case "money" if rng.random() < 0.4:
            return f"{rng.choice([str(rng.randint(1, 900)), f'0.{rng.randint(10, 99)}', f'{rng.randint(1, 9)},{rng.randint(0, 9)}00'])} euros"
        case "code" if rng.random() < 0.3:
            return f"{w.capitalise(w.syllables(rng))} {rng.choice(_PLURALS)}" if rng.random() < 0.5 else f"{rng.choice('ABDEFKLMPR')}-{rng.randint(1, 99)}"
    return VALUES[kind](rng)


def _short_fill(rng: Random, text: str) -> str:
    """Fill the slots of adjuncts and filler sentences."""
    makers = {
        "m": lambda: rng.choice(_PLURALS), "T": lambda: w.clock(rng), "D": lambda: str(rng.randint(4, 20)), "d": lambda: w.weekday(rng), "W": lambda: w.spot(rng),
        "P": lambda: w.person(rng), "n": lambda: rng.choice(w.NOUNS), "N": lambda: w.number(rng), "Y": lambda: w.year(rng), "M": lambda: rng.choice(w.MONTHS),
        "r": lambda: w.role(rng), "a": lambda: rng.choice(w.ADJECTIVES),
    }  # fmt: skip
    return re.sub(r"\{(\w)\}", lambda m: makers[m.group(1)](), text)


def filler(rng: Random) -> str:
    """A sentence that tells nothing anybody asks for."""
    return w.capitalise(_short_fill(rng, rng.choice(_OTHERS)))


def say(rng: Random, about: Topic, relation: int, shown: bool) -> Said:
    """One sentence about ``about``; ``shown``: its title stands above, so that the subject may be left out."""
    kind, statements, questions = relations()[relation]
    act, forms = rng.choice(_ACTS).split(":")
    base, third, part = forms.split()
    if rng.random() < 0.5:
        base, third, _, part = rng.choice(w.VERBS)
    asked_base, asked_third = base, third
    if kind == "clock" and any("{Sc}" in s for s in statements):
        base, third, asked_base, asked_third = rng.choice(_EVENTS)
    elif kind == "firm":
        base, third, part = forms.split()
        asked_base, asked_third = base, third
    prop, adjective, unit = rng.choice(_PROPERTIES)
    value = value_of(rng, kind, unit)
    others = [next((v for v in (value_of(rng, kind, unit) for _ in range(8)) if value not in v and v not in value), "none") for _ in range(2)]
    name = rng.choice([about.full, about.short, "it"]) if shown else about.full
    usable = [s for s in statements if shown or "{x}" in s or "{o}" in s] or list(statements)
    template = rng.choice(usable)
    named = set(_NAMED.findall(template))
    fitting = [q for q in questions if set(_NAMED.findall(q)) <= named] or list(questions)
    own = "{o}" in template and rng.random() < 0.35  # a part of the topic rather than the topic itself
    noun = rng.choice(w.NOUNS)
    thing = rng.choice([f"the {noun}", f"the {rng.choice(w.ADJECTIVES)} {noun}", f"the {noun} {rng.choice(HEADS)}"])
    role, label, plural, plural2 = (
        w.role(rng),
        rng.choice(_LEAVE if any("{l} a year" in s for s in statements) else _LABELS),
        rng.choice(_PLURALS),
        rng.choice(_PLURALS),
    )
    if rng.random() < 0.3:
        label = f"{rng.choice(w.ADJECTIVES)} {label}"
    if rng.random() < 0.3:
        plural = f"{rng.choice(w.ADJECTIVES)} {plural}"
    k = f"the {act}"
    slots = {
        "V": value, "x": name, "X": rng.choice([about.full, about.full, about.short if shown else about.full]), "o": thing if own else name,
        "O": thing if own else rng.choice([about.full, about.full, about.short if shown else about.full]), "r": role, "R": w.capitalise(role),
        "B": base, "S": third, "P": part, "Sc": w.capitalise(third), "Bc": w.capitalise(base), "n": noun, "n2": rng.choice(w.NOUNS),
        "a": rng.choice(w.ADJECTIVES), "l": label, "L": w.capitalise(label), "m": plural, "m2": plural2, "p": prop, "j": adjective, "k": k,
        "K": w.capitalise(k), "N": w.number(rng), "T": w.clock(rng), "Y": w.year(rng), "W": w.spot(rng),
        "M": rng.choice(w.MONTHS), "M2": rng.choice(w.MONTHS), "d": w.weekday(rng), "F": _firm(rng), "V2": others[0], "V3": others[1],
        "u": value.split()[-1] if kind == "duration" else "days",
    }  # fmt: skip
    statement = _fill(template, slots)
    asked = {**slots, "B": asked_base, "S": asked_third}
    put = [w.capitalise(_fill(q, asked)) for q in rng.sample(fitting, min(4, len(fitting)))]
    answer = f"the {value}" if kind == "role" else value
    sentence = w.capitalise(statement)
    if rng.random() < 0.3 and sentence.endswith("."):
        sentence = sentence[:-1] + _short_fill(rng, rng.choice(_ADJUNCTS)) + "."
    if rng.random() < 0.06 and value in sentence:
        sentence = sentence.replace(value, rng.choice([f"**{value}**", f"*{value}*"]), 1)
    return Said(sentence, tuple(put), answer, f"{relation}/{label if '{l}' in statements[0] else ''}/{base if '{B}' in questions[0] + questions[-1] else ''}")


def _fill(template: str, slots: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: slots[m.group(1)], template)


def _join(rng: Random, first: str, second: str) -> str:
    """Two sentences in one."""
    small = (
        second[0].lower() + second[1:] if second.startswith(("The ", "It ", "A ", "There ", "We ", "You ", "They ", "For ", "In ", "On ", "At ")) else second
    )
    return first[:-1] + rng.choice([" and ", "; ", ", and ", ", but "]) + small if first.endswith(".") else f"{first} {second}"


def passages(rng: Random, about: Topic, relation_ids: list[int], sentences: int, titled: bool) -> list[tuple[tuple[str, str], list[Said]]]:
    """A page on one topic, cut into passages of at most ``sentences`` sentences: ((title, text), what it says)."""
    found: list[tuple[tuple[str, str], list[Said]]] = []
    said = [say(rng, about, r, titled) for r in relation_ids]
    while said:
        size = rng.randint(1, max(1, sentences))
        part, said = said[:size], said[size:]
        lines = [part[0].sentence]
        for s in part[1:]:
            if rng.random() < 0.3:
                lines[-1] = _join(rng, lines[-1], s.sentence)
            else:
                lines.append(s.sentence)
        if rng.random() < 0.08:
            lines[0] = f"**{part[0].questions[0]}** {w.capitalise(part[0].answer)}." if len(lines) == len(part) else lines[0]
        if rng.random() < 0.25:
            lines.insert(rng.randint(0, len(lines)), filler(rng))
        text = rng.choice(["\n", " ", " ", " ", " ", "\n\n"]).join(lines)
        found.append(((about.title if titled else "", headed(rng, about, text, not found) if titled else text), part))
    return found


def headed(rng: Random, about: Topic, text: str, first: bool) -> str:
    """The passage as it stands in the file: with the page's heading, the next section's, or a line broken by hand."""
    roll = rng.random()
    if roll < (0.4 if first else 0.05):
        text = rng.choice([f"# {about.title}\n\n", f"# {about.title}\n\n", f"{about.title}\n", f"## {w.capitalise(rng.choice(_PLURALS))}\n\n"]) + text
    elif roll > 0.96:
        text += f"\n\n## {w.capitalise(rng.choice(w.NOUNS))}"
    if rng.random() < 0.06:
        spaces = [m.start() for m in re.finditer(" ", text)]
        at = rng.choice(spaces)
        text = text[:at] + "\n" + text[at + 1 :]
    return text
