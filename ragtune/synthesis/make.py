"""From documents to a set of questions: drafts, filters, the round trip, styles, splits, and the count of it all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from ragtune.corpus.check import Bags
from ragtune.corpus.evidence import span_of
from ragtune.corpus.load import Corpus
from ragtune.corpus.review import SEARCH
from ragtune.corpus.tongue import languages_of, main_language
from ragtune.errors import CorpusError
from ragtune.experiment.progress import Progress
from ragtune.models.packages import DEFAULT_EMBEDDER, DEFAULT_READER
from ragtune.records import Question
from ragtune.serving.reads import READS, foreign
from ragtune.store import Store
from ragtune.synthesis import absent, rules
from ragtune.synthesis.check import Checker, Reader
from ragtune.synthesis.drafts import Draft, Span, passages
from ragtune.synthesis.filters import NEAR, Rarity, overlap, refused, with_topic
from ragtune.synthesis.settings import SynthesisSettings
from ragtune.synthesis.styles import styled
from ragtune.synthesis.writing import Writer

#: how many drafts are checked for each question that is still wanted
_SPARE = 1.6
#: shares of the splits where none is asked for
SPLITS = {"test": 0.5, "train": 0.4, "dev": 0.1}


@dataclass(frozen=True)
class Made:
    """A question of the set, and how it came about."""

    question: Question
    rule: str
    style: str
    overlap: float


@dataclass(frozen=True)
class Synthesis:
    """The set, and what became of the drafts. ``refused``: reason -> drafts; ``missing``: kind -> why there are fewer than wanted;
    ``checked``: the reader that each had to be answered by, `SEARCH` where evidence alone was looked for, "" without a check."""

    made: tuple[Made, ...]
    drafts: int
    refused: Mapping[str, int]
    missing: Mapping[str, str]
    language: str
    method: str
    documents: int
    checked: str = ""

    @property
    def overlap(self) -> float:
        """Mean share of a question's content words that its evidence holds."""
        found = [m.overlap for m in self.made if m.question.answerable]
        return sum(found) / len(found) if found else 0.0

    def counts(self, of: str) -> dict[str, int]:
        """How many questions by ``kind``, ``rule``, ``style`` or ``split``."""
        told: dict[str, Callable[[Made], str]] = {
            "kind": lambda m: m.question.tags[0],
            "rule": lambda m: m.rule.split(":")[0],
            "style": lambda m: m.style,
            "split": lambda m: m.question.split,
        }
        each = told[of]
        return dict(Counter(each(m) for m in self.made).most_common())


def synthesise(corpus: Corpus, settings: SynthesisSettings, store: Store, progress: Progress) -> Synthesis:
    """Questions over the documents of ``corpus``; those it has already are not asked again.

    Raises:
        CorpusError: the documents give no draft at all, or the model writes nothing that can be used.
    """
    random = Random(settings.seed)
    codes = languages_of(corpus.documents)
    language = main_language(codes)
    writer = Writer(settings, store, progress) if settings.model else None
    drafts = list(writer.drafts(corpus.documents, random) if writer else rules.drafts(corpus.documents, codes))
    if not drafts and writer:
        raise CorpusError(
            f"no document is long enough to be shown to {settings.model}, or it wrote nothing that can be used.",
            where=corpus.path,
            fix="Leave --model out: rules make questions without a model.",
        )
    if not drafts:
        raise CorpusError(
            "no question could be made of these documents by rules: they hold no table, no heading that asks, and no sentence "
            f"that the rules know (languages: {', '.join(rules.LANGUAGES)}).",
            where=corpus.path,
            fix="Name a model with --model or --endpoint, or write questions by hand.",
        )
    reader = _reader(corpus, settings)
    checker = (
        Checker(corpus, settings.embedder or DEFAULT_EMBEDDER, reader, store, progress) if settings.check else None
    )
    sieve = _Sieve(corpus, settings, checker, random)
    kinds = writer.kinds if writer else rules.KINDS
    wanted = _amounts(settings, kinds)
    kept: list[Draft] = []
    missing: dict[str, str] = {
        k: "this method cannot make it" for k, s in settings.kinds.items() if s > 0 and k not in kinds
    }
    by_kind: dict[str, list[Draft]] = {}
    for draft in drafts:
        by_kind.setdefault(draft.kind, []).append(draft)
    for kind, number in wanted.items():
        pool = iter(sieve.ordered(by_kind.get(kind, [])))
        if kind == "unanswerable" and not writer and language in absent.ASKED:
            read = [p for d, c in zip(corpus.documents, codes, strict=True) if c == language for p in passages(d)]
            pool = absent.drafts(by_kind.get("single fact", []), read, language, random)
        found = sieve.first(pool, number)
        kept += found
        if len(found) < number:
            missing[kind] = f"{len(found)} of {number}: the documents gave no more that pass"
    made = _made(kept, corpus, settings, random)
    return Synthesis(
        tuple(made), sieve.seen_drafts, dict(sieve.refused.most_common()), missing, language,
        settings.model or "rules", len(corpus.documents),
        (reader.model or SEARCH) if settings.check else "",
    )  # fmt: skip


def _reader(corpus: Corpus, settings: SynthesisSettings) -> Reader:
    if settings.reader:
        return Reader(settings.reader)
    if not foreign(corpus.documents, DEFAULT_READER):
        return Reader(DEFAULT_READER)
    return Reader(settings.model if settings.model not in READS else None, settings.endpoint)


