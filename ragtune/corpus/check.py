"""What a corpus holds and what is wrong with it: counts, duplicates, leaks from test into train."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ragtune.corpus.load import Corpus
from ragtune.errors import CorpusError
from ragtune.models.names import resolve
from ragtune.models.packages import DEFAULT_EMBEDDER
from ragtune.models.tokens import token_spans
from ragtune.records import Document, Question
from ragtune.text.counts import counted
from ragtune.text.words import plain_words

#: share of common words from which two questions count as near-copies
NEAR = 0.9
#: share of characters in unknown tokens from which it is said
UNKNOWN = 0.02


@dataclass(frozen=True)
class Leak:
    """A test question that stands, word for word or nearly, in the train split."""

    test_id: str
    train_id: str
    similarity: float
    text: str


class Bags:
    """Texts as bags of words, to find those whose bag overlaps another's (Jaccard, multiset) by a share or more."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._bags: list[Counter[str]] = []
        self._by_word: dict[str, list[int]] = defaultdict(list)
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        bag = Counter(plain_words(text))
        for word in bag:
            self._by_word[word].append(len(self._bags))
        self._bags.append(bag)

    def near(self, text: str, share: float) -> Iterator[tuple[float, int]]:
        """(overlap, place) of every text that overlaps by ``share``: one of the rarest words must be in common."""
        bag = Counter(plain_words(text))
        known = self._by_word
        rare = sorted(bag, key=lambda w: len(known.get(w, ())))[: max(1, round((1 - share) * len(bag)) + 1)]
        for i in {i for word in rare for i in known.get(word, ())}:
            score = sum((bag & self._bags[i]).values()) / max(1, sum((bag | self._bags[i]).values()))
            if score >= share:
                yield score, i


def find_leaks(questions: Sequence[Question]) -> list[Leak]:
    """Test questions whose bag of words overlaps a train question's by ``NEAR`` (Jaccard, multiset) or more.

    Only questions that share a reference answer (or have none) are compared beyond exact copies: "Who runs
    depot 4?" is no copy of "Who runs depot 7?".
    """
    train = [q for q in questions if q.split == "train"]
    bags = Bags(q.text for q in train)
    leaks = []
    for question in (q for q in questions if q.split == "test"):
        best = (0.0, -1)
        for score, i in bags.near(question.text, NEAR):
            same = (
                not question.answers
                or not train[i].answers
                or bool({a.lower() for a in question.answers} & {a.lower() for a in train[i].references})
            )
            if score == 1.0 or same:
                best = max(best, (score, i))
        if best[1] >= 0:
            leaks.append(Leak(question.id, train[best[1]].id, round(best[0], 3), question.text))
    return leaks


def refuse_leaks(corpus: Corpus, allow: bool) -> list[Leak]:
    """The corpus's leaks; an error unless they are allowed.

    Raises:
        CorpusError: there are leaks and ``allow`` is false.
    """
    leaks = find_leaks(corpus.questions)
    if leaks and not allow:
        first = leaks[0]
        raise CorpusError(
            f'{counted(len(leaks), "test question")} stand in the train split, first "{first.test_id}" (as "{first.train_id}"): {first.text[:80]}',
            where=corpus.path / "questions.jsonl",
            fix="Remove them, or set corpus.allow_leaks: true.",
        )
    return leaks


@dataclass(frozen=True)
class CorpusInfo:
    """Counts for ``ragtune corpus info``; ``histogram`` is (lower, upper, documents) by words."""

    documents: int
    formats: dict[str, int]
    words: int
    histogram: list[tuple[int, int, int]]
    questions: int
    splits: dict[str, int]
    tags: dict[str, int]
    unanswerable: int
    without_reference: int
    with_evidence: int
    same_text: list[tuple[str, str]]
    same_question: list[tuple[str, str]]
    leaks: list[Leak]
    skipped: list[tuple[str, str]]
    notes: list[str]
    hash: str


def _repeated(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    first: dict[str, str] = {}
    found = []
    for name, text in pairs:
        key = " ".join(plain_words(text))
        if key in first:
            found.append((first[key], name))
        first.setdefault(key, name)
    return found


class Knows(Protocol):
    """What `unknown_share` needs of a tokenizer."""

    def unknown(self, text: str) -> int: ...


def unknown_share(documents: Sequence[Document], tokens: Knows) -> str:
    """A warning where the embedder's tokenizer does not know a good part of the documents' characters, else ""."""
    whole = sum(len(d.text) for d in documents)
    unknown = sum(tokens.unknown(d.text) for d in documents)
    if unknown < UNKNOWN * whole:
        return ""
    return f"{unknown / whole:.0%} of the documents' characters stand in words that the embedder does not know: choose one for their script and language."


def measured_info(corpus: Corpus) -> CorpusInfo:
    """`corpus_info` with tokens as the default embedder counts them, and what it cannot read."""
    tokens = token_spans(resolve(DEFAULT_EMBEDDER))
    unknown = unknown_share(corpus.documents, tokens)
    return corpus_info(corpus, [len(tokens.spans(d.text)) for d in corpus.documents], [unknown] if unknown else [])


def corpus_info(corpus: Corpus, lengths: Sequence[int], notes: Sequence[str] = ()) -> CorpusInfo:
    """``lengths``: tokens per document, in order (words where no tokenizer is at hand); ``notes`` join the corpus's own."""
    edges = [0, 64, 128, 256, 512, 1024, 2048, 4096, 10**9]
    histogram = [(a, b, sum(a <= n < b for n in lengths)) for a, b in zip(edges, edges[1:], strict=False)]
    questions = corpus.questions
    return CorpusInfo(
        documents=len(corpus.documents),
        formats=dict(
            Counter(
                "." + d.id.split("#")[0].rsplit(".", 1)[-1] if "." in d.id else "(none)" for d in corpus.documents
            ).most_common()
        ),
        words=sum(lengths),
        histogram=[row for row in histogram if row[2]],
        questions=len(questions),
        splits=dict(Counter(q.split for q in questions)),
        tags=dict(Counter(t for q in questions for t in q.tags if ":" not in t).most_common()),
        unanswerable=sum(q.unanswerable for q in questions),
        without_reference=sum(q.answers is None for q in questions),
        with_evidence=sum(bool(q.evidence) for q in questions),
        same_text=_repeated([(d.id, d.text) for d in corpus.documents]),
        same_question=_repeated([(q.id, q.text) for q in questions]),
        leaks=find_leaks(questions),
        skipped=[(s.path, s.reason) for s in corpus.skipped],
        notes=[*corpus.notes, *notes],
        hash=corpus.hash,
    )
