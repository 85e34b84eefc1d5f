"""Conversations the nano model learns from: numbered contexts, several questions, cited answers."""

from __future__ import annotations

from random import Random

from ragtune.models.nano import facts as f
from ragtune.models.nano import prose, relations
from ragtune.models.nano import words as w
from ragtune.models.nano.conversation import ABSTAIN, Conversation, Level
from ragtune.models.nano.page_examples import from_linked, from_pages, from_table
from ragtune.models.nano.synonyms import vary

_LEADS = (
    "Note: ",
    "Please note that ",
    "As of this year, ",
    "According to the records, ",
    "Since the last review, ",
    "For the record, ",
    "In practice, ",
    "At present, ",
    "Remember: ",
)
_FILLER = (
    "Questions go to the front desk.|This page is reviewed every year.|Thank you for reading.|See also the general rules.|Ask if anything is "
    "unclear.|The rest is unchanged.|Nothing else was reported.|More details will follow.|Older versions of this text are no longer "
    "valid.|Everyone was informed.|The list below is complete.|Exceptions are rare.|A summary was sent to all teams."
).split("|")


def _lead(rng: Random, sentence: str) -> str:
    if rng.random() > 0.15:
        return sentence
    lead = rng.choice(_LEADS)
    if sentence.startswith(("The ", "On ", "If ", "When ", "In ", "To ", "At ", "For ", "With ", "Within ")) and lead.endswith(("that ", ", ")):
        sentence = sentence[0].lower() + sentence[1:]
    return lead + sentence


def _section(rng: Random, facts: list[f.Fact]) -> tuple[str, str]:
    """Render facts as one context in some document style. Returns (title, text)."""
    rows = [fact for fact in facts if fact.row]
    same = len({fact.subject for fact in facts}) == 1
    style = rng.random()
    if rows and len(rows) == len(facts) and same and style < 0.35:
        title = w.capitalise(facts[0].subject)
        mark = rng.choice(["- ", "* ", "", "- **"])
        close = "**" if mark == "- **" else ""
        sep = rng.choice([": ", ": ", " - ", " = "])
        lines = [f"{mark}{w.capitalise(fact.row[0])}{close}{sep}{fact.row[1]}" for fact in rows if fact.row]
        if rng.random() < 0.3:
            return "", title + rng.choice(["\n", ":\n", " - "]) + rng.choice(["\n", "; "]).join(lines)
        return title, rng.choice(["\n", "\n", "; "]).join(lines)
    if rows and len(rows) == len(facts) and not same and style < 0.3:
        subjects = list(dict.fromkeys(fact.subject for fact in rows))
        labels = list(dict.fromkeys(fact.row[0] for fact in rows if fact.row))
        cells = {(fact.subject, fact.row[0]): fact.row[1] for fact in rows if fact.row}
        bar = rng.choice([" | ", ", ", "; ", ": "]) if len(labels) == 1 else " | "
        head = bar.join(["Name", *map(w.capitalise, labels)])
        if rng.random() < 0.4:
            body = ["; ".join([w.capitalise(s), *(f"{w.capitalise(x)}: {cells.get((s, x), '-')}" for x in labels)]) for s in subjects]
            return rng.choice(["", "Overview"]), "\n".join(body)
        return rng.choice(["", "Overview", "Table"]), "\n".join(
            [head, *(bar.join([w.capitalise(s), *(cells.get((s, x), "-") for x in labels)]) for s in subjects)]
        )
    if style > 0.88:
        lines = [
            f"Q: {vary(rng, rng.choice(fact.questions), 0.3)} A: {fact.statement if rng.random() < 0.5 else w.capitalise(fact.answer) + '.'}" for fact in facts
        ]
        return rng.choice(["", "FAQ", "Questions and answers"]), "\n".join(lines)
    sentences: list[str] = []
    title = w.capitalise(facts[0].subject) if same and facts[0].subject and rng.random() < 0.5 else ""
    spoken = False
    for statement in dict.fromkeys(fact.statement for fact in facts):
        subject = facts[0].subject
        if same and subject and (spoken or title) and rng.random() < 0.5 and not facts[0].kind.startswith("person"):
            cap = w.capitalise(subject)
            if statement.startswith(cap + " "):
                statement = "It" + statement[len(cap) :]
            elif f" {subject} " in statement or statement.endswith(f" {subject}."):
                statement = statement.replace(f" {subject}", " it", 1)
        spoken = True
        sentences.append(_lead(rng, statement))
        if rng.random() < 0.15:
            sentences.append(rng.choice(_FILLER))
    if style < 0.12 and len(sentences) > 1:
        return title, "\n".join(f"{i}. {s}" if style < 0.06 else f"- {s}" for i, s in enumerate(sentences, 1))
    return title, " ".join(sentences)


