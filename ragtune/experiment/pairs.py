"""Pairs of a right and a wrong answer for preference tuning: what a tuned model says to the train questions, sampled and told apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from ragtune.errors import ExperimentError
from ragtune.experiment import legs, retrieve
from ragtune.experiment.fitting import spoken_with
from ragtune.experiment.lessons import RIGHT
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Made, Step, fill
from ragtune.experiment.tune import tune_key, tuning_prompts
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generator import Reply, Request
from ragtune.generation.generators import identity
from ragtune.generation.local import LocalGenerator, shown
from ragtune.models.causal import LanguageModel
from ragtune.records import Hit, Question
from ragtune.store import decode, digest
from ragtune.text.agree import agree
from ragtune.text.outcome import read_reply
from ragtune.tuning.batches import Encoded, encode_item
from ragtune.tuning.recipes import RECIPES
from ragtune.tunings import Spent

SAMPLE_VERSION = 1


def encoded_pairs(
    bench: Workbench, name: str, setup: Setup, seed: int, asked: Sequence[tuple[Workbench, list[Question]]]
) -> tuple[list[Encoded], Spent]:
    """A right and a wrong answer in turns, one pair of each question that was answered both ways; and what sampling them took.

    Raises:
        ExperimentError: none was.
    """
    generator = setup.generator
    model = bench.language_model(generator.model, generator.device, generator.dtype)
    found = [_of_corpus(training, setup, seed, questions, model) for training, questions in asked]
    made = [item for items, _ in found for item in items]
    if not made:
        raise ExperimentError(
            f'setup "{name}": of no train question the samples hold a right and a wrong answer, so there is nothing to prefer.',
            where="tuning.preference",
            fix="Raise samples or temperature, or train on harder questions.",
        )
    return made, sum((spent for _, spent in found), Spent())


def _of_corpus(
    bench: Workbench, setup: Setup, seed: int, questions: list[Question], model: LanguageModel
) -> tuple[list[Encoded], Spent]:
    assert setup.tuning is not None
    prompt = tuning_prompts(bench, setup)[0]
    sees = RECIPES[setup.tuning.train_on].sees_contexts and setup.retrieval is not None
    found: list[list[Hit]] = [[] for _ in questions]
    if sees and setup.retrieval:
        found = [hits for hits, _ in retrieve.hits(bench, setup, questions)]
    said, spent = _samples(bench, setup, seed, questions, found, model)
    made = []
    for question, hits, replies in zip(questions, found, said, strict=True):
        kept = shown(model, prompt, spoken_with(bench, setup), question.text, hits).hits
        texts = {reply.raw: _is_right(question, reply, len(kept), prompt.abstain) for reply in replies}
        pair = next(((a, b) for a, b in product(texts, texts) if texts[a] is True and texts[b] is False), None)
        if pair:
            messages = prompt.messages(question.text, kept)
            made += [encode_item(model, messages, text, setup.generator.thinking) for text in pair]
    return made, spent


def _is_right(question: Question, reply: Reply, shown: int, abstain: str) -> bool | None:
    """Whether a reply answers a question that can be answered with what its references say, or abstains from another; None
    where it does neither."""
    said = read_reply(reply.raw, shown, abstain, reply.confidence, 0.0, reply.finish)
    if said.outcome not in ("answered", "abstained"):
        return None
    if not question.answerable or said.outcome == "abstained":
        return not question.answerable and said.outcome == "abstained"
    return agree(question.text, question.references, said.text).probability >= RIGHT


def _samples(
    bench: Workbench,
    setup: Setup,
    seed: int,
    questions: list[Question],
    found: list[list[Hit]],
    model: LanguageModel,
) -> tuple[list[list[Reply]], Spent]:
    """The replies of the model that training begins with, so many of each question, stored as they come; and what they took."""
    assert setup.tuning is not None
    assert setup.tuning.preference is not None
    wanted = setup.tuning.preference
    before, adapter = legs.leg_before(setup, seed), legs.folder_before(setup)
    key = legs.folder_key(adapter) if adapter else ""
    if before:
        key = tune_key(bench, bench.setup(before.name), before.seed)
        adapter = bench.store.path("tune", key)
    prompt = tuning_prompts(bench, setup)[0]
    settings = spoken_with(bench, setup).model_copy(update={"temperature": wanted.temperature})
    generator = LocalGenerator(model, prompt, settings)
    keys = [
        digest(q.text, [h.chunk.id for h in hits], [h.chunk.text for h in hits])
        for q, hits in zip(questions, found, strict=True)
    ]
    requests = {k: Request(k, q, tuple(h)) for k, q, h in zip(keys, questions, found, strict=True)}
    said: list[list[Reply]] = [[] for _ in questions]
    spent = Spent()
    for n in range(wanted.samples):
        own = seed * 1000 + n

        def compute(batch: Sequence[str], own: int = own) -> Made:
            return dict(generator.answer([requests[k] for k in batch], adapter, own))

        def batches(own: int = own) -> list[list[str]]:
            return [[r.key for r in batch] for batch in generator.batches(list(requests.values()), own)]

        which = digest("sample", SAMPLE_VERSION, identity(settings, prompt, bench.ref), key, own)
        items = fill(
            bench, Step("sample", which, tuple(requests), f"sample {n + 1} of {wanted.samples}"), compute, batches
        )
        made = {item: decode(Reply, items[item]) for item in requests}
        spent = sum((Spent(r.seconds, r.tokens.prompt, r.tokens.answer) for r in made.values()), spent)
        for replies, item in zip(said, keys, strict=True):
            replies.append(made[item])
    return said, spent
