"""Scoring answers of any system: the same metrics, intervals and Run folder as for our own, without running anything."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ragtune.analysis.summary import Row, attribute, costs_of, summarise
from ragtune.corpus.answers import AnswersFile
from ragtune.corpus.answers import Row as Given
from ragtune.corpus.load import Corpus
from ragtune.errors import CorpusError
from ragtune.experiment.answer import Answered, judged
from ragtune.experiment.folder import write_run
from ragtune.experiment.progress import Progress, default_progress
from ragtune.experiment.run import settled
from ragtune.experiment.spec import Experiment
from ragtune.experiment.workbench import Workbench
from ragtune.generation.prompts import parse_answer
from ragtune.judging.metrics import METRICS
from ragtune.records import Answer, Chunk, Hit, Question, Score, Tokens
from ragtune.store import Store, digest

#: ways in which other systems say that the contexts hold no answer
_APOLOGY = re.compile(
    r"^\W*(?:(?:i am|i[’']m|we are) )?(?:very )?(?:sorry|afraid|unfortunately)\W+(?:but )?(?:that )?", re.I
)
_WITHHELD = re.compile(
    r"^\W*(?:i (?:do not|don[’']t|cannot|can[’']t|could not|couldn[’']t) (?:know|answer|find|determine|say|tell)|i am unable|i[’']m (?:unable|not sure)|"
    r"there is no (?:information|answer|mention)|no (?:answer|information)\b|this (?:is|was) not (?:mentioned|stated|answered)|"
    r"(?:based on )?(?:the |these |this )?(?:provided |given )?(?:contexts?|documents?|texts?|passages?|information),? (?:provided |given )?(?:do|does|did|it does|it is) ?not\b|"
    r"n/a\b|unanswerable\b|not (?:enough|sufficient) information)",
    re.I,
)


def abstains(text: str) -> bool:
    """True for an empty answer and for the common ways of withholding one."""
    return not text.strip() or bool(_WITHHELD.match(_APOLOGY.sub("", text)))


def _question(row: Given) -> Question:
    tags = (*row.tags, "unanswerable") if row.unanswerable else row.tags
    return Question(
        row.id, row.question, () if row.unanswerable else row.references, (), "test", tuple(dict.fromkeys(tags))
    )


def _answered(setup: str, row: Given) -> Answered:
    hits = tuple(
        Hit(Chunk(digest(row.id, n, text), row.document or f"context {n}", 0, len(text), text), 1.0 / n, n)
        for n, text in enumerate(row.contexts, 1)
    )
    text, citations, abstained = parse_answer(row.answer, len(hits), "I don't know.")
    return Answered(
        setup, 0, _question(row), Answer(text, citations, hits, 0, abstained or abstains(text), Tokens()), 0.0, 0.0
    )


def _without_reference(row: Given, scores: dict[str, Score]) -> dict[str, Score]:
    """A missing reference says nothing about the documents: what would need one is unscored for that reason."""
    if row.references or row.unanswerable:
        return scores
    reason = "no reference was given"
    return {m: Score(m, None, reason) if "reference" in METRICS[m].needs else s for m, s in scores.items()}


def score_files(
    files: Sequence[AnswersFile],
    out: Path,
    store: Store,
    judge: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Score each file as a setup of its own and write a Run folder, which report, baseline and check read like any other.

    Raises:
        CorpusError: two files share no question, or ask the same id differently.
    """
    names = _names(files)
    progress = progress or default_progress()
    for file in files:
        for note in file.notes:
            progress.say(f"{file.path}: {note}")
    metric = "answer_correctness" if any(r.references for f in files for r in f.rows) else "faithfulness"
    if metric == "faithfulness":
        progress.say(
            "No references were given: correctness, exact match, F1, context precision and recall are left out."
        )
    experiment = Experiment.model_validate(
        {
            "name": re.sub(r"[^A-Za-z0-9._-]+", "-", out.name).strip("-.") or "score",
            "corpus": {"path": str(files[0].path)},
            "setups": {n: {"title": n} for n in names},
            "judge": dict(judge or {}),
            "main_metric": metric,
        }
    )
    questions: dict[str, Question] = {}
    for file in files:
        for row in file.rows:
            made = questions.setdefault(row.id, _question(row))
            if made.text != row.question:
                raise CorpusError(
                    f'"{row.id}" is another question in the other file.',
                    where=file.path,
                    fix="Use the same ids for the same questions.",
                )
    if len(files) > 1 and not set.intersection(*({r.id for r in f.rows} for f in files)):
        raise CorpusError(
            "the files share no question.",
            where=files[1].path,
            fix="Pairing goes by id, or by the question's text where there is no id.",
        )
    with store.locked():
        bench = Workbench(settled(experiment, store), store, progress)
        bench.__dict__["corpus"] = Corpus(files[0].path, (), tuple(questions.values()))
        given = [(name, row) for name, file in zip(names, files, strict=True) for row in file.rows]
        answers = [_answered(name, row) for name, row in given]
        scores = [_without_reference(row, s) for (_, row), s in zip(given, judged(bench, answers), strict=True)]
        rows = [_known(row, r) for (_, row), r in zip(given, attribute(bench, answers, scores), strict=True)]
        costs = costs_of(bench, rows)
        write_run(
            out,
            bench,
            rows,
            summarise(bench, rows, {}, costs),
            costs,
            command=f"ragtune score {' '.join(str(f.path) for f in files)}",
        )
    return out


def _known(given: Given, row: Row) -> Row:
    """No cause without a reference: nothing says that the answer is wrong."""
    return row if given.references or given.unanswerable else Row(row.answered, row.scores)


def _names(files: Sequence[AnswersFile]) -> list[str]:
    found: list[str] = []
    for file in files:
        name, n = file.path.stem, 2
        while name in found:
            name, n = f"{file.path.stem} {n}", n + 1
        found.append(name)
    return found