def _amounts(settings: SynthesisSettings, kinds: Sequence[str]) -> dict[str, int]:
    """How many of each kind that can be made; answerable ones take what falls away."""
    shares: dict[str, float] = {k: s for k, s in settings.kinds.items() if k in kinds and s > 0}
    whole = sum(settings.kinds.values())
    amounts = {k: round(settings.number * s / whole) for k, s in shares.items()}
    main = "single fact" if "single fact" in amounts else next(iter(amounts), "")
    if main:
        amounts[main] = max(0, amounts[main] + settings.number - sum(amounts.values()))
    return {k: n for k, n in amounts.items() if n}


class _Sieve:
    """Lets drafts through: each sentence asks once, each document a few times, no question twice."""

    def __init__(self, corpus: Corpus, settings: SynthesisSettings, checker: Checker | None, random: Random) -> None:
        self._rarity = Rarity(corpus.documents)
        self._checker, self._random = checker, random
        self._most = settings.per_document or max(6, math.ceil(2 * settings.number / len(corpus.documents)))
        self._seen = Bags(q.text for q in corpus.questions)
        self._asked: dict[str, list[tuple[int, int]]] = {}
        for question in corpus.questions:  # what stands in another split already is not taught or asked here
            self._take(Span(s.document_id, s.start, s.end) for s in question.spans if s.quote)  # not whole documents
        self._documents: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.seen_drafts = 0

    def ordered(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Shuffled, then a document each in turn, and of a document a rule each in turn."""
        by_document: dict[str, dict[str, list[Draft]]] = {}
        for draft in self._random.sample(list(drafts), len(drafts)):
            place = draft.evidence[0].document if draft.evidence else ""
            by_document.setdefault(place, {}).setdefault(draft.rule, []).append(draft)
        return list(_in_turn([list(_in_turn(list(rules.values()))) for rules in by_document.values()]))

    def first(self, pool: Iterator[Draft], number: int) -> list[Draft]:
        """The first ``number`` drafts that pass everything; checks are asked for a batch at a time."""
        kept: list[Draft] = []
        while len(kept) < number:
            batch = list(self._passing(pool, math.ceil(_SPARE * (number - len(kept))) + 4))
            if not batch:
                break
            why = self._checker.refused(batch) if self._checker else [""] * len(batch)
            for draft, reason in zip(batch, why, strict=True):
                if reason:
                    self.refused[reason] += 1
                elif len(kept) < number and self._room(draft) and not any(map(self._is_asked, draft.evidence)):
                    kept.append(draft)
                    self._documents.update({s.document for s in draft.evidence})
                    self._take(draft.evidence)
        return kept

    def _take(self, spans: Iterable[Span]) -> None:
        for s in spans:
            self._asked.setdefault(s.document, []).append((s.start, s.end))

    def _is_asked(self, span: Span) -> bool:
        """Whether another question's evidence shares a character with the span."""
        return any(a < span.end and span.start < b for a, b in self._asked.get(span.document, ()))

    def _room(self, draft: Draft) -> bool:
        return all(self._documents[s.document] < self._most for s in draft.evidence)

    def _passing(self, source: Iterator[Draft], number: int) -> Iterator[Draft]:
        held: set[Span] = set()  # of this batch
        for draft in source:
            self.seen_drafts += 1
            draft = with_topic(draft)
            reason = refused(draft, self._rarity)
            if not reason and (held & set(draft.evidence) or any(self._is_asked(s) for s in draft.evidence)):
                reason = "same evidence"
            if not reason and any(self._seen.near(draft.text, NEAR)):
                reason = "duplicate"
            if reason:
                self.refused[reason] += 1
                continue
            if not self._room(draft):
                continue
            self._seen.add(draft.text)
            held.update(draft.evidence)
            yield draft
            number -= 1
            if not number:
                return


def _in_turn(lists: Sequence[Sequence[Draft]]) -> Iterator[Draft]:
    for n in range(max(map(len, lists), default=0)):
        yield from (own[n] for own in lists if n < len(own))


def _made(kept: Sequence[Draft], corpus: Corpus, settings: SynthesisSettings, random: Random) -> list[Made]:
    """The drafts as Questions: in a style, with a split, so that no two splits share evidence."""
    documents = {d.id: d for d in corpus.documents}
    texts = {d.id: d.text for d in corpus.documents}
    names = {q.id for q in corpus.questions}
    order = random.sample(list(kept), len(kept))
    styles = _shared({str(k): s for k, s in settings.styles.items()}, len(order))
    splits = [settings.split or ""] * len(order) if settings.split else _shared(SPLITS, len(order))
    made, n = [], 0
    for draft, style, split in zip(
        order, random.sample(styles, len(styles)), random.sample(splits, len(splits)), strict=True
    ):
        n += 1
        while f"s{n:04}" in names:
            n += 1
        text = styled(draft.text, style, random) if draft.style == "sentence" else draft.text
        spans = tuple(span_of(documents[s.document], s.start, s.end) for s in draft.evidence)
        question = Question(f"s{n:04}", text, draft.answers, spans, split, (draft.kind,))
        made.append(
            Made(
                question,
                draft.rule,
                style if text != draft.text else draft.style,
                overlap(replace(draft, text=text), texts),
            )
        )
    return made


def _shared(shares: Mapping[str, float], number: int) -> list[str]:
    """``number`` names in these shares, by largest remainder."""
    whole = sum(shares.values())
    exact = {name: number * s / whole for name, s in shares.items()}
    found = [name for name, e in exact.items() for _ in range(int(e))]
    rest = sorted(exact, key=lambda name: int(exact[name]) - exact[name])
    return found + rest[: number - len(found)]
