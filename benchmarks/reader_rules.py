"""Questions that rules make, for :mod:`benchmarks.reader_data`: on pages about things that do not exist, and on real sentences.

``facts`` writes pages about invented places, machines, events and products, each stating four to six facts of a kind (a price,
a name, a number, a date, a rule) in prose, as a list or as a table, and asks for each in other words. It asks for
facts that the page does not state, compares two pages, and joins two. No thing, name or value of a shipped corpus stands in it.
``clozes`` turns sentences of given passages into questions (after Lewis et al. 2019, arXiv:1906.04980): the words before the
verb ask for the subject, a year or a date for when, the words after "by" for who, the words after "is a" for what.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ragtune.text.sentences import sentence_spans

FIRST = "Agda Bram Cosima Dorian Elin Farid Greta Hamish Ilse Jonas Kamala Lorenz Mabel Nikhil Odile Piotr Quentin Rosalind Sami Tamsin Ulrik Vesna Wanda Xavier Yolanda Zeno Beatriz Conrad Dilara Emil".split()
LAST = "Abbott Barczak Calloway Dunmore Eriksen Fairley Grabowski Hollander Ibarra Jessop Kowalczyk Lindqvist Marchetti Novak Ostrander Pemberton Quigley Rasmussen Szabo Thackeray Underhill Villanueva Whitlock Yarrow Zielinski Ashdown Bellweather Castellan Drummond Fontaine".split()
PLACE = "Alder Birch Cedar Dunmere Elmhurst Fernhill Granby Hazel Ivory Juniper Kestrel Larkspur Maple Norwood Oakley Pinewood Quarry Rowan Sorrel Thornbury Upland Verdant Willow Yewtree Amber Beacon Copper Dorset Ember Falcon Garnet Harrow Indigo Jasper Kingsley Linden Mercer Nettle Orchard Poplar Redwood Saffron Tilbury Umber Vesper Weston".split()
COMPANY = "Arvex Belmoor Cantrix Delvane Ecotherm Fortis Gildern Hexalon Ivaro Jorvik Kelstone Lumitec Marwell Nordal Optika Prisma Quantra Rivelin Sentra Torvald Ultima Vantis Westmark Zephyra".split()
MONTH = "January February March April May June July August September October November December".split()
DAY = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
PLACES = ["the cellar", "the east wing", "the second floor", "the courtyard", "the old mill", "the harbour office", "the north gate", "the boiler room", "the attic", "the market square", "the glass cabinet", "the archive", "Room 12", "building C", "the loading bay", "the ground floor", "the safe", "the tool shed", "the reception desk", "the upper terrace"]  # fmt: skip
MATERIAL = ["oak", "granite", "stainless steel", "cast iron", "sandstone", "aluminium", "copper", "slate", "red brick", "bronze", "bamboo", "glass fibre", "marble", "reinforced concrete"]  # fmt: skip
COLOUR = "red green yellow blue orange purple white black grey brown".split()
THINGS = ["torches", "blankets", "a first-aid box", "spare fuses", "maps", "gloves", "a rope", "chalk", "a whistle", "batteries", "tape", "a compass", "paper cups", "a hammer", "two buckets", "a spare key"]  # fmt: skip
REASON = ["the roof leaks", "the floor is being laid", "the stairs are unsafe", "too few guards are on duty", "the lamps are replaced", "the river floods it", "bats breed there", "the paint is wet", "a film is shot there"]  # fmt: skip
NUMBER = "two three four five six seven eight nine ten eleven twelve fifteen twenty thirty".split()
Row = dict[str, Any]


def _person(r: Random) -> str:
    return r.choice(["", "", "", "Dr "]) + f"{r.choice(FIRST)} {r.choice(LAST)}"


def _date(r: Random) -> str:
    year, day, month = r.randint(1820, 2023), r.randint(1, 28), r.choice(MONTH)
    return r.choice([f"{day} {month} {year}", f"{month} {day}, {year}", str(year)])


def _count(low: int, high: int) -> Callable[[Random], str]:
    def draw(r: Random) -> str:
        n = r.randint(low, high)
        return r.choice(NUMBER) if r.random() < 0.25 else f"{n:,}" if r.random() < 0.7 else str(n)

    return draw


def _of(low: int, high: int, *units: str) -> Callable[[Random], str]:
    return lambda r: f"{_count(low, high)(r)} {r.choice(units)}"


def _price(r: Random) -> str:
    n = r.choice([str(r.randint(2, 950)), f"{r.randint(1, 60)}.{r.choice(['50', '20', '95', '80'])}"])
    return r.choice([f"{n} euros", f"${n}", f"£{n}", f"{n} dollars"])


def _time(r: Random) -> str:
    h, m = r.randint(6, 22), r.choice(["00", "15", "30", "45"])
    return r.choice([f"{h}:{m}", f"{(h - 1) % 12 + 1}:{m} {'am' if h < 12 else 'pm'}", f"{(h - 1) % 12 + 1} o'clock"])


def _every(r: Random) -> str:
    return r.choice([f"every {r.choice(NUMBER)} {r.choice(['days', 'weeks', 'months', 'years'])}", "twice a year",
                     "once a month", "once a week", f"every {r.choice(DAY)}", "every other year", "twice a day"])  # fmt: skip


def _pick(options: Sequence[str]) -> Callable[[Random], str]:
    return lambda r: r.choice(list(options))


def _list(r: Random) -> str:
    *most, last = r.sample(THINGS, r.randint(3, 4))
    return f"{', '.join(most)} and {last}"


def _code(r: Random) -> str:
    return r.choice([str(r.randint(1000, 9999)), f"{r.choice('ABCDEFGHKLMN')}-{r.randint(10, 99)}", f"0{r.randint(200, 899)} {r.randint(100, 999)} {r.randint(1000, 9999)}"])  # fmt: skip


@dataclass(frozen=True)
class Fact:
    """``says`` and ``asks`` name the thing as {t} and the value as {v}; ``bigger`` asks which of two has more of it."""

    label: str
    value: Callable[[Random], str]
    says: tuple[str, ...]
    asks: tuple[str, ...]
    bigger: str = ""


def _role(role: str, does: str, did: str) -> Fact:
    return Fact(
        role,
        _person,
        (f"The {role} of {{t}} is {{v}}.", f"{{v}} {does} {{t}}.", f"{{t}} has been {did} by {{v}} for years.", f"Ask {{v}}, the {role} of {{t}}, for leave."),
        (f"Who is the {role} of {{t}}?", f"Who {does} {{t}}?", f"By whom is {{t}} {did}?", f"What is the name of the {role} of {{t}}?", f"What is the {role} of {{t}} called?"),
    )  # fmt: skip


ANY = [
    _role("warden", "looks after", "looked after"),
    _role("manager", "manages", "managed"),
    _role("chair", "chairs", "chaired"),
    _role("owner", "owns", "owned"),
    _role("designer", "designed", "designed"),
    Fact("Price", _price, ("{t} costs {v}.", "One pays {v} for {t}.", "The fee for {t} is {v}."), ("What does {t} cost?", "How much is {t}?", "What is the price of {t}?", "How much does one pay for {t}?"), "Which costs more, {a} or {b}?"),
    Fact("Opened", _date, ("{t} was opened on {v}.", "{t} has been open since {v}.", "The first visitors saw {t} on {v}."), ("When was {t} opened?", "Since when has {t} been open?", "On what date did {t} open?")),
    Fact("Place", _pick(PLACES), ("{t} is found in {v}.", "{t} stands in {v}.", "To see {t}, go to {v}."), ("Where is {t}?", "Where does {t} stand?", "In what place is {t} found?")),
    Fact("Phone", _code, ("For questions about {t}, ring {v}.", "The number of {t} is {v}."), ("What number do I ring about {t}?", "What is the number of {t}?", "Which number has {t}?")),
    Fact("Checked", _every, ("{t} is inspected {v}.", "{t} gets an inspection {v}."), ("How often is {t} inspected?", "How frequently does {t} get an inspection?", "When is {t} inspected?")),
    Fact("Maker", _pick(COMPANY), ("{t} was supplied by {v}.", "{v} made {t}.", "{v} has a contract to service {t}."), ("Which company is behind {t}?", "What firm is named for {t}?", "Which company is named with {t}?")),
    Fact("Colour", _pick(COLOUR), ("{t} is marked in {v}.", "The colour of {t} is {v}."), ("What colour is {t}?", "In which colour is {t} marked?")),
]  # fmt: skip
SITE = [
    Fact("Seats", _count(8, 900), ("{t} has {v} seats.", "{v} people find a seat in {t}."), ("How many seats does {t} have?", "How many people can sit in {t}?", "What is the number of seats in {t}?"), "Which has more seats, {a} or {b}?"),
    Fact("Opens", _time, ("{t} opens at {v}.", "The doors of {t} are unlocked at {v}."), ("When does {t} open?", "At what time is {t} unlocked?", "From what time is {t} open?")),
    Fact("Closes", _time, ("{t} closes at {v}.", "The last guests leave {t} at {v}."), ("When does {t} close?", "Until what time is {t} open?", "At what time do the last guests leave {t}?")),
    Fact("Rest day", _pick(DAY), ("{t} is shut on {v}.", "{v} is the rest day of {t}."), ("On which day is {t} shut?", "What is the rest day of {t}?")),
    Fact("Height", _of(3, 300, "metres", "feet"), ("{t} is {v} high.", "{t} rises to {v}."), ("How high is {t}?", "What is the height of {t}?", "How tall is {t}?"), ""),
    Fact("Walls", _pick(MATERIAL), ("{t} is built of {v}.", "The walls of {t} are made of {v}."), ("What is {t} built of?", "What are the walls of {t} made of?", "Which material was used for {t}?")),
    Fact("Closed because", _pick(REASON), ("{t} is closed this season because {v}.", "Since {v}, nobody may enter {t} this season."), ("Why is {t} closed?", "For what reason may nobody enter {t}?")),
    Fact("Dogs", _pick(("allowed", "not allowed")), ("Dogs are {v} in {t}.", "In {t} dogs are {v}."), ("Are dogs allowed in {t}?", "May I bring a dog to {t}?")),
    Fact("Visitors", _of(200, 90000, "visitors", "guests"), ("{t} had {v} last year.", "Last year {v} came to {t}."), ("How many people came to {t} last year?", "How many visitors did {t} have?"), "Which had more visitors, {a} or {b}?"),
]  # fmt: skip
MACHINE = [
    Fact("Weight", _of(4, 4000, "kilograms", "tonnes"), ("{t} weighs {v}.", "The weight of {t} is {v}."), ("How heavy is {t}?", "What does {t} weigh?", "What is the weight of {t}?")),
    Fact("Run time", _of(2, 90, "minutes", "hours"), ("One run of {t} takes {v}.", "{t} needs {v} for a run."), ("How long does a run of {t} take?", "What time does {t} need for one run?", "For how long does {t} run?")),
    Fact("Limit", _of(2, 90, "people", "boxes", "litres"), ("{t} may carry at most {v}.", "More than {v} must not be put on {t}."), ("What is the limit of {t}?", "What is the most that {t} may carry?", "How much may {t} carry at most?")),
    Fact("Temperature", _of(4, 240, "degrees"), ("{t} is kept at {v}.", "Set {t} to {v}."), ("At what temperature is {t} kept?", "How warm is {t}?", "To what is {t} set?")),
    Fact("Kit", _list, ("The kit of {t} holds {v}.", "With {t} come {v}."), ("What does the kit of {t} hold?", "What comes with {t}?", "What is in the kit of {t}?")),
    Fact("Form", _code, ("To use {t}, fill in form {v}.", "Form {v} is needed for {t}."), ("Which form is needed for {t}?", "What form do I fill in to use {t}?")),
    Fact("Training", _pick(("needed", "not needed")), ("Training is {v} for {t}.", "For {t}, training is {v}."), ("Is training needed for {t}?", "Do I need training to use {t}?")),
    Fact("Speed", _of(3, 900, "turns a minute", "kilometres an hour", "pages an hour"), ("{t} reaches {v}.", "The top speed of {t} is {v}."), ("How fast is {t}?", "What speed does {t} reach?", "What is the top speed of {t}?")),
    Fact("Copies", _count(2, 60), ("There are {v} keys to {t}.", "{t} has {v} keys."), ("How many keys are there to {t}?", "How many keys does {t} have?"), "Which has more keys, {a} or {b}?"),
]  # fmt: skip
EVENT = [
    Fact("Starts", _time, ("{t} starts at {v}.", "Everybody is at {t} by {v}, when it begins."), ("When does {t} start?", "At what time does {t} begin?", "What time does {t} start?")),
    Fact("Length", _of(2, 90, "minutes", "days", "weeks", "hours"), ("{t} lasts {v}.", "{t} goes on for {v}."), ("How long does {t} last?", "What is the length of {t}?", "For how long does {t} go on?")),
    Fact("Limit of guests", _of(4, 700, "people", "guests"), ("At most {v} take part in {t}.", "{t} is limited to {v}."), ("How many may take part in {t}?", "To how many is {t} limited?", "What is the limit for {t}?"), ""),
    Fact("Deadline", lambda r: f"{r.randint(1, 28)} {r.choice(MONTH)}", ("One signs up for {t} until {v}.", "The list for {t} closes on {v}."), ("Until when can one sign up for {t}?", "When does the list for {t} close?", "What is the deadline for {t}?")),
    Fact("Prize", _pick(("a silver cup", "a bicycle", "a basket of pears", "a weekend by the lake", "a signed book", "a medal", "a day off")), ("The winner of {t} gets {v}.", "{v} is the prize of {t}."), ("What does the winner of {t} get?", "What is the prize of {t}?")),
    Fact("Sponsor", _pick(COMPANY), ("{t} is paid for by {v}.", "{v} sponsors {t}."), ("Who pays for {t}?", "Who sponsors {t}?", "By whom is {t} paid for?")),
    Fact("Members", _count(5, 400), ("{t} has {v} members.", "{v} members belong to {t}."), ("How many members does {t} have?", "How many members belong to {t}?"), "Which has more members, {a} or {b}?"),
]  # fmt: skip
KINDS: list[tuple[list[str], list[Fact]]] = [
    (["reading room", "chapel", "tower", "theatre", "sauna", "greenhouse", "bridge", "museum", "gallery", "cinema", "hut", "stadium"], SITE),
    (["press", "crane", "lathe", "oven", "pump", "cable car", "loom", "scanner", "freezer", "kiln", "ferry", "printer"], MACHINE),
    (["race", "choir", "fair", "workshop", "chess club", "regatta", "seminar", "film evening", "hike", "auction"], EVENT),
]  # fmt: skip
OTHER = "The page was last read over by the office. / Please keep it short. / Nobody remembers how the name came about. / A map hangs at the entrance. / Most people like it. / More is written in the yearbook. / Changes are announced by letter. / It was on the news once. / Children ask for it often. / This is not a small matter.".split(
    " / "
)


def _cap(text: str) -> str:
    return text[0].upper() + text[1:]


@dataclass(frozen=True)
class Page:
    """``spans``: by the label of a fact that the page states, where its value stands."""

    id: str
    thing: str
    text: str
    facts: dict[str, tuple[Fact, str]]
    spans: dict[str, tuple[int, int]]
    missing: tuple[Fact, ...]


def _page(r: Random, name: str, thing: str, noun: str, own: Sequence[Fact]) -> Page:
    stock = [*r.sample(list(own), r.randint(2, 4)), *r.sample(ANY, 2)]
    r.shuffle(stock)
    missing = tuple(f for f in [*own, *ANY] if f not in stock)
    form = r.random()
    table, listed = form < 0.1, 0.1 <= form < 0.22
    text = f"# {_cap(thing.removeprefix('the '))}\n\n" if r.random() < 0.5 or table or listed else ""
    if table:
        text += "| what | value |\n|---|---|\n"
    facts, spans = {}, {}
    for n, fact in enumerate(stock):
        value = fact.value(r)
        if not n or (form < 0.5 and r.random() < 0.4):
            called = thing
        else:
            called = r.choice([f"the {noun}", thing, f"this {noun}"])
        line = f"{fact.label}: {{v}}" if listed else f"| {fact.label} | {{v}} |" if table else r.choice(fact.says)
        before, _, after = line.partition("{v}")
        before, after = before.replace("{t}", called), after.replace("{t}", called)
        shown = value if before else _cap(value)
        if before and not (table or listed):
            before = _cap(before)
        start = len(text) + len(before) + (2 if listed else 0)
        text += ("- " if listed else "") + before + shown + after + ("\n" if table or listed else " ")
        facts[fact.label], spans[fact.label] = (fact, shown), (start, start + len(shown))
        if not (table or listed) and r.random() < 0.35:
            text += r.choice(OTHER) + r.choice([" ", "\n\n"])
    return Page(name, thing, text.rstrip(), facts, spans, missing)


def _answer(fact: Fact, value: str) -> str:
    if value in ("not allowed", "not needed"):
        return "No"
    return {"allowed": "Yes", "needed": "Yes"}.get(value, value)


def _number(value: str) -> float:
    found = re.search(r"\d[\d,]*(?:\.\d+)?", value)
    return float(found[0].replace(",", "")) if found else NUMBER.index(value.split()[0].casefold()) + 2 if value.split()[0].casefold() in NUMBER else -1  # fmt: skip


def facts(pages: int, seed: int) -> tuple[list[tuple[str, str]], list[Row]]:
    """(id, text) of each page, and the questions with their evidence; two thirds of the facts are asked for."""
    r = Random(seed)
    made: list[Page] = []
    names = [(p, q, noun, own) for p in PLACE for q in ("", "New ", "Upper ") for nouns, own in KINDS for noun in nouns]
    for n, (place, more, noun, own) in enumerate(r.sample(names, pages)):
        made.append(_page(r, f"p{n:04}", f"the {more}{place} {noun}", noun, own))
    rows: list[Row] = []

    def ask(text: str, answers: list[str], where: list[tuple[Page, str]], kind: str) -> None:
        evidence = [{"document": p.id, "start": p.spans[label][0], "end": p.spans[label][1]} for p, label in where]
        rows.append({"id": f"f{len(rows):05}", "question": text, "answers": answers, "evidence": evidence, "split": "train", "tags": [kind]})  # fmt: skip

    for page in made:
        labels = list(page.facts)
        for label in r.sample(labels, min(len(labels), 3)):
            fact, value = page.facts[label]
            ask(r.choice(fact.asks).replace("{t}", page.thing), [_answer(fact, value)], [(page, label)], "fact")
        if r.random() < 0.6:
            ask(r.choice(r.choice(page.missing).asks).replace("{t}", page.thing), [], [], "unanswerable")
    for fact in [f for _, own in KINDS for f in own if f.bigger] + [f for f in ANY if f.bigger]:
        have = [p for p in made if fact.label in p.facts]
        r.shuffle(have)
        for a, b in zip(have[::2], have[1::2], strict=False):
            x, y = (p.facts[fact.label][1] for p in (a, b))
            units = [re.sub(r"[\d.,]|\b(?:" + "|".join(NUMBER) + r")\b", "", v.casefold()).strip() for v in (x, y)]
            if units[0] == units[1] and _number(x) != _number(y) and min(_number(x), _number(y)) > 0:
                more = a if _number(x) > _number(y) else b
                text = fact.bigger.replace("{a}", a.thing).replace("{b}", b.thing)
                ask(text, [more.thing], [(a, fact.label), (b, fact.label)], "comparison")
    return [(p.id, p.text) for p in made], rows


_AUX = r"(?:is|was|are|were|has|had|can|will)"
_NAME = r"(?:[A-Z][\w'’.-]+(?: (?:of|the|and|de|van|von) (?=[A-Z]))?(?: [A-Z][\w'’.-]+)*)"
_WHEN = re.compile(rf"^(?P<subject>[A-Z][^,;:()]{{3,60}}?) (?P<aux>was|were|is|are) (?P<verb>\w+(?:ed|en|wn|lt|ught|ng|un))\b(?P<rest>[^,;:()]{{0,60}}?) (?P<prep>in|on|since|until) (?P<answer>(?:(?:{'|'.join(MONTH)}) )?(?:\d{{1,2}}, )?\d{{4}})\b")  # fmt: skip
_BY = re.compile(rf"^(?P<subject>[A-Z][^,;:()]{{3,60}}?) (?P<aux>was|were|is|are) (?P<verb>\w+(?:ed|en|wn|lt|ught|ng|un))\b(?P<rest>[^,;:()]{{0,40}}?) by (?P<answer>{_NAME})")  # fmt: skip
_WHAT = re.compile(rf"^(?P<subject>{_NAME}|The [^,;:()]{{3,40}}?) (?P<aux>is|was|are|were) (?P<answer>(?:an?|the) [^,;:()]{{6,60}}?)(?=[,.;]| that| which| who|$)")  # fmt: skip
_WHO = re.compile(rf"^(?P<answer>{_NAME}) (?P<rest>(?:is|was|has|had|won|made|played|wrote|became|founded|directed|sang|received|led|holds|held|plays|starred|defeated|scored)\b[^;:()]{{12,90}}?)(?=[,.;]|$)")  # fmt: skip
_MANY = re.compile(r"^(?P<subject>[A-Z][^,;:()]{3,50}?) (?P<aux>has|have|had) (?P<answer>(?:about |over |more than )?[\d,]{1,9}) (?P<what>(?:[a-z]+ )?[a-z]{2,}s)\b")  # fmt: skip


def _low(text: str) -> str:
    return re.sub(r"^(The|A|An|It|He|She|They|This|In)\b", lambda m: m[0].lower(), text)


def _ask(sentence: str) -> Iterator[tuple[str, str]]:
    for pattern, begin, end in ((_WHEN, "When", ""), (_BY, "Who", " by")):
        if found := pattern.search(sentence):
            g = found.groupdict()
            yield f"{begin} {g['aux']} {_low(g['subject'])} {g['verb']}{g['rest']}{end}?", g["answer"]
    if found := _MANY.search(sentence):
        g = found.groupdict()
        do = {"has": "does", "have": "do", "had": "did"}[g["aux"]]
        yield f"How many {g['what']} {do} {_low(g['subject'])} have?", g["answer"]
    if found := _WHAT.search(sentence):
        g = found.groupdict()
        yield f"What {g['aux']} {_low(g['subject'])}?", g["answer"]
    if found := _WHO.search(sentence):
        g = found.groupdict()
        who = "What" if g["answer"].startswith("The ") or " " not in g["answer"] else "Who"
        yield f"{who} {g['rest']}?", g["answer"]


_EMPTY = re.compile(r"\b(it|he|she|they|this|that|these|there|his|her|its|their|below|a list)\b|’s$|'s$", re.I)


def clozes(passages: Sequence[str], seed: int) -> list[tuple[str, str, str]]:
    """(question, answer, passage): at most two questions of each passage, none that hangs on a pronoun."""
    r, made = Random(seed), []
    for passage in passages:
        found = []
        for a, b in sentence_spans(passage):
            sentence = " ".join(passage[a:b].split())
            for question, answer in _ask(sentence):
                alone = not _EMPTY.search(f"{question} {answer}") and passage.count(answer) == 1 and len(answer) > 2
                if alone and 4 <= len(question.split()) <= 18 and not re.search(r"\b[A-Z]\?$", question):
                    found.append((question, answer.strip(" .,"), passage))
        made += r.sample(found, min(2, len(found)))
    return made
