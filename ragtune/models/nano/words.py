"""Word lists and value makers for the nano recipe: invented names, numbers, dates and phrases.

Every maker takes a ``random.Random`` and returns text, so a seed fixes the data completely.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Maker = Callable[[Random], str]

_ONSETS = ("b br c ch cl d dr f fl g gr h j k kl l m n p pr qu r s sh sk st t th tr v w y z").split()
_VOWELS = ("a e i o u ai ea ee ia ie o oa ou y").split()
_CODAS = ("b ck d g l ll m n nd ng nt p r rd rk rn s sk ss st t th x").split() + [""] * 8
_PLACE_TAILS = ("ford ham ton wick bury dale field gate haven holm mouth port ridge stead vale worth bridge brook cliff cross by ness shaw thorpe wood").split()
_SURNAME_TAILS = ("sen son berg quist man er ova ski ez ini ard ell ow ley ier as is ano ung ura").split()

FIRST = (
    "Ada Ahmed Aiko Alan Alma Amara Ana Anders Anita Arjun Asha Astrid Ben Bianca Bram Carla Carlos Cecil Chen Chloe Clara Dana Daniel David Dev "
    "Diego Dmitri Edith Elena Elias Ella Emil Emma Esther Eva Farah Felix Fiona Frank Gita Grace Greta Hana Harold Hassan Helen Hugo Ida Imran "
    "Ines Ingrid Irene Isaac Ivan Jack Jamal James Jan Jane Jia Joan Johan Jonas Jorge Julia Kai Karim Karin Kenji Kira Lars Laura Leila Lena Leo "
    "Lin Linda Louis Lucia Lucy Luis Maja Malik Marco Maria Mark Marta Martin Mary Max Maya Mei Mila Milo Mina Mona Nadia Naomi Nell Nia Nina "
    "Noah Nora Olga Oliver Omar Oscar Otto Paul Pavel Pedro Petra Priya Quinn Rafael Rahul Raj Rita Robert Rosa Ruth Sam Sana Sara Selma Simon "
    "Sofia Stella Sven Tara Theo Thomas Tom Uma Vera Victor Wei Wendy Yara Yusuf Zara Zoe"
).split()
LAST = (
    "Abbott Adeyemi Ahmed Almeida Andersen Baker Banerjee Barnes Bauer Bell Bishop Brandt Burke Castillo Chan Clarke Cohen Costa Cruz Dahl Das "
    "Diaz Doyle Dubois Eriksen Evans Faber Farouk Fischer Flores Foster Garcia Gill Gomez Grant Green Gupta Haas Hall Hansen Haug Hill Holm "
    "Hughes Ibrahim Ito Iyer Jensen Johnson Jones Kaur Keller Khan Kim Klein Kovacs Kumar Lam Lang Larsen Lee Lind Lopez Lund Marsh Mason Meyer "
    "Miller Mori Moreau Nair Nakamura Nguyen Novak Okafor Olsen Ortiz Osei Park Patel Pereira Perez Petrov Price Quist Rao Reed Reyes Rhodes "
    "Rossi Russo Sato Schmidt Shah Silva Singh Smith Sokolov Stone Suzuki Tanaka Thorne Torres Tran Vance Vega Walker Wang Ward Weber White Wolf "
    "Wong Wright Yamada Young Zhang Ziegler"
).split()
COLOURS = ("red blue green yellow orange purple white black grey brown pink silver amber teal crimson navy").split()
MATERIALS = (
    "oak steel glass copper granite cotton wool plastic rubber marble bronze paper leather bamboo concrete brick silk aluminium ceramic cork "
    "linen slate tin iron"
).split()
MONTHS = ("January February March April May June July August September October November December").split()
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
NUMBER_WORDS = ("two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty sixty").split()
UNITS = (
    "days hours minutes weeks months years people items pages seats boxes metres kilometres kilograms litres tonnes rooms visitors tickets copies "
    "degrees dollars points steps users requests samples beds bottles crates members windows lockers trays meals cases vehicles"
).split()
ROLES = (
    "manager director supervisor coordinator nurse driver engineer clerk librarian technician inspector cashier planner analyst teacher guide "
    "cook steward pilot mechanic warden secretary treasurer curator foreman officer receptionist developer auditor trainer buyer dispatcher "
    "porter electrician gardener pharmacist editor archivist"
).split()
NOUNS = (
    "account adapter alarm apron archive badge barrel basket battery bench bicycle blanket boat boiler book bottle box bridge bucket budget bulb "
    "cabinet cable calendar camera candle car card cargo carpet cart certificate chair chart check clock coat code compass computer container "
    "contract cooler copier counter cover crane crate cup cupboard curtain desk device dish display document door drawer drill drum engine "
    "envelope equipment fan fence ferry file filter flag floor folder form fork fountain freezer fridge furnace garage gate gauge generator glove "
    "grant greenhouse guide hall hammer handbook heater helmet hose ink inventory invoice jacket key keyboard kit knife label ladder lamp laptop "
    "laser lawn ledger lens letter library licence lift light lock locker log machine manual map mask medicine menu meter microscope mirror model "
    "monitor motor mower needle network notebook notice oven package paint pallet pan panel parcel passport password payment pen permit phone "
    "photo picture pipe plan plant plate platform plug pool poster printer probe projector pump radio railing ramp receipt recipe record refund "
    "register report request robot roof room rope ruler saddle safe sample scale scanner schedule scooter screen seal seat sensor server shelf "
    "ship shirt sign signal sink sofa software spare speaker spoon stage stamp statue stool storage stove suit supply switch table tablet tank "
    "tape telescope tent terminal ticket tile timer tool torch towel tower toy tractor trailer train tray tripod trolley truck tube turbine "
    "uniform vaccine valve van vault vehicle ventilator vest violin visa voucher wagon wall wallet warehouse washer watch wheel window wire "
    "workshop wrench"
).split()
ATTRIBUTES = (
    (
        "access code|age limit|annual budget|battery life|capacity|charge|class size|colour|contact|copy limit|cost|cover "
        "charge|daily limit|deadline|default port|deposit|depth|diameter|dosage|dress code|duration|entry fee|expiry date|"
        "filing code|final grade|floor|frequency|fuel type|grace period|group size|head office|height|home base|hourly "
        "rate|inspection date|interest rate|keeper|late fee|launch date|length|lead time|licence type|load limit|loan "
        "period|location|maintenance window|manufacturer|material|maximum speed|meeting point|minimum order|model number|"
        "nickname|notice period|opening date|operating temperature|opening time|owner|parking fee|part number|pass mark|"
        "passenger limit|password length|payment term|penalty|phone extension|power rating|price|probation period|queue "
        "limit|range|reference number|refund window|rental fee|renewal date|reorder level|replacement part|response time|"
        "retention period|review date|room number|route|safety rating|sample size|serial number|service interval|shelf "
        "life|shift length|size|source|speed|sponsor|start date|storage temperature|supplier|target|ticket price|time "
        "limit|training time|turnaround time|version|voltage|waiting time|warranty|weight|width|yield"
    )
    .replace(" charge|", " charge|")
    .split("|")
)
ADJECTIVES = (
    "annual basic blue broken central certified clean cold common daily damaged digital dry early electric emergency empty external fast final "
    "first fixed flat formal free fresh full general green heavy high indoor internal joint large late left light local locked long lost lower "
    "main manual metal mobile monthly narrow new night northern old open outdoor paid paper plain portable public quiet rear red regular remote "
    "rented sealed second secure senior shared short signed single small southern spare special standard steel temporary thin upper urgent used "
    "visiting warm weekly western wet white wide winter wooden written"
).split()
#: (base, third person, past, participle)
VERBS = [
    tuple(row.split())
    for row in (
        "approve approves approved approved|archive archives archived archived|arrange arranges arranged arranged|borrow borrows borrowed "
        "borrowed|build builds built built|buy buys bought bought|cancel cancels cancelled cancelled|carry carries carried carried|change changes "
        "changed changed|check checks checked checked|clean cleans cleaned cleaned|close closes closed closed|collect collects collected "
        "collected|copy copies copied copied|count counts counted counted|deliver delivers delivered delivered|design designs designed "
        "designed|discover discovers discovered discovered|donate donates donated donated|draw draws drew drawn|empty empties emptied emptied|examine "
        "examines examined examined|find finds found found|fix fixes fixed fixed|hide hides hid hidden|hire hires hired hired|inspect inspects "
        "inspected inspected|install installs installed installed|invent invents invented invented|label labels labelled labelled|lend lends lent "
        "lent|lock locks locked locked|lose loses lost lost|measure measures measured measured|move moves moved moved|open opens opened opened|order "
        "orders ordered ordered|pack packs packed packed|paint paints painted painted|photograph photographs photographed photographed|print prints "
        "printed printed|record records recorded recorded|register registers registered registered|renew renews renewed renewed|repair repairs "
        "repaired repaired|replace replaces replaced replaced|report reports reported reported|reserve reserves reserved reserved|restore restores "
        "restored restored|return returns returned returned|review reviews reviewed reviewed|sell sells sold sold|send sends sent sent|ship ships "
        "shipped shipped|sign signs signed signed|sort sorts sorted sorted|stop stops stopped stopped|store stores stored stored|submit submits "
        "submitted submitted|test tests tested tested|translate translates translated translated|update updates updated updated|wash washes washed "
        "washed|weigh weighs weighed weighed|win wins won won|write writes wrote written"
    ).split("|")
]
REASONS = (
    "the old one leaked|the budget was cut|a customer complained|the law changed|it was too heavy|the lock was jammed|the power failed|nobody had "
    "claimed it|the roof was damaged|the contract ended|it was out of date|the parts were late|the river flooded|the sensor gave false "
    "readings|two pages were missing|the paint contained lead|demand had doubled|the label was wrong|staff asked for it|the bearings were worn|a "
    "cable had melted|the mould had spread|the password was shared by mistake|the disk was full|a valve stuck open|the supplier closed|the seal "
    "was broken|the road was blocked by snow|the numbers did not add up|it failed a safety check|the printer jammed|the fuse blew"
).split("|")


def capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]


def syllables(rng: Random, low: int = 1, high: int = 2) -> str:
    """An invented pronounceable word, lower case."""
    return "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + (rng.choice(_CODAS) if rng.random() < 0.6 else "") for _ in range(rng.randint(low, high)))


def place(rng: Random) -> str:
    return capitalise(syllables(rng, 1, 2) + (rng.choice(_PLACE_TAILS) if rng.random() < 0.8 else ""))


def surname(rng: Random) -> str:
    return rng.choice(LAST) if rng.random() < 0.5 else capitalise(syllables(rng) + rng.choice(_SURNAME_TAILS))


def first_name(rng: Random) -> str:
    return rng.choice(FIRST) if rng.random() < 0.7 else capitalise(syllables(rng))


def person(rng: Random) -> str:
    title = rng.choice(["Dr ", "Ms ", "Mr ", "Captain ", "Professor "]) if rng.random() < 0.08 else ""
    return f"{title}{first_name(rng)} {surname(rng)}"


def number(rng: Random) -> str:
    kind = rng.random()
    if kind < 0.5:
        return str(rng.randint(2, 99))
    if kind < 0.75:
        return str(rng.randint(100, 2500))
    if kind < 0.85:
        return f"{rng.randint(1, 99)},{rng.randint(0, 999):03d}"
    if kind < 0.92:
        return f"{rng.randint(0, 60)}.{rng.randint(1, 9)}"
    return rng.choice(NUMBER_WORDS)


def quantity(rng: Random) -> str:
    return f"{number(rng)} {rng.choice(UNITS)}"


def duration(rng: Random) -> str:
    n = rng.choice([str(rng.randint(2, 90)), rng.choice(NUMBER_WORDS)])
    extra = rng.choice(["", "", "", "working ", "calendar "]) if rng.random() < 0.3 else ""
    unit = rng.choice(["minutes", "hours", "days", "weeks", "months", "years"])
    return f"{n} {extra if unit == 'days' else ''}{unit}"


def money(rng: Random) -> str:
    amount = rng.choice([str(rng.randint(2, 99)), str(rng.randint(100, 990)), f"{rng.randint(1, 80)},{rng.randint(0, 9)}00"])
    cents = f".{rng.randint(1, 9)}0" if rng.random() < 0.2 else ""
    kind = rng.randint(0, 4)
    return [f"${amount}{cents}", f"{amount} euros", f"£{amount}{cents}", f"€{amount}", f"{amount} dollars"][kind]


def year(rng: Random) -> str:
    return str(rng.randint(1850, 2030))


def date(rng: Random) -> str:
    day, month = rng.randint(1, 28), rng.choice(MONTHS)
    return [f"{day} {month}", f"{month} {day}", f"{day} {month} {year(rng)}", f"{month} {year(rng)}"][rng.randint(0, 3)]


def clock(rng: Random) -> str:
    hour, minute = rng.randint(0, 23), rng.choice([0, 0, 15, 30, 45, rng.randint(1, 59)])
    if rng.random() < 0.3:
        return f"{hour % 12 + 1} {rng.choice(['am', 'pm', 'a.m.', 'p.m.'])}"
    return f"{hour:02d}:{minute:02d}" if rng.random() < 0.6 else f"{hour}:{minute:02d}"


def code(rng: Random) -> str:
    letters = "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(rng.randint(1, 3)))
    return f"{letters}{rng.choice(['-', '-', ' ', ''])}{rng.randint(1, 9999)}"


def phone(rng: Random) -> str:
    if rng.random() < 0.5:
        return str(rng.randint(100, 9999))
    return f"{rng.randint(10, 999)}-{rng.randint(100, 999)}-{rng.randint(1000, 9999)}"


def email(rng: Random) -> str:
    return f"{rng.choice([syllables(rng), rng.choice(NOUNS), rng.choice(ROLES)])}@{syllables(rng)}.{rng.choice(['org', 'com', 'example', 'net'])}"


def percent(rng: Random) -> str:
    return f"{rng.randint(1, 99)}{rng.choice(['%', ' percent', ' %', '%'])}"


def thing(rng: Random) -> str:
    """A noun phrase of one to three words without article."""
    words = [rng.choice(NOUNS)]
    if rng.random() < 0.35:
        words.insert(0, rng.choice(NOUNS))
    if rng.random() < 0.55:
        words.insert(0, rng.choice(ADJECTIVES))
    return " ".join(dict.fromkeys(words))


def the_thing(rng: Random) -> str:
    return f"the {thing(rng)}"


def a_thing(rng: Random) -> str:
    text = thing(rng)
    return f"{'an' if text[0] in 'aeiou' else 'a'} {text}"


def role(rng: Random) -> str:
    prefix = rng.choice(["", "", "duty ", "head ", "night ", "shift ", "site ", "deputy ", "senior ", "area ", rng.choice(NOUNS) + " "])
    return f"{prefix}{rng.choice(ROLES)}"


def spot(rng: Random) -> str:
    """Where something is kept or happens."""
    n = rng.randint(1, 40)
    return rng.choice(
        [
            f"room {n}",
            f"Room {n}{rng.choice('ABC')}",
            f"the {rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}",
            f"Building {n}",
            f"the {rng.choice(NOUNS)} next to the {rng.choice(NOUNS)}",
            f"shelf {n}",
            place(rng),
            f"{place(rng)} {rng.choice(['Hall', 'House', 'Street', 'Road', 'Square', 'Park'])}",
            f"the {rng.choice(['ground', 'first', 'second', 'third', 'fourth'])} floor",
            f"Gate {n}",
            f"locker {n}",
            f"bay {n}",
        ]
    )


def weekday(rng: Random) -> str:
    return rng.choice(DAYS)


def frequency(rng: Random) -> str:
    return rng.choice(
        [
            f"every {rng.randint(2, 12)} {rng.choice(['days', 'weeks', 'months', 'hours', 'years'])}",
            f"every {weekday(rng)}",
            "once a week",
            "twice a year",
            "once a month",
            "every quarter",
            "every morning",
            "every other day",
            f"on the first {weekday(rng)} of the month",
            f"{rng.choice(NUMBER_WORDS)} times a year",
            "once a year",
            "twice a day",
        ]
    )


def any_value(rng: Random) -> str:
    makers: list[Maker] = [
        quantity,
        quantity,
        duration,
        money,
        year,
        date,
        clock,
        code,
        phone,
        person,
        place,
        percent,
        a_thing,
        thing,
        spot,
        role,
        weekday,
        frequency,
        email,
        number,
        lambda r: r.choice(COLOURS),
        lambda r: r.choice(MATERIALS),
    ]
    return rng.choice(makers)(rng)


def attribute(rng: Random) -> str:
    if rng.random() < 0.6:
        return rng.choice(ATTRIBUTES)
    return f"{rng.choice(ADJECTIVES + NOUNS)} {rng.choice(('limit code name number colour size date price time type level rate fee period address').split())}"
