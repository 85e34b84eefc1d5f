"""The stage that answers: from questions and hits to Rows."""

from __future__ import annotations

from collections.abc import Sequence

from ragtune.experiment import retrieve
from ragtune.experiment.fitting import spoken_with
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Made, Step, fill
from ragtune.experiment.tune import tune_key, tuned
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generator import Generator, Reply, Request
from ragtune.generation.generators import GENERATORS, Parts, identity, may_vary
from ragtune.records import Answer, Hit, Question, Row, Times
from ragtune.store import decode, digest
from ragtune.text.outcome import read_reply

ANSWER_VERSION = 4


def answer_key(bench: Workbench, setup: Setup, seed: int) -> str:
    """What the answers depend on beside question and hits. A tuned model is a model: its fingerprint and its tuning."""
    who = identity(setup.generator, bench.prompt(setup.prompt_name), bench.ref)
    tuning = f"{tune_key(bench, setup, seed)} merged" if setup.tuning else ""  # in the weights, as it is served
    return digest("answer", ANSWER_VERSION, who, tuning, seed if may_vary(setup.generator) else 0)


def item_key(bench: Workbench, setup: Setup, question: Question) -> str:
    shown = [retrieve.retrieve_key(bench, setup), setup.retrieval.top_k] if setup.retrieval else []
    found = retrieve.item_key(bench, setup, question) if setup.retrieval else digest(question.text)
    named = question.id if GENERATORS[setup.generator.kind].by_id else ""
    return digest(found, shown, named)


def answer_step(
    bench: Workbench, name: str, setup: Setup, seed: int, questions: Sequence[Question] | None = None
) -> Step:
    """The answers to ``questions``, or to all that the setup is asked."""
    items = dict.fromkeys(item_key(bench, setup, q) for q in (bench.asked(setup) if questions is None else questions))
    label = f"answer {name}" + (f", seed {seed}" if setup.depends_on_seed else "")
    return Step("answer", answer_key(bench, setup, seed), tuple(items), label)


def make_generator(bench: Workbench, setup: Setup) -> Generator:
    """The setup's generator; a local model is loaded when it is first used."""
    settings = spoken_with(bench, setup)

    def model():  # type: ignore[no-untyped-def]
        return bench.language_model(settings.model, settings.device, settings.dtype)

    return GENERATORS[settings.kind].make(Parts(settings, bench.prompt(setup.prompt_name), model))


def answered(
    bench: Workbench, name: str, setup: Setup, seed: int, questions: Sequence[Question] | None = None
) -> list[Row]:
    """The rows of one setup and seed, in the order of ``questions`` (all that it is asked); missing answers are generated batch
    by batch."""
    questions = bench.asked(setup) if questions is None else questions
    found: list[tuple[list[Hit], float]] = [([], 0.0) for _ in questions]
    if setup.retrieval:
        found = retrieve.hits(bench, setup, questions)
    step = answer_step(bench, name, setup, seed, questions)
    keys = [item_key(bench, setup, q) for q in questions]
    requests = {k: Request(k, q, tuple(h)) for k, q, (h, _) in zip(keys, questions, found, strict=True)}
    if step.stored(bench) < len(step.items):
        adapter = tuned(bench, name, seed) if setup.tuning else None
        generator = make_generator(bench, setup)
        if adapter:
            local = setup.generator
            bench.language_model(local.model, local.device, local.dtype).merge(adapter)

    def batches() -> list[list[str]]:
        return [[r.key for r in batch] for batch in generator.batches(list(requests.values()), seed)]

    def compute(batch: Sequence[str]) -> Made:
        replies = generator.answer([requests[k] for k in batch], adapter, seed)
        return replies if remote else dict(replies)

    # what a server answers does not depend on its company: only what is missing is asked, and each reply kept as it comes
    remote = GENERATORS[setup.generator.kind].remote
    items = fill(bench, step, compute, setup.generator.concurrency if remote else batches)
    return [
        row_of(bench, name, setup, seed, q, hits, decode(Reply, items[key]), seconds)
        for q, key, (hits, seconds) in zip(questions, keys, found, strict=True)
    ]


def row_of(
    bench: Workbench,
    name: str,
    setup: Setup,
    seed: int,
    question: Question,
    hits: Sequence[Hit],
    reply: Reply,
    seconds: float,
) -> Row:
    """The Row of one reply; ``hits`` were offered, ``seconds`` is what finding them took."""
    offered = list(hits) if reply.brought is None else list(reply.brought)
    shown = offered[: reply.hits]
    agreed = bench.prompt(setup.prompt_name).abstain
    said = read_reply(reply.raw, len(shown), agreed, reply.confidence, setup.generator.abstain_below, reply.finish)
    answer = Answer(
        said.text,
        said.citations,
        tuple(shown),
        len(offered) - len(shown),
        said.outcome,
        reply.tokens,
        "thinking" if said.cut and reply.finish == "stop" else reply.finish,
        reply.confidence,
        "\n\n".join(filter(None, (reply.thought, said.thought))),
    )
    return Row(name, seed, question, answer, Times(seconds, reply.seconds))
