"""Conversations over pages and tables, shown as retrieval shows them."""

from __future__ import annotations

from random import Random

from ragtune.models.nano import pages, tables
from ragtune.models.nano import words as w
from ragtune.models.nano.conversation import ABSTAIN, Conversation, Level
from ragtune.models.nano.synonyms import vary


def from_pages(rng: Random, at: Level) -> Conversation:
    """Passages of pages with titles, as retrieval shows them: of one page, and of others that tell the same of something else."""
    wanted = rng.randint(1, at.contexts)
    ids = rng.sample(pages.usable(at.more), rng.randint(2, 6))
    titled = rng.random() < 0.85
    shown: list[tuple[tuple[str, str], list[pages.Said], pages.Topic]] = []
    topics = [pages.topic(rng, at.more) for _ in range(rng.choice([1, 2, 2, 3]) if wanted > 1 else 1)]
    for about in topics:
        some = rng.sample(ids, rng.randint(1, len(ids)))
        shown += [(context, said, about) for context, said in pages.passages(rng, about, some, at.sentences, titled)]
    rng.shuffle(shown)
    hidden, shown = shown[wanted:], shown[:wanted]
    there = {s.about for _, said, _ in shown for s in said}
    turns: list[tuple[str, str]] = []
    for _ in range(_turns(rng, at)):
        roll = rng.random()
        if roll < 0.12:
            absent = [(s, about) for _, said, about in hidden for s in said if s.about not in there]
            if absent or rng.random() < 0.7:
                other = rng.choice(topics)
                said, about = rng.choice(absent) if absent else (pages.say(rng, other, rng.choice(pages.usable(at.more)), True), other)
                if said.about not in there:
                    turns.append((_name(rng, rng.choice(said.questions), about, 1.0, at.more), ABSTAIN))
                    continue
        elif roll < 0.27 and (asked := _of_another(rng, shown, at.more)):
            turns.append((asked, ABSTAIN))
            continue
        n = rng.randrange(len(shown))
        _, told, about = shown[n]
        said = rng.choice(told)
        alone = len({a.full for _, _, a in shown}) == 1
        turns.append((_name(rng, rng.choice(said.questions), about, 0.4 if alone else 0.9, at.more), f"{said.answer} [{n + 1}]"))
    return Conversation(tuple(context for context, _, _ in shown), tuple(dict(turns).items()))


def _turns(rng: Random, at: Level) -> int:
    return rng.randint(min(2, at.turns), at.turns)


def _of_another(rng: Random, shown: list[tuple[tuple[str, str], list[pages.Said], pages.Topic]], more: bool = False) -> str | None:
    """What is told of one thing, asked about another that is not there."""
    _, told, about = rng.choice(shown)
    question = rng.choice(rng.choice(told).questions)
    other = pages.topic(rng, more)
    if not titled_apart(other, [a for _, _, a in shown]):
        return None
    if about.full in question:
        return _name(rng, question.replace(about.full, other.full), other, 0.0, more)
    if about.short in question:
        return _name(rng, question.replace(about.short, other.full), other, 0.0, more)
    return None


def titled_apart(topic: pages.Topic, others: list[pages.Topic]) -> bool:
    """Whether the last word of ``topic`` names none of ``others``."""
    return all(topic.short != o.short for o in others)


def from_linked(rng: Random, at: Level) -> Conversation:
    """Two steps: a page says who, a row of a table tells of that person."""
    about = pages.topic(rng)
    people = [i for i in pages.usable(at.more) if pages.relations()[i][0] == "person"]
    for _ in range(20):
        context, told = pages.passages(rng, about, [rng.choice(people)], 1, True)[0]
        who = [q for q in told[0].questions if q.startswith("Who ")]
        if who:
            break
    else:
        return from_pages(rng, at)
    question = _name(rng, rng.choice(who), about, 0.7, at.more)
    person = told[0].answer
    column, row, said = tables.row_of(rng, person)
    other = tables.row_of(rng, w.person(rng), column)
    contexts = [context, ("", row), ("", other[1])][: max(2, at.contexts)]
    order = list(range(len(contexts)))
    rng.shuffle(order)
    place = {old: new + 1 for new, old in enumerate(order)}
    link = "the person who " + question[4:].rstrip("?")
    turns = [
        (w.capitalise(rng.choice(column.ask).replace("{X}", link)), f"{said} [{min(place[0], place[1])}][{max(place[0], place[1])}]"),
        (question, f"{person} [{place[0]}]"),
        (w.capitalise(rng.choice(column.ask).replace("{X}", person)), f"{said} [{place[1]}]"),
    ]
    rng.shuffle(turns)
    return Conversation(tuple(contexts[i] for i in order), tuple(turns))


def from_table(rng: Random, at: Level) -> Conversation:
    texts, asked = tables.table(rng, at.contexts)
    if not asked:
        return from_pages(rng, at)
    if len(texts) < at.contexts and rng.random() < 0.3:
        texts.append(pages.passages(rng, pages.topic(rng), [rng.choice(pages.usable(at.more))], at.sentences, True)[0][0])
    turns = [(vary(rng, q, 0.15, at.more), f"{answers[0]} {''.join(f'[{n + 1}]' for n in rows)}".strip()) for q, answers, rows in asked[: _turns(rng, at)]]
    return Conversation(tuple(texts), tuple(dict(turns).items()))


def _name(rng: Random, question: str, about: pages.Topic, share: float, more: bool = False) -> str:
    """Say what a question is about where it does not, and reword it a little."""
    head = about.short.removeprefix("the ")
    if head not in question.lower() and rng.random() < share:
        bare = about.full.removeprefix("the ")
        forms = [
            f"{question[:-1]} {rng.choice(['for', 'of', 'in', 'at', 'with', 'on'])} {about.full}?",
            f"{w.capitalise(bare)}: {question[0].lower()}{question[1:]}",
        ]
        question = rng.choice([forms[0], forms[0], forms[0], forms[1]])
    question = vary(rng, question, 0.3, more)
    return question.lower() if rng.random() < 0.04 else question