def _comparison(rng: Random, facts: list[f.Fact], cite: dict[int, int]) -> tuple[str, str] | None:
    """A question over two subjects' numbers for the same label."""
    by_label: dict[str, list[int]] = {}
    for i, fact in enumerate(facts):
        if fact.row and fact.answer.replace(",", "").split(" ")[0].lstrip("$£€").replace(".", "", 1).isdigit():
            by_label.setdefault(fact.row[0], []).append(i)
    pairs = [(label, ids) for label, ids in by_label.items() if len({facts[i].subject for i in ids}) >= 2]
    if not pairs:
        return None
    label, ids = rng.choice(pairs)
    first, second = rng.sample(ids, 2)
    numbers, units = [], []
    for i in (first, second):
        head, _, tail = facts[i].answer.replace(",", "").partition(" ")
        numbers.append(float(head.lstrip("$£€")))
        units.append(tail)
    if facts[first].subject == facts[second].subject or numbers[0] == numbers[1] or units[0] != units[1]:
        return None
    more = rng.random() < 0.5
    word = rng.choice(["higher", "larger", "greater"]) if more else rng.choice(["lower", "smaller"])
    a, b = facts[first].subject, facts[second].subject
    question = rng.choice(
        [f"Which has the {word} {label}, {a} or {b}?", f"Is the {label} {word} for {a} or for {b}?", f"Which one has a {word} {label}: {a} or {b}?"]
    )
    answer = a if (numbers[0] > numbers[1]) == more else b
    cites = sorted({cite[first], cite[second]})
    return w.capitalise(question), answer + " " + "".join(f"[{c}]" for c in cites)


def two_hop(rng: Random, at: Level) -> Conversation:
    """A question whose answer needs two contexts: who fills a post, and a fact about that person."""
    people = next(d for d in f.domains() if d.name == "person")
    posts = [(d, a) for d in f.domains() if not d.held_out and d.name != "person" for a in d.attributes if a.value == "person"]
    domain, post = rng.choice(posts)
    about = rng.choice(people.attributes)
    sections: list[list[f.Fact]] = []
    asks: list[tuple[int, int, str, f.Fact]] = []
    for _ in range(2 if at.contexts >= 4 else 1):
        name = w.person(rng)
        first = f.attribute_fact(rng, f.entity(rng, domain), domain, post, name)
        second = f.attribute_fact(rng, name, people, about)
        sections += [[first], [second]]
        who = [q for q in first.questions if q.startswith("Who ")]
        link = "the person who " + rng.choice(who)[4:].rstrip("?") if who else f"the {post.label} of {first.subject}"
        question = f.put(rng.choice(about.questions), link, second.answer)
        asks.append((len(sections) - 2, len(sections) - 1, question, second))
    order = list(range(len(sections)))
    rng.shuffle(order)
    place = {old: new + 1 for new, old in enumerate(order)}
    turns = {q: f"{fact.answer} " + "".join(f"[{c}]" for c in sorted((place[a], place[b]))) for a, b, q, fact in asks}
    for _a, b, _, fact in asks:
        turns[_ask(rng, fact)] = f"{fact.answer} [{place[b]}]"
    return Conversation(tuple(_section(rng, sections[i]) for i in order), tuple(turns.items()))


def _facts_of_group(rng: Random, held_out: bool, subjects: int, per: int, more: bool = False) -> list[list[f.Fact]]:
    """Facts in sections: each section becomes one context."""
    roll = rng.random()
    if held_out or roll < (0.7 if more else 0.35):  # relations take any question for any statement: too wide for the second leg
        domain = rng.choice([d for d in f.domains() if d.held_out == held_out])
        facts = f.domain_facts(rng, domain, subjects, per)
    elif roll < 0.7:
        return [relations.relation_facts(rng, rng.randint(1, per), rng.choice([None, relations.topic(rng)])) for _ in range(subjects)]
    elif roll < 0.8:
        labels = [w.attribute(rng) for _ in range(per)]
        noun = rng.choice(w.NOUNS)
        names = [
            rng.choice([f"the {rng.choice(w.ADJECTIVES)} {noun}", f"the {w.place(rng)} {noun}", w.place(rng), w.the_thing(rng), w.person(rng)])
            for _ in range(subjects)
        ]
        facts = [f.open_attribute(rng, name, label) for name in dict.fromkeys(names) for label in dict.fromkeys(labels)]
    elif roll < 0.9:
        return [f.open_event(rng) for _ in range(subjects)]
    else:
        return [[fact for _ in range(per) for fact in f.open_rule(rng)] for _ in range(subjects)]
    if len(facts) > 3 and rng.random() < 0.35:
        rng.shuffle(facts)
        return [facts[i : i + per] for i in range(0, len(facts), per)]
    by: dict[str, list[f.Fact]] = {}
    for fact in facts:
        by.setdefault(fact.subject, []).append(fact)
    return list(by.values())


