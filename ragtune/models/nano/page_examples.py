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
    ids = rng.sample(range(len(pages.relations())), rng.randint(2, 6))
    titled = rng.random() < 0.85
    shown: list[tuple[tuple[str, str], list[pages.Said], pages.Topic]] = []
    topics = [pages.topic(rng) for _ in range(rng.choice([1, 2, 2, 3]) if wanted > 1 else 1)]
    for about in topics:
        some = rng.sample(ids, rng.randint(1, len(ids)))
        shown += [(context, said, about) for context, said in pages.passages(rng, about, some, at.sentences, titled)]
    rng.shuffle(shown)
    hidden, shown = shown[wanted:], shown[:wanted]
    there = {s.about for _, said, _ in shown for s in said}
    turns: list[tuple[str, str]] = []
    for _ in range(rng.randint(1, at.turns)):
        roll = rng.random()
        if roll < 0.1:
            absent = [(s, about) for _, said, about in hidden for s in said if s.about not in there]
            if absent or rng.random() < 0.5:
                other = rng.choice(topics)
                said, about = rng.choice(absent) if absent else (pages.say(rng, other, rng.randrange(len(pages.relations())), True), other)
                if said.about not in there:
                    turns.append((_name(rng, rng.choice(said.questions), about, 1.0), ABSTAIN))
                    continue
        n = rng.randrange(len(shown))
        _, told, about = shown[n]
        said = rng.choice(told)
        alone = len({a.full for _, _, a in shown}) == 1
        turns.append((_name(rng, rng.choice(said.questions), about, 0.4 if alone else 0.9), f"{said.answer} [{n + 1}]"))
    return Conversation(tuple(context for context, _, _ in shown), tuple(dict(turns).items()))


def from_table(rng: Random, at: Level) -> Conversation:
    texts, asked = tables.table(rng, at.contexts)
    if not asked:
        return from_pages(rng, at)
    if len(texts) < at.contexts and rng.random() < 0.3:
        texts.append(pages.passages(rng, pages.topic(rng), [rng.randrange(len(pages.relations()))], at.sentences, True)[0][0])
    turns = [(vary(rng, q, 0.15), f"{answers[0]} " + "".join(f"[{n + 1}]" for n in rows)) for q, answers, rows in asked[: rng.randint(1, at.turns)]]
    return Conversation(tuple(texts), tuple(dict(turns).items()))


def _name(rng: Random, question: str, about: pages.Topic, share: float) -> str:
    """Say what a question is about where it does not, and reword it a little."""
    head = about.short.removeprefix("the ")
    if head not in question.lower() and rng.random() < share:
        bare = about.full.removeprefix("the ")
        forms = [
            f"{question[:-1]} {rng.choice(['for', 'of', 'in', 'at', 'with', 'on'])} {about.full}?",
            f"{w.capitalise(bare)}: {question[0].lower()}{question[1:]}",
        ]
        question = rng.choice([forms[0], forms[0], forms[0], forms[1]])
    question = vary(rng, question, 0.3)
    return question.lower() if rng.random() < 0.04 else question
