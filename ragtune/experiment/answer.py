"""The stages that answer with a language model and judge the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ragtune.experiment.spec import SetupSettings
from ragtune.experiment.tune import tune_key, tuned
from ragtune.experiment.workbench import Work, Workbench
from ragtune.generation.generator import Generator, Request
from ragtune.generation.prompts import read_reply
from ragtune.records import Answer, Question, Score, Tokens, to_json
from ragtune.store import digest

ANSWER_VERSION = 2


@dataclass(frozen=True)
class Answered:
    """One Answer with what belongs to it in a Run. ``seconds`` is generation, ``retrieval_seconds`` before it."""

    setup: str
    seed: int
    question: Question
    answer: Answer
    seconds: float
    retrieval_seconds: float


def depends_on_seed(setup: SetupSettings) -> bool:
    return setup.tuning is not None or (setup.generator.kind != "extractive" and setup.generator.sampled)


# --- answer --------------------------------------------------------------------------------------------------


def answer_key(bench: Workbench, setup: SetupSettings, seed: int) -> str:
    settings = setup.generator.model_dump(
        mode="json", exclude={"concurrency", "timeout", "retries", "api_key_env", "abstain_below"}
    )
    kind = setup.generator.kind
    model = bench.ref(setup.generator.model).fingerprint if kind == "local" else ""
    adapter = tune_key(bench, setup, seed) if setup.tuning else ""
    own_seed = seed if setup.generator.sampled else 0
    return digest("answer", ANSWER_VERSION, settings, model, bench.prompt(setup.prompt_name).key, adapter, own_seed)


def item_key(bench: Workbench, setup: SetupSettings, question: Question) -> str:
    hits = [bench.retrieve_key(setup), setup.retrieval.top_k] if setup.retrieval else []
    return digest(question.text, hits)


def make_generator(bench: Workbench, setup: SetupSettings) -> Generator:
    prompt = bench.prompt(setup.prompt_name)
    if setup.generator.kind == "extractive":
        from ragtune.generation.extractive import ExtractiveGenerator

        return ExtractiveGenerator(prompt)
    if setup.generator.kind == "endpoint":
        from ragtune.generation.endpoint import EndpointGenerator

        return EndpointGenerator(prompt, setup.generator)
    from ragtune.generation.local import LocalGenerator

    return LocalGenerator(bench.language_model(setup), prompt, setup.generator)


def answered(
    bench: Workbench, name: str, setup: SetupSettings, seed: int, questions: Sequence[Question]
) -> list[Answered]:
    """Answers of one setup and seed, in the order of the questions; missing ones are generated batch by batch."""
    hits = bench.hits(setup, questions) if setup.retrieval else [[] for _ in questions]
    log = bench.store.log("answer", answer_key(bench, setup, seed))
    keys = [item_key(bench, setup, q) for q in questions]
    todo = set(log.missing(keys))
    work = bench.work.setdefault("answer", Work())
    work.reused += len(set(keys)) - len(todo)
    if todo:
        adapter = tuned(bench, name, seed) if setup.tuning else None
        generator = make_generator(bench, setup)
        requests = {k: Request(k, q.text, tuple(h)) for k, q, h in zip(keys, questions, hits, strict=True)}
        label = f"answer {name}" + (f", seed {seed}" if depends_on_seed(setup) else "")
        with bench.timed("answer") as work, bench.progress.stage(label, len(todo)) as tick:
            # batches come from all requests, stored or not, so that a resumed run computes what an undisturbed one would
            for batch in generator.batches(list(requests.values()), seed):
                missing = [r for r in batch if r.key in todo]
                if not missing:
                    continue
                replies = {r.key: r for r in generator.answer(batch, adapter, seed)}
                log.add({r.key: _reply_json(replies[r.key]) for r in missing})
                work.computed += len(missing)
                tick(len(missing))
    seconds = bench.hit_seconds(setup, questions) if setup.retrieval else [0.0] * len(questions)
    abstain = bench.prompt(setup.prompt_name).abstain
    return [
        _answered(name, seed, q, h, log.items[k], s, abstain, setup.generator.abstain_below)
        for q, h, k, s in zip(questions, hits, keys, seconds, strict=True)
    ]


def _reply_json(reply: Any) -> dict[str, Any]:
    return {
        "raw": reply.raw,
        "hits": reply.hits,
        "tokens": [reply.tokens.prompt, reply.tokens.answer],
        "finish": reply.finish,
        "seconds": round(reply.seconds, 6),
        "confidence": reply.confidence,
    }


def _answered(
    name: str,
    seed: int,
    question: Question,
    hits: list[Any],
    item: dict[str, Any],
    retrieval: float,
    abstain: str,
    least: float,
) -> Answered:
    shown = hits[: item["hits"]]
    confidence = item["confidence"]
    text, citations, abstained = read_reply(item["raw"], confidence, len(shown), abstain, least)
    answer = Answer(
        text,
        citations,
        tuple(shown),
        len(hits) - len(shown),
        abstained,
        Tokens(*item["tokens"]),
        item["finish"],
        confidence,
    )
    return Answered(name, seed, question, answer, item["seconds"], retrieval)


# --- judge ---------------------------------------------------------------------------------------------------


def judged(bench: Workbench, answers: Sequence[Answered]) -> list[dict[str, Score]]:
    """The judge's scores for each answer; each distinct answer with its contexts is judged once ever."""
    from ragtune.judging.judge import Item
    from ragtune.judging.judges import make_judge
    from ragtune.retrieval.retriever import indexed_text

    settings = bench.experiment.judge
    judge = make_judge(settings, bench.encoder(settings.embedder), bench.ref, bench.store)
    log = bench.store.log("judge", judge.key)
    items = []
    for a in answers:
        contexts = tuple(indexed_text(h.chunk) for h in a.answer.hits)
        key = digest(to_json(a.question), a.answer.text, a.answer.abstained, contexts, a.answer.citations)
        items.append(Item(key, a.question, a.answer.text, a.answer.abstained, contexts, a.answer.citations))
    todo = {i.key: i for i in items if i.key not in log.items}
    with bench.timed("judge") as work:
        work.reused += len({i.key for i in items}) - len(todo)
        if todo:
            with bench.progress.stage("judge", len(todo)) as tick:
                waiting = list(todo.values())
                for at in range(0, len(waiting), 128):
                    part = waiting[at : at + 128]
                    judge.prepare(part)
                    log.add(
                        {i.key: {m: [s.value, s.reason, s.failed] for m, s in judge.judge(i).items()} for i in part}
                    )
                    work.computed += len(part)
                    tick(len(part))
    return [{m: Score(m, *row) for m, row in log.items[i.key].items()} for i in items]