def made_up(rng: Random, at: Level, held_out: bool = False) -> Conversation:
    contexts = rng.randint(1, at.contexts)
    sections = [s for s in _facts_of_group(rng, held_out, contexts + (rng.random() < 0.4), rng.randint(1, at.sentences), at.more) if s]
    rng.shuffle(sections)
    missing: list[f.Fact] = []
    if len(sections) > contexts:
        missing += [x for s in sections[contexts:] for x in s]
        sections = sections[:contexts]
    for section in sections:  # take facts out, so that near misses stay and the answer does not
        if len(section) > 1 and rng.random() < 0.35 and not section[0].kind.startswith(("event", "rule")):
            missing.append(section.pop(rng.randrange(len(section))))
    if not held_out and len(sections) < at.contexts and rng.random() < 0.3:
        sections.append([f.open_attribute(rng)])
        rng.shuffle(sections)
    facts = [fact for section in sections for fact in section]
    cite = dict(enumerate(n for n, section in enumerate(sections, 1) for _ in section))
    rendered = tuple(_section(rng, section) for section in sections)
    turns: list[tuple[str, str]] = []
    for _ in range(rng.randint(min(2, at.turns), at.turns)):
        roll = rng.random()
        if roll < 0.16 and missing:
            turns.append((_ask(rng, rng.choice(missing), at.more), ABSTAIN))
        elif roll < 0.24 and (pair := _comparison(rng, facts, cite)):
            turns.append(pair)
        else:
            i = rng.randrange(len(facts))
            turns.append((_ask(rng, facts[i], at.more), f"{facts[i].answer} [{cite[i]}]"))
    return Conversation(rendered, tuple(dict(turns).items()))


def _ask(rng: Random, fact: f.Fact, more: bool = False) -> str:
    question = vary(rng, rng.choice(fact.questions), 0.35, more)
    roll = rng.random()
    if roll < 0.05:
        return question.lower()
    if roll < 0.12:
        return (
            rng.choice(["Please tell me: ", "Quick question: ", "Can you say ", "Do you know ", "I would like to know: "]) + question[0].lower() + question[1:]
        )
    return question


def from_prose(rng: Random, at: Level, pool: list[str]) -> Conversation:
    for _ in range(20):
        count = min(at.contexts, rng.choice([1, 1, 2, 2, 3, 4, 5, 6]))
        chosen = rng.sample(pool, count)
        if at.sentences <= 4 and rng.random() < 0.8:
            chosen = [_shorten(rng, text, at.sentences) for text in chosen]
        asked = [(n, fact) for n, text in enumerate(chosen, 1) for fact in prose.facts(text, rng)]
        if not asked:
            continue
        rng.shuffle(asked)
        turns = []
        for n, fact in asked[: rng.randint(min(2, at.turns), at.turns)]:
            turns.append((fact.questions[0], f"{fact.answer} [{n}]"))
        if rng.random() < 0.3:
            other = prose.facts(rng.choice(pool), rng)
            if other:
                turns.insert(rng.randint(0, len(turns)), (other[0].questions[0], ABSTAIN))
        return Conversation(tuple(("", text) for text in chosen), tuple(dict(turns).items()))
    return made_up(rng, at)


def _shorten(rng: Random, text: str, sentences: int) -> str:
    parts = prose.sentences(text) or [text]
    start = rng.randrange(len(parts))
    return " ".join(parts[start : start + sentences])


def closed_book(rng: Random) -> Conversation:
    """No contexts: every question is answered by abstaining."""
    facts = [x for s in _facts_of_group(rng, False, 1, 2) for x in s] or [f.open_attribute(rng)]
    return Conversation((), tuple({_ask(rng, fact): ABSTAIN for fact in facts[:2]}.items()))


def conversation(rng: Random, at: Level, pool: list[str]) -> Conversation:
    roll = rng.random()
    if roll < 0.03:
        return closed_book(rng)
    if roll < 0.1 and at.contexts >= 3:
        return two_hop(rng, at) if roll < 0.06 else from_linked(rng, at)
    if roll < 0.1 + at.pages:
        return from_table(rng, at) if rng.random() < 0.22 else from_pages(rng, at)
    if pool and roll < 0.1 + at.pages + at.prose:
        return from_prose(rng, at, pool)
    return made_up(rng, at)
