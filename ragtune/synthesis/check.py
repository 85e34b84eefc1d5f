"""The round trip of a draft: retrieval finds its evidence, a reader gives its answer from that, and none without it.

The three are setups of an experiment like any other, so that what was found and answered is kept and a killed run goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ragtune.corpus.evidence import share_fulfilled, span_of
from ragtune.corpus.load import Corpus
from ragtune.experiment import answer, retrieve
from ragtune.experiment.progress import Progress
from ragtune.experiment.spec import experiment_of
from ragtune.experiment.workbench import Workbench
from ragtune.records import Question, Row
from ragtune.store import Store
from ragtune.synthesis.drafts import Draft
from ragtune.text.agree import agree
from ragtune.text.words import content_words

#: as an experiment of `ragtune init` cuts documents, so that both share their vectors
CHUNKING = {"by": "sentences", "size": 128}
#: chunks among which the evidence must be
DEPTH = 10
#: share of an unanswerable question's words from which a chunk may answer it after all
SPEAKS = 0.75
#: from which agreement on an answer counts as the reference
RIGHT = 0.5


@dataclass(frozen=True)
class Reader:
    """The model that answers in the check; ``model`` None: none reads the language, and evidence alone is looked for."""

    model: str | None
    endpoint: str | None = None


class Checker:
    """Checks drafts over one corpus. Nothing loads before the first draft comes."""

    def __init__(self, corpus: Corpus, embedder: str, reader: Reader, store: Store, progress: Progress) -> None:
        search = {"dense": {"embedder": embedder}, "lexical": True, "fusion": {"by": "weighted"}, "top_k": DEPTH}
        setups: dict[str, dict[str, object]] = {"found": {"retrieval": search, "generator": {"model": "extractive"}}}
        if reader.model:
            who = {"model": reader.model, "endpoint": reader.endpoint, "max_new_tokens": 48}
            setups["evidence"] = {
                "retrieval": {"dense": {"embedder": embedder}, "source": "oracle", "top_k": 2},
                "generator": who,
            }
            setups["alone"] = {"generator": who}
        given = {"name": "synthesis", "corpus": {"path": str(corpus.path)}, "chunking": CHUNKING, "setups": setups}
        self._bench = Workbench(experiment_of(given, Path("synthesis")), store, progress)
        self._corpus = corpus
        self._texts = {d.id: d for d in corpus.documents}

    def refused(self, drafts: Sequence[Draft]) -> list[str]:
        """For each draft why it is refused, "" where it stands; what one check refuses is not asked the next."""
        asked = [self._question(d, n) for n, d in enumerate(drafts)]
        bench = replace(self._bench)
        bench.__dict__.update(corpus=replace(self._corpus, questions=()), questions=asked)
        setups = bench.experiment.setups
        why = {q.id: "" for q in asked}
        hits = retrieve.hits(bench, setups["found"], asked, top_k=DEPTH)
        for q, (found, _) in zip(asked, hits, strict=True):
            if q.evidence and share_fulfilled(q, [h.chunk for h in found]) < 1:
                why[q.id] = "not found"
            if q.unanswerable and any(_speaks(h.chunk.text, q.text) for h in found):
                why[q.id] = "may be answered"
        for name, reason in (("evidence", "not answered"), ("alone", "known without")):
            if name in setups:
                left = [q for q in asked if not why[q.id] and q.answerable]
                if name == "alone":
                    left = [q for q in left if "yes/no" not in q.tags]
                for row in self._answered(bench, name, left) if left else ():
                    if _right(row) == (name == "alone"):
                        why[row.question.id] = reason
        return [why[q.id] for q in asked]

    def _answered(self, bench: Workbench, name: str, asked: list[Question]) -> list[Row]:
        own = replace(bench)
        own.__dict__.update(corpus=bench.corpus, questions=asked)
        return answer.answered(own, name, own.experiment.setups[name], 0)

    def _question(self, draft: Draft, n: int) -> Question:
        evidence = tuple(span_of(self._texts[s.document], s.start, s.end) for s in draft.evidence)
        return Question(f"d{n}", draft.text, draft.answers, evidence, "test", (draft.kind,))


def _speaks(chunk: str, question: str) -> bool:
    """Whether a chunk holds nearly every word that the question turns on."""
    asked = set(content_words(question))
    return len(asked & set(content_words(chunk))) >= SPEAKS * len(asked)


def _right(row: Row) -> bool:
    return (
        not row.answer.withheld
        and agree(row.question.text, row.question.references, row.answer.text).probability >= RIGHT
    )
