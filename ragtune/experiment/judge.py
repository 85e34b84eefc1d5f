"""The stage that judges, and finds the cause of every wrong answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ragtune.analysis.causes import Known, cause
from ragtune.experiment import retrieve
from ragtune.experiment.seeding import seeded
from ragtune.experiment.stage import Step, fill
from ragtune.experiment.workbench import Workbench
from ragtune.judging.judges import make_judge
from ragtune.records import Hit, Row, Score, question_key
from ragtune.store import decode, digest
from ragtune.text.overlap import normalise_answer

JUDGE_VERSION = 3
#: answers that are judged together
BATCH = 128


def row_key(row: Row) -> str:
    """What a verdict depends on: question, answer, contexts and citations."""
    answer = row.answer
    return digest(question_key(row.question), answer.text, answer.outcome, answer.contexts, answer.citations)


def judged(bench: Workbench, rows: Sequence[Row]) -> list[Row]:
    """The rows with the judge's scores; each distinct answer with its contexts is judged once ever."""
    settings = bench.experiment.judge
    judge = make_judge(settings, bench.encoder(settings.embedder), bench.ref, bench.store)
    by_key = {row_key(row): row for row in rows}
    step = Step("judge", digest("judge", JUDGE_VERSION, judge.key), tuple(by_key), "judge")

    def compute(keys: Sequence[str]) -> Mapping[str, Mapping[str, Score]]:
        return dict(zip(keys, judge.score([by_key[k] for k in keys]), strict=True))

    items = fill(bench, step, compute, BATCH)
    return [replace(row, scores={m: decode(Score, s) for m, s in items[row_key(row)].items()}) for row in rows]


def attributed(bench: Workbench, rows: Sequence[Row]) -> list[Row]:
    """The rows with the cause of each wrong answer."""
    setups = bench.experiment.setups
    deep: dict[tuple[str, int, str], list[Hit]] = {}
    for name, setup in setups.items():
        if not setup.retrieval:
            continue
        most = setup.retrieval.shown if setup.retrieval.everything else retrieve.KEPT
        for seed in bench.experiment.seeds_of(setup):
            found = retrieve.hits(bench, seeded(setup, seed), bench.questions, top_k=most)
            deep.update({(name, seed, q.id): row for q, (row, _) in zip(bench.questions, found, strict=True)})
    taught = {
        name: {
            normalise_answer(a)
            for training in bench.trainings(setup)
            for q in training.corpus.split("train")
            for a in q.references
        }
        for name, setup in setups.items()
        if setup.tuning
    }
    everything = " " + " ".join(normalise_answer(d.text) for d in bench.corpus.documents) + " "
    return [
        replace(
            row,
            cause=cause(
                row,
                Known(
                    deep.get((row.setup, row.seed, row.question.id), []),
                    setups[row.setup].retrieval is not None,
                    taught.get(row.setup, set()),
                    lambda said: f" {said} " in everything,
                ),
            ),
        )
        for row in rows
    ]
