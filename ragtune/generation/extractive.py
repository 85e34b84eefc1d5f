"""``extractive``: no model. Answers with the sentence of the hits that best matches the question."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ragtune.generation.generator import Reply, Request
from ragtune.generation.prompts import Prompt
from ragtune.records import Hit, Tokens
from ragtune.text.sentences import sentence_spans
from ragtune.text.words import content_words

#: smallest share of the question's (idf-weighted) words a sentence must hold
FLOOR = 0.34


class ExtractiveGenerator:
    """Scores each sentence by the idf-weighted share of the question's words in it and in its title line."""

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt

    def batches(self, requests: Sequence[Request], seed: int) -> list[list[Request]]:
        return [list(requests[i : i + 64]) for i in range(0, len(requests), 64)]

    def answer(self, batch: Sequence[Request], adapter: Path | None, seed: int) -> Iterator[tuple[str, Reply]]:
        for request in batch:
            start = time.perf_counter()
            raw = best_sentence(request.question.text, request.hits) or self.prompt.abstain
            used = sum(len(h.chunk.text.split()) for h in request.hits)
            tokens = Tokens(used, len(raw.split()))
            yield request.key, Reply(raw, len(request.hits), tokens, "stop", time.perf_counter() - start)


def best_sentence(question: str, hits: Sequence[Hit]) -> str | None:
    """The best sentence with its citation, or None if none shares enough with the question."""
    found: list[tuple[int, str, set[str], set[str]]] = []
    for n, hit in enumerate(hits, 1):
        title = set(content_words(hit.chunk.title))
        for a, b in sentence_spans(hit.chunk.text):
            text = hit.chunk.text[a:b]
            if not text.startswith("#"):
                found.append((n, text, set(content_words(text)), title))
    wanted = set(content_words(question))
    if not found or not wanted:
        return None
    held: Counter[str] = Counter(w for _, _, words, _ in found for w in words & wanted)
    weight = {w: math.log(1 + len(found) / (0.5 + held[w])) for w in wanted}
    total = sum(weight.values())

    def score(item: tuple[int, str, set[str], set[str]]) -> tuple[float, int, int]:
        n, text, words, title = item
        share = sum(weight[w] for w in words & wanted) + 0.5 * sum(weight[w] for w in (title - words) & wanted)
        return (share / total - 0.002 * len(words), -n, -len(text))

    best = max(found, key=score)
    if score(best)[0] < FLOOR:
        return None
    return f"{best[1].lstrip('-*| ').rstrip('| ')} [{best[0]}]"
