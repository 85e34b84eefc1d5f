"""What a generator finds useful: how likely it gives the reference with each hit before it.

LM-supervised retrieval: the target of a hit is the softmax of the likelihood of the reference given the hit (REPLUG LSR, Shi et al.
2023, arXiv:2301.12652; RA-DIT, Lin et al. 2023, arXiv:2310.01352). The generator is the setup's untuned one, so that its own tuning
may see what the tuned retriever finds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ragtune.experiment.spec import Setup
from ragtune.experiment.workbench import Workbench
from ragtune.models.chat import VERSION as CHAT_VERSION
from ragtune.models.devices import placed
from ragtune.records import Hit, Question
from ragtune.retrieval.tuning.lessons import Lesson
from ragtune.retrieval.tuning.settings import DenseTuning
from ragtune.store import digest


def supervisor(bench: Workbench, setup: Setup) -> str:
    """What identifies the generator that says what is useful, and the prompt it is asked in."""
    own = setup.generator
    where = placed(own.device, own.dtype)
    who = [bench.ref(own.model).fingerprint, CHAT_VERSION, where.device, where.dtype, own.thinking]
    return digest(*who, own.window, own.max_new_tokens, bench.prompt_of(setup).key)


def generator_lessons(
    bench: Workbench, setup: Setup, questions: Sequence[Question], hits: Sequence[Sequence[Hit]], settings: DenseTuning
) -> list[Lesson]:
    """A lesson for each question: its best hits, each with the share of the right that the generator gives it."""
    from ragtune.generation.local import shown
    from ragtune.tuning.batches import Encoded
    from ragtune.tuning.likelihood import likelihoods

    own = setup.generator
    model = bench.language_model(own.model, own.device, own.dtype)
    prompt = bench.prompt_of(setup)
    most = min([settings.negatives + 1, *map(len, hits)])  # as many for each question
    found = []
    with bench.progress.stage("ask the generator what helps", len(questions)) as tick:
        for question, row in zip(questions, hits, strict=True):
            items = []
            for hit in row[:most]:
                alone = [Hit(hit.chunk, hit.score, 1)]
                messages = prompt.messages(question.text, alone)
                ids = shown(model, prompt, own, question.text, alone).ids
                target = model.encode_target(messages, question.references[0], ids, own.thinking)
                items.append(Encoded(tuple(ids), tuple(target)))
            scores = np.array(likelihoods(model, items)) / settings.temperature
            shares = np.exp(scores - scores.max())
            chunks = tuple(hit.chunk for hit in row[:most])
            found.append(Lesson(question.text, chunks, tuple((shares / shares.sum()).tolist())))
            tick(1)
    return found
