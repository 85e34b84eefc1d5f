"""The stage that answers: from questions and hits to Rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from ragtune.experiment import retrieve
from ragtune.experiment.examples import chooser, shots_key
from ragtune.experiment.fits import whole
from ragtune.experiment.fitting import spoken_with
from ragtune.experiment.query import Written, queries, written
from ragtune.experiment.rounds import Find, Offered, Say, Want, Write, together, way_of
from ragtune.experiment.seeding import seeded
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


def answer_key(bench: Workbench, setup: Setup, seed: int, prompt: str = "") -> str:
    """What the answers depend on beside question and hits. A tuned model is a model: its fingerprint and its tuning."""
    own = not prompt or prompt == setup.prompt_name
    who = identity(setup.answering, bench.prompt_of(setup, prompt), bench.ref)
    tuning = f"{tune_key(bench, setup, seed)} merged" if setup.tuning else ""  # in the weights, as it is served
    drawn = seed if may_vary(setup.generator) else 0
    return digest("answer", ANSWER_VERSION, who, tuning, drawn, *(shots_key(bench, setup) if own else []))


def reading_key(setup: Setup) -> list[object]:
    """What rows depend on beside the keys of their hits and answers: how these follow one another, and the threshold that a reply is
    read by; nothing where an answer is asked for once and taken as it is."""
    below = setup.generator.abstain_below
    return [*(setup.retrieval.way() if setup.retrieval else []), *([["abstain_below", below]] if below else [])]


def item_key(bench: Workbench, setup: Setup, question: Question) -> str:
    shown: list[object] = []
    if setup.retrieval:
        shown = [retrieve.retrieve_key(bench, setup), setup.retrieval.shown, *setup.retrieval.view()]
    found = retrieve.item_key(bench, setup, question) if setup.retrieval else digest(question.text)
    named = question.id if GENERATORS[setup.generator.kind].by_id else ""
    return digest(found, shown, named)


def answer_step(
    bench: Workbench, name: str, setup: Setup, seed: int, questions: Sequence[Question] | None = None
) -> Step:
    """The answers to ``questions``, or to all that the setup is asked."""
    setup = seeded(setup, seed)
    items = dict.fromkeys(item_key(bench, setup, q) for q in (bench.asked(setup) if questions is None else questions))
    return Step("answer", answer_key(bench, setup, seed), tuple(items), _label(name, setup, seed))


def _label(name: str, setup: Setup, seed: int) -> str:
    return f"answer {name}" + (f", seed {seed}" if setup.depends_on_seed else "")


def make_generator(bench: Workbench, setup: Setup, prompt: str = "") -> Generator:
    """The setup's generator, by its own prompt or another; a local model is loaded when it is first used."""
    settings = spoken_with(bench, setup)

    def model():  # type: ignore[no-untyped-def]
        return bench.language_model(settings.model, settings.device, settings.dtype)

    shared = tuple(whole(bench, setup)) if not prompt or prompt == setup.prompt_name else ()
    return GENERATORS[settings.kind].make(Parts(settings, bench.prompt_of(setup, prompt), model, shared))


def answered(
    bench: Workbench, name: str, setup: Setup, seed: int, questions: Sequence[Question] | None = None
) -> list[Row]:
    """The rows of one setup and seed, in the order of ``questions`` (all that it is asked); missing answers are generated batch
    by batch."""
    questions = bench.asked(setup) if questions is None else questions
    setup = seeded(setup, seed)
    if way := way_of(setup):
        return together([way(setup, q) for q in questions], partial(_given, bench, name, setup, seed))
    found: list[tuple[list[Hit], float]] = [([], 0.0) for _ in questions]
    if setup.retrieval:
        found = retrieve.hits(bench, setup, questions)
    keys = [item_key(bench, setup, q) for q in questions]
    requests = {k: Request(k, q, tuple(h)) for k, q, (h, _) in zip(keys, questions, found, strict=True)}
    items = _replies(bench, name, setup, seed, requests)
    return [
        searched_with(setup, row_of(bench, name, setup, seed, q, hits, items[key], seconds), own)
        for q, key, (hits, seconds), own in zip(questions, keys, found, written(bench, setup, questions), strict=True)
    ]


