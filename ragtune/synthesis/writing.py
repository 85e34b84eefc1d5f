"""Questions written by a language model, a piece of a document at a time; what it quotes must stand there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from random import Random
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from ragtune.corpus.questions import find_quote
from ragtune.errors import ModelError
from ragtune.experiment.progress import Progress
from ragtune.judging.replies import Asker, Chat, LocalChat, ServedChat
from ragtune.judging.witness import Unscorable
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.models.server import Server
from ragtune.records import Document
from ragtune.store import Store, digest
from ragtune.synthesis.drafts import Draft, Span, sections
from ragtune.synthesis.settings import SynthesisSettings
from ragtune.text.words import content_words

KINDS = ("single fact", "paraphrase", "yes/no", "unanswerable", "two documents", "comparison")
#: characters of a piece, at most and at least
LONGEST, SHORTEST = 1600, 120
#: drafts for each question that is wanted, and questions of one piece
_SPARE, _EACH = 2.0, 3
#: pieces after which a model that has written nothing usable is given up
_PATIENCE = 10


class _Written(BaseModel):
    model_config = ConfigDict(extra="ignore")
    kind: str = "single fact"
    question: str
    answer: str = ""
    quote: str = ""
    second_quote: str = ""


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore")
    questions: list[_Written]


@dataclass(frozen=True)
class Piece:
    """The characters ``[start, end)`` of a document that a model is shown at once."""

    document: Document
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.document.text[self.start : self.end].strip()

    @property
    def title(self) -> str:
        return str(self.document.metadata.get("title") or self.document.id)


def pieces(document: Document) -> Iterator[Piece]:
    """The sections of a document, short ones together, long ones in parts at line ends."""
    start = None
    text = document.text
    for body, end, _ in sections(document):
        start = body if start is None else start
        while end - start > LONGEST:
            cut = text.rfind("\n", start + SHORTEST, start + LONGEST)
            cut = cut if cut > 0 else start + LONGEST
            yield Piece(document, start, cut)
            start = cut
        if end - start >= LONGEST // 2:
            yield Piece(document, start, end)
            start = None
    if start is not None and len(text[start:].strip()) >= SHORTEST:
        yield Piece(document, start, len(text))


@lru_cache(maxsize=4)
def _template(name: str) -> Any:
    from jinja2 import Environment, StrictUndefined

    told = yaml.safe_load(resources.files("ragtune.synthesis").joinpath("prompts/write.yaml").read_text("utf-8"))
    return Environment(undefined=StrictUndefined, trim_blocks=True).from_string(told[name])


class Writer:
    """Asks the model for drafts. Replies are kept in the store by their content: a killed run asks nothing twice."""

    kinds = KINDS

    def __init__(self, settings: SynthesisSettings, store: Store, progress: Progress) -> None:
        self._settings, self._progress = settings, progress
        chat: Chat
        if settings.endpoint:
            chat = ServedChat(Server(settings.endpoint, str(settings.model), setting="model"), 8)
        else:
            chat = LocalChat(LanguageModel(resolve(str(settings.model))))
        self._asker = Asker(chat, store.log("replies", digest(chat.fingerprint)), tries=1 if settings.budget else 2)
        self._together = chat.concurrency
        self._problem = ""

    def drafts(self, documents: Sequence[Document], random: Random) -> list[Draft]:
        """Drafts of every kind that is wanted, twice as many as are wanted where documents and budget give them.

        Raises:
            ModelError: of the first pieces none gave a reply that can be used.
        """
        shown = [p for d in documents for p in pieces(d)]
        random.shuffle(shown)
        jobs = list(self._jobs(shown, random))[: self._settings.budget]
        found: list[Draft] = []
        with self._progress.stage(f"write, by {self._settings.model}", len(jobs)) as tick:
            for at in range(0, len(jobs), self._together):
                part = jobs[at : at + self._together]
                with ThreadPoolExecutor(max(1, len(part))) as pool:
                    for drafts in pool.map(lambda job: self._one(*job), part):
                        found += drafts
                        tick(1)
                if not found and at + len(part) >= min(_PATIENCE, len(jobs)):
                    raise ModelError(
                        f"{self._settings.model} wrote no question that can be used in {at + len(part)} tries ({self._problem or 'no quote stands in its document'}).",
                        where="--model",
                        fix="Name a larger model, or leave --model out: rules make questions without a model.",
                    )
        return found

    def _jobs(self, shown: Sequence[Piece], random: Random) -> Iterator[tuple[str, str, Piece, Piece | None]]:
        """(prompt, kinds, piece, second piece): those of one piece, then those that need two, in equal steps."""
        whole = sum(self._settings.kinds.values())
        wanted = {k: _SPARE * self._settings.number * s / whole for k, s in self._settings.kinds.items() if s}
        alone = [k for k in ("single fact", "paraphrase", "yes/no") if k in wanted]
        number = {
            "one": round(sum(wanted[k] for k in alone) / _EACH + 0.5) if alone else 0,
            "none": round(wanted.get("unanswerable", 0.0)),
            **{k: round(wanted.get(k, 0.0)) for k in ("two documents", "comparison")},
        }
        pairs = {name: _pairs(shown) for name in ("two documents", "comparison")}
        plain = {name: iter(random.sample(list(shown), len(shown))) for name in ("one", "none")}
        for n in range(max(number.values(), default=0)):
            for name, most in number.items():
                if n >= most:
                    continue
                if name in plain:
                    if piece := next(plain[name], None):
                        yield name, ", ".join(alone), piece, None
                elif pair := next(pairs[name], None):
                    yield "two", name, pair[0], pair[1]

    def _one(self, name: str, kinds: str, piece: Piece, second: Piece | None) -> list[Draft]:
        other = {"other": second.text, "other_title": second.title} if second else {}
        message = str(_template(name).render(title=piece.title, text=piece.text, kinds=kinds, number=_EACH, **other))
        try:
            written = self._asker.read(message, _Reply).questions
        except Unscorable as error:
            self._problem = str(error)[:120]
            return []
        made = [_draft(w, "unanswerable" if name == "none" else w.kind, piece, second) for w in written]
        allowed = {"none": ("unanswerable",), "two": (kinds,)}.get(name, tuple(kinds.split(", ")))
        return [d for d in made if d and d.kind in allowed]


def _draft(written: _Written, kind: str, piece: Piece, second: Piece | None) -> Draft | None:
    """The draft, where its quotes stand in their pieces."""
    text, answer = " ".join(written.question.split()), " ".join(written.answer.split())
    if not text:
        return None
    if kind == "unanswerable":
        return Draft(text, (), (), kind, "model")
    quotes = [(piece, written.quote), *([(second, written.second_quote)] if second else [])]
    spans = [_where(p, q) for p, q in quotes]
    if not answer or any(s is None for s in spans):
        return None
    return Draft(text, (answer,), tuple(s for s in spans if s), kind, "model")


def _where(piece: Piece, quote: str) -> Span | None:
    found = find_quote(piece.document.text, quote, piece.start)
    if found is None or found[0] < piece.start or found[1] > piece.end:
        return None
    return Span(piece.document.id, *found)


def _pairs(shown: Sequence[Piece]) -> Iterator[tuple[Piece, Piece]]:
    """Pieces of two documents that share many words, each piece once."""
    words = [frozenset(content_words(p.text)) for p in shown]
    free = list(range(min(len(shown), 400)))
    while len(free) > 1:
        first = free.pop(0)
        others = [n for n in free if shown[n].document.id != shown[first].document.id]
        if not others:
            continue
        best = max(others, key=lambda n: len(words[n] & words[first]) / (1 + len(words[n] | words[first])))
        free.remove(best)
        yield shown[first], shown[best]
