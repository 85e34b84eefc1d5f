"""Questions that the documents do not answer: a question that they do answer, about something else that they name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import regex

from ragtune.records import Document
from ragtune.synthesis.drafts import Casing, Draft, Passage
from ragtune.text.languages import language
from ragtune.text.words import content_words

_NAME = regex.compile(
    r"(?<![\p{L}\p{N}])(?:\p{Lu}[\p{L}\p{N}&-]*\p{Lu}[\p{L}\p{N}-]*|\p{Lu}\p{Ll}+(?: \p{Lu}\p{Ll}+)*)(?![\p{L}\p{N}])"
)
_CALENDAR = frozenset(w.title() for w in (*language("en").months, *language("en").weekdays))
#: share of the question's other words that may stand near the new name
_NEAR = 0.5
#: sentences on either side that are near
_AROUND = 3


class Names:
    """The names that sentences hold, and what is said around them."""

    def __init__(self, passages: Sequence[Passage], case: Casing) -> None:
        self._passages = passages
        self.places: dict[str, list[int]] = {}
        for n, passage in enumerate(passages):
            for found in _NAME.finditer(passage.text):
                name = found[0]
                if (
                    found.start()
                    and name not in _CALENDAR
                    and ((name.isupper() and len(name) > 1) or all(case.is_name(w) for w in name.split()))
                ):
                    self.places.setdefault(name, []).append(n)

    def around(self, name: str) -> set[str]:
        """Content words of the sentences near each place of the name, and of the headings above."""
        found: set[str] = set()
        for n in self.places[name]:
            for passage in self._passages[max(0, n - _AROUND) : n + _AROUND + 1]:
                found.update(content_words(f"{passage.title} {passage.heading} {passage.text}"))
        return found


def drafts(
    answered: Sequence[Draft], documents: Sequence[Document], passages: Sequence[Passage], case: Casing, random: Random
) -> Iterator[Draft]:
    """Of each question that names something, one about another name of that shape whose surroundings do not speak of the rest."""
    names = Names(passages, case)
    shapes: dict[str, list[str]] = {}
    for name in sorted(names.places):
        shapes.setdefault(_shape(name), []).append(name)
    for draft in answered:
        if draft.kind != "single fact" or draft.rule == "heading":
            continue
        own = [m[0] for m in _NAME.finditer(draft.text) if m.start() and m[0] in names.places]
        if len(own) != 1:
            continue
        rest = set(content_words(draft.text.replace(own[0], " ")))
        others = [n for n in shapes[_shape(own[0])] if n != own[0] and n.lower() not in draft.text.lower()]
        for other in random.sample(others, min(8, len(others))):
            if len(rest) >= 2 and len(rest & names.around(other)) < _NEAR * len(rest):
                yield Draft(
                    draft.text.replace(own[0], other), (), (), "unanswerable", f"absent:{draft.rule}", draft.style
                )
                break


def _shape(name: str) -> str:
    return "acronym" if name.isupper() else f"words {min(3, len(name.split()))}"
