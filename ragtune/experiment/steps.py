"""How many optimiser steps a tuning will have, as far as can be told before anything is loaded or retrieved."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from ragtune.experiment.spec import Setup
from ragtune.experiment.tune import training_questions, tune_key, tuning_prompts
from ragtune.experiment.workbench import Workbench
from ragtune.models.names import ADAPTER_CARD
from ragtune.models.server import Message
from ragtune.models.tokens import token_spans
from ragtune.tuning.batches import steps_of
from ragtune.tuning.recipes import RECIPES, build_items


def expected_steps(bench: Workbench, setup: Setup, seed: int) -> tuple[int, bool]:
    """Optimiser steps of the tuning, and whether they are known (it is stored) or estimated.

    Contexts, which are not retrieved yet, count with the largest size that a chunk may have.
    """
    assert setup.tuning is not None
    stored = bench.store.find("tune", tune_key(bench, setup, seed))
    if stored is not None:
        return int(json.loads((stored / ADAPTER_CARD).read_text("utf-8"))["report"]["steps"]), True
    settings = setup.tuning
    prompt = tuning_prompts(bench, setup)[0]
    contexts = RECIPES[settings.train_on].sees_contexts
    items = []
    for training, questions in training_questions(bench, setup, seed, "train", choosing=False):
        documents = {d.id: d for d in training.corpus.documents} if settings.evidence_words and not contexts else {}
        questions = questions[: settings.questions]
        items += build_items(questions, [()] * len(questions), [], settings, prompt.abstain, seed, documents)
    top_k = sum(settings.contexts) / 2 if settings.contexts else setup.retrieval.shown if setup.retrieval else 0
    shown = round(top_k * setup.chunking.size) if contexts and setup.retrieval else 0
    count, around = _counters(bench, setup, prompt.messages("", ()))
    lengths = [around + shown + count(item.question.text) + count(item.target) + 1 for item in items]
    return steps_of(lengths, settings, seed), False


def _counters(bench: Workbench, setup: Setup, empty: Sequence[Message]) -> tuple[Callable[[str], int], int]:
    """What counts a text's tokens with the model's own tokenizer (as four characters each where that would be downloaded), and
    how many tokens the prompt has without question and contexts."""
    generator = setup.generator
    ref = bench.ref(generator.model)
    whole = "\n\n".join(m["content"] for m in empty)
    if not ref.local:
        return lambda text: -(-len(text) // 4), -(-len(whole) // 4)
    tokens = token_spans(ref)
    model = bench.language_model(generator.model, generator.device, generator.dtype)
    chats = getattr(model.tokenizer, "chat_template", None)  # without one, the prompt is the messages' text
    around = len(model.encode_prompt(empty)) if chats else len(tokens.spans(whole))
    return lambda text: len(tokens.spans(text)), around