def _replies(
    bench: Workbench, name: str, setup: Setup, seed: int, requests: Mapping[str, Request], prompt: str = ""
) -> dict[str, Reply]:
    """The reply to each request; missing ones are generated batch by batch and stored."""
    step = Step("answer", answer_key(bench, setup, seed, prompt), tuple(requests), _label(name, setup, seed))
    if step.stored(bench) < len(step.items):
        if not prompt or prompt == setup.prompt_name:
            shots = chooser(bench, setup)([r.question for r in requests.values()])
            requests = {k: replace(r, shots=s) for (k, r), s in zip(requests.items(), shots, strict=True)}
        adapter = tuned(bench, name, seed) if setup.tuning else None
        generator = make_generator(bench, setup, prompt)
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
    return {key: decode(Reply, items[key]) for key in requests}


def plain(setup: Setup) -> Setup:
    """The setup as it searches for a text as it stands, once: what its rounds are made of, shared with setups that do the same."""
    assert setup.retrieval is not None
    return setup.model_copy(update={"retrieval": setup.retrieval.model_copy(update={"query": None, "when": "once"})})


def _given(bench: Workbench, name: str, setup: Setup, seed: int, wants: Sequence[Want]) -> Sequence[object]:
    """What the ways of many questions want, all of one kind, from the store or made now."""
    questions = [want.question for want in wants]
    if isinstance(wants[0], Write):
        return written(bench, setup, questions)
    if isinstance(wants[0], Find):
        found = retrieve.hits(bench, setup if wants[0].written else plain(setup), questions)
        return [Offered(tuple(h), s, w) for (h, s), w in zip(found, wants, strict=True) if isinstance(w, Find)]
    says = [want for want in wants if isinstance(want, Say)]
    prompt = prompt_of(setup, says[0])
    keys = [_say_key(bench, setup, say) for say in says]
    requests = {k: Request(k, s.question, s.offered.hits if s.offered else ()) for k, s in zip(keys, says, strict=True)}
    items = _replies(bench, name, setup, seed, requests, prompt)
    return [
        row_of(bench, name, setup, seed, s.question, requests[k].hits, items[k], 0.0, prompt)
        for k, s in zip(keys, says, strict=True)
    ]


def prompt_of(setup: Setup, say: Say) -> str:
    """Without contexts a setup answers as one that does not retrieve."""
    return setup.prompt_name if say.offered else "closed"


def _say_key(bench: Workbench, setup: Setup, say: Say) -> str:
    """The key that the same answer has in a setup which finds these hits, or retrieves nothing, in the first place."""
    if say.offered is None:
        return item_key(bench, setup.model_copy(update={"retrieval": None}), say.question)
    find = say.offered.find
    found = item_key(bench, setup if find.written else plain(setup), find.question)
    return found if find.question.text == say.question.text else digest(say.question.text, found)


def searched_with(setup: Setup, row: Row, own: Written) -> Row:
    """The row with the queries that were written for its question, and what writing them took."""
    answer, times = row.answer, row.times
    told = replace(answer, queries=queries(setup, row.question, own), tokens=answer.tokens.after(own.tokens))
    return replace(row, answer=told, times=replace(times, retrieval=times.retrieval + own.seconds))


def row_of(
    bench: Workbench,
    name: str,
    setup: Setup,
    seed: int,
    question: Question,
    hits: Sequence[Hit],
    reply: Reply,
    seconds: float,
    prompt: str = "",
) -> Row:
    """The Row of one reply; ``hits`` were offered, ``seconds`` is what finding them took."""
    offered = list(hits) if reply.brought is None else list(reply.brought)
    shown = offered[: reply.hits]
    agreed = bench.prompt_of(setup, prompt).abstain
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
        reply.shots,
    )
    return Row(name, seed, question, answer, Times(seconds, reply.seconds))
