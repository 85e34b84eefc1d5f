"""Relations a handbook is full of (who runs, what it costs, how long, how often ...), from ``relations.txt``."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from random import Random

from ragtune.models.nano import words as w
from ragtune.models.nano.facts import VALUES, Fact, put


@lru_cache(maxsize=1)
def relations() -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """(kind of value, ways to state it, ways to ask for it): every way of asking fits every way of stating."""
    text = resources.files("ragtune.models.nano").joinpath("relations.txt").read_text("utf-8")
    rows = [line.split(" # ") for line in text.splitlines() if line.strip()]
    return tuple((kind.strip(), tuple(s.split(" / ")), tuple(q.split(" / "))) for kind, s, q in rows)


_TOPICS = ("team desk form course tour meeting report line key card rule fund shift office club lab kitchen pass test visit").split()


def topic(rng: Random) -> str:
    """What a handbook talks about: a noun phrase with article."""
    made: list[w.Maker] = [
        w.the_thing, w.the_thing, lambda r: f"the {r.choice(w.NOUNS)} {r.choice(_TOPICS)}", lambda r: f"the {w.place(r)} {r.choice(_TOPICS)}",
        w.a_thing, lambda r: f"{r.choice(w.ADJECTIVES)} {r.choice(w.NOUNS)}s", lambda r: f"the {r.choice(w.ADJECTIVES)} {r.choice(_TOPICS)}", w.place,
        lambda r: f"{r.choice(w.NOUNS)} {r.choice(_TOPICS)} {r.randint(1, 40)}",
    ]  # fmt: skip
    return rng.choice(made)(rng)


def relation_facts(rng: Random, count: int, about: str | None = None) -> list[Fact]:
    """``count`` facts of mixed relations, about one topic or each about its own."""
    found = []
    for kind, statements, questions in rng.sample(relations(), min(count, len(relations()))):
        subject = about or topic(rng)
        value = _OWN_VALUES.get(kind, VALUES.get(kind, w.quantity))(rng)

        def put_all(template: str, subject: str = subject, value: str = value) -> str:
            return put(template.replace("{X}", "{E}").replace("{Y}", w.year(rng)).replace("{N}", rng.choice(w.NOUNS)), subject, value)

        options = [s for s in statements if "{X}" in s]
        answer = f"the {value}" if kind == "role" else value
        asked = tuple(put_all(q) for q in rng.sample(questions, 4))
        found.append(Fact(subject, put_all(rng.choice(options)), asked, answer, (kind, value), f"relation/{kind}"))
    return found


_OWN_VALUES: dict[str, w.Maker] = {"count": w.number, "name": lambda r: r.choice([w.first_name, w.place])(r)}
