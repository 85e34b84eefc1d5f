"""What a language model says to many texts by one prompt: kept by content, asked once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ragtune.experiment.stage import Made, Step, fill
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generator import Reply, Request
from ragtune.generation.generators import GENERATORS, Parts, identity
from ragtune.generation.prompts import Prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.records import Question
from ragtune.store import digest

#: a token in characters, on the safe side
_CHARACTERS = 2
#: tokens that a prompt takes beside its text
_AROUND = 300


def said(
    bench: Workbench,
    stage: str,
    label: str,
    who: GeneratorSettings,
    prompt: Prompt,
    texts: Sequence[str],
    take: Callable[[Reply], object],
) -> Mapping[str, Any]:
    """What is taken of the reply to each text, by the text; missing ones are asked for and stored under ``stage``.

    A server's replies are kept one by one, a local model's batch by batch.
    """
    requests = {digest(text): Request(digest(text), Question("", text), ()) for text in texts}
    kind = GENERATORS[who.kind]
    generator = kind.make(Parts(who, prompt, lambda: bench.language_model(who.model, who.device, who.dtype)))

    def batches() -> list[list[str]]:
        return [[r.key for r in batch] for batch in generator.batches(list(requests.values()), 0)]

    def compute(batch: Sequence[str]) -> Made:
        made = ((key, take(reply)) for key, reply in generator.answer([requests[k] for k in batch], None, 0))
        return made if kind.remote else dict(made)

    step = Step(stage, digest(stage, identity(who, prompt, bench.ref)), tuple(requests), label)
    items = fill(bench, step, compute, who.concurrency if kind.remote else batches)
    return {text: items[digest(text)] for text in texts}


def room(bench: Workbench, who: GeneratorSettings, most: int) -> int:
    """How many characters of a text its window surely holds, ``most`` at most."""
    model = bench.language_model(who.model, who.device, who.dtype) if who.kind == "local" else None
    windows = [w for w in (who.window, model.window if model else None) if w]
    return max(0, min([most, *(_CHARACTERS * (w - who.max_new_tokens - _AROUND) for w in windows)]))
