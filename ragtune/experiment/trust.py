"""What a set of questions can be trusted with: what is wrong with it, what it can show, what would help it most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ragtune.analysis.causes import wrong
from ragtune.analysis.power import expected_power, questions_needed
from ragtune.corpus.load import Corpus
from ragtune.corpus.review import share_reviewed
from ragtune.experiment.folder import Run
from ragtune.experiment.outlook import is_control
from ragtune.records import Question, Row
from ragtune.text.counts import counted
from ragtune.text.overlap import contains_reference
from ragtune.text.polarity import polarity
from ragtune.text.words import content_words

#: a difference that is worth finding
WANTED = 0.05
#: share of the questions from which one document makes the set lop-sided
LOPSIDED = 0.5
#: questions of a kind under which nothing can be said of it
FEW = 5
#: share of a reference's content words that its evidence holds at least
HELD = 0.5


@dataclass(frozen=True)
class Finding:
    """One thing to know of the set: a sentence, and the ids of the questions that it is about."""

    text: str
    ids: tuple[str, ...] = ()


def findings(corpus: Corpus, split: str = "test", run: Run | None = None) -> list[Finding]:
    """What is to be said of the questions of ``split``; with a Run over them also what its answers tell of them."""
    asked = corpus.split(split)
    if not asked:
        return [Finding(f"No question stands in the split {split}.")]
    found = [
        Finding(expected_power(len(asked)).removesuffix(".")),
        *_unsupported(corpus, asked),
        *_lopsided(asked),
        *_made(asked),
    ]
    return [*found, *(_from_run(run, {q.id for q in asked}) if run else ()), *_wanted(asked)]


def _unsupported(corpus: Corpus, asked: Sequence[Question]) -> list[Finding]:
    """References whose words their evidence does not hold (yes and no aside), and answerable questions without evidence."""
    texts = {d.id: d.text for d in corpus.documents}
    bare, away = [], []
    for question in asked:
        if not question.answerable:
            continue
        if not question.evidence:
            bare.append(question.id)
            continue
        held = " ".join(texts[s.document_id][s.start : s.end] for s in question.spans)
        around = " ".join(texts[s.document_id][max(0, s.start - 200) : s.end + 200] for s in question.spans)
        said = [set(content_words(r)) for r in question.references if not polarity(r) or len(content_words(r)) > 2]
        if not any(said) or contains_reference(held, question.references):
            continue
        near = set(content_words(around))
        if max(len(words & near) / len(words) for words in said if words) < HELD:
            away.append(question.id)
    found = []
    if away:
        found.append(
            Finding(
                f"{counted(len(away), 'reference')} do not stand in their evidence"
                if len(away) > 1
                else "1 reference does not stand in its evidence",
                tuple(away),
            )
        )
    if bare:
        found.append(
            Finding(
                f"{counted(len(bare), 'answerable question')} without evidence: retrieval is not measured on them",
                tuple(bare),
            )
        )
    return found


def _lopsided(asked: Sequence[Question]) -> list[Finding]:
    found = []
    documents = Counter(d for q in asked for d in {s.document_id for s in q.spans})
    with_evidence = sum(bool(q.evidence) for q in asked)
    if documents and len(asked) >= 10:
        name, most = documents.most_common(1)[0]
        if most > LOPSIDED * with_evidence:
            found.append(Finding(f"{most} of {with_evidence} questions with evidence ask about one document ({name})"))
    kinds = Counter(t for q in asked for t in q.tags if ":" not in t)
    if rare := [k for k, n in kinds.items() if n < FEW]:
        found.append(
            Finding(
                f"too few to say anything of their kind (under {FEW}): {', '.join(f'{k} {kinds[k]}' for k in rare[:8])}"
            )
        )
    if not any(q.unanswerable for q in asked):
        found.append(
            Finding('no question is without an answer ("answers": []): whether a setup invents answers is not measured')
        )
    return found


def _made(asked: Sequence[Question]) -> list[Finding]:
    read, made = share_reviewed(asked)
    return (
        [Finding(f"{made} of {len(asked)} questions were made from the documents; a person has read {read} of them")]
        if made
        else []
    )


def _from_run(run: Run, asked: set[str]) -> list[Finding]:
    """Of answerable questions: those that every setup gets right or wrong, and those answered without any document."""
    by: dict[str, list[Row]] = {}
    every = run.experiment.setups
    setups = {name: s for name, s in every.items() if not is_control(s)}
    for row in run.rows:
        if row.question.answerable and row.question.id in asked:
            by.setdefault(row.question.id, []).append(row)
    if not by:
        return [Finding(f"The Run {run.about.name} answered none of these questions")]
    easy = [n for n, rows in by.items() if not any(wrong(r) for r in rows if r.setup in setups)]
    hard = [n for n, rows in by.items() if all(wrong(r) for r in rows)]
    bare = [
        s
        for s, made in setups.items()
        if not made.retrieval and not made.tuning and made.generator.kind in ("local", "endpoint")
    ]
    known = [n for n, rows in by.items() if any(r.setup in bare and not wrong(r) for r in rows)]
    found = []
    if len(setups) > 1 and easy:
        found.append(
            Finding(
                f"every setup of the Run has {counted(len(easy), 'question')} right, which tells none apart",
                tuple(easy),
            )
        )
    if len(setups) > 1 and hard:
        found.append(
            Finding(
                f"no setup of the Run has {counted(len(hard), 'question')} right: look whether reference and evidence are",
                tuple(hard),
            )
        )
    if known:
        found.append(
            Finding(
                f"the untuned model answers {counted(len(known), 'question')} without any document, which measures what it knew",
                tuple(known),
            )
        )
    return found


def _wanted(asked: Sequence[Question]) -> list[Finding]:
    """Which questions would help most."""
    kinds = Counter(t for q in asked for t in q.tags if ":" not in t)
    needed = questions_needed(WANTED) or len(asked)
    wanted = []
    if not any(q.unanswerable for q in asked):
        wanted.append("questions that the documents do not answer (15 of 100 are usual)")
    wanted += [f"{FEW * 4 - n} more of the kind {kind}" for kind, n in kinds.items() if n < FEW][:3]
    if len(asked) < needed:
        wanted.append(
            f"about {needed - len(asked)} more of any kind, spread over documents that no question asks about"
        )
    return [Finding("What would help most: " + "; ".join(wanted) + ".")] if wanted else []
