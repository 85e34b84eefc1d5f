"""What a draft is refused for by its words alone; what it needs a reader for is in `check`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ragtune.records import Document
from ragtune.synthesis.drafts import Draft
from ragtune.text.words import content_words, plain_words

#: reason -> what it means, in the order in which they are asked
REASONS = {
    "same evidence": "another question, of this set or of the corpus, asks for the same words",
    "duplicate": "nearly the same words as another question",
    "gives itself away": "the answer stands in the question",
    "vague": "its words point at no one place in the documents",
    "not found": "retrieval does not find its evidence among ten chunks",
    "may be answered": "said to have no answer, and a chunk holds nearly all of its words",
    "not answered": "the reader, given the evidence, does not give the answer",
    "known without": "the model answers it without any document",
}
#: words that a question must hold: how rare they are together, in documents (log2 of one in so many)
_TELLING = 7.0
#: share of common words from which two questions count as one
NEAR = 0.8
#: share of the words of an answer to a heading that the heading may not hold
_NEW = 0.4
_YES_NO = frozenset({"yes/no"})


class Rarity:
    """How rare words are: log2 of one document in so many."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._held: Counter[str] = Counter()
        for d in documents:
            self._held.update(set(content_words(d.text)))
        self._all = max(8, len(documents))

    @property
    def telling(self) -> float:
        """What a question's words must be worth: two that one document holds, in a small corpus."""
        return min(_TELLING, 2 * math.log2(self._all))

    def __call__(self, text: str) -> float:
        """The sum over the distinct words of ``text`` that the documents hold."""
        return sum(math.log2(self._all / self._held[w]) for w in set(content_words(text)) if self._held[w])


def with_topic(draft: Draft) -> Draft:
    """The draft with its page's topic before it, as people write who look for something; where its own words name that, as it is."""
    topic = draft.topic.strip(":：?？ ")
    named = set(content_words(topic))
    if not named or named & set(content_words(draft.text)) or "?" in draft.topic or "？" in draft.topic:
        return replace(draft, topic="")
    return replace(draft, text=f"{topic}: {draft.text}", topic="")


def refused(draft: Draft, rarity: Rarity) -> str:
    """Why the draft's own words refuse it; "" where they do not."""
    asked = plain_words(draft.text)
    said = [w for a in draft.answers for w in content_words(a)]
    held = set(content_words(draft.text))
    new = [w for w in said if w not in held]
    if draft.kind not in _YES_NO and said and (not new or (draft.rule == "heading" and len(new) < _NEW * len(said))):
        return "gives itself away"
    if len(asked) < 3 or rarity(draft.text) < rarity.telling:
        return "vague"
    return ""


def overlap(draft: Draft, texts: Mapping[str, str]) -> float:
    """Share of the question's content words that stand in its evidence; 1: it repeats its source."""
    asked = set(content_words(draft.text))
    held = {w for s in draft.evidence for w in content_words(texts[s.document][s.start : s.end])}
    return len(asked & held) / max(1, len(asked))
