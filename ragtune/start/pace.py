"""How fast this machine (or an endpoint) does what a first experiment asks for: a short measurement, in seconds a piece."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ragtune.experiment.progress import Progress
from ragtune.generation.generator import Request
from ragtune.generation.generators import GENERATORS, Parts
from ragtune.generation.prompts import load_prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.encoder import SentenceEncoder
from ragtune.models.names import resolve
from ragtune.records import Chunk, Hit, Question, Tokens

#: texts that are embedded, and questions that are answered, to measure
TEXTS, ASKED = 8, 2


@dataclass(frozen=True)
class Pace:
    """Seconds a chunk takes to embed, and an answer with and without contexts; tokens of such an answer's prompt and reply."""

    embed: float
    read: float
    bare: float
    tokens: Tokens


def measure(
    embedder: str, settings: GeneratorSettings, texts: Sequence[str], question: str, top_k: int, progress: Progress
) -> Pace:
    """Embed a few of ``texts`` and answer ``question`` from ``top_k`` of them, twice; the first time warms up."""
    some = list(texts[: max(TEXTS, top_k)])
    with progress.stage("measure this machine", 3) as tick:
        encoder = SentenceEncoder(resolve(embedder))
        encoder.encode(some[:2])
        start = time.perf_counter()
        encoder.encode(some[:TEXTS])
        embed = (time.perf_counter() - start) / len(some[:TEXTS])
        tick(1)
        hits = tuple(Hit(Chunk(f"c{n}", f"d{n}", 0, len(t), t), 1.0, n + 1) for n, t in enumerate(some[:top_k]))
        read, tokens = _answer(settings, question, hits)
        tick(1)
        bare = _answer(settings, question, ())[0] if settings.kind != "extractive" else 0.0
        tick(1)
    return Pace(embed, read, bare, tokens)


def _answer(settings: GeneratorSettings, question: str, hits: tuple[Hit, ...]) -> tuple[float, Tokens]:
    """(seconds, tokens) of one answer, the last of a few."""
    prompt = load_prompt("cited" if hits else "closed")
    models: list[LanguageModel] = []

    def model() -> LanguageModel:
        if not models:
            models.append(LanguageModel(resolve(settings.model)))
        return models[0]

    generator = GENERATORS[settings.kind].make(Parts(settings, prompt, model))
    spent, tokens = 0.0, Tokens()
    for n in range(1 if settings.kind == "endpoint" else ASKED):
        asked = Question(f"q{n}", question)
        start = time.perf_counter()
        for _, reply in generator.answer([Request(f"q{n}", asked, hits)], None, 0):
            tokens = reply.tokens
        spent = time.perf_counter() - start
    return spent, tokens
