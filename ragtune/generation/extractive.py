"""``extractive``: no model. Answers with the sentence of the hits that best matches the question."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ragtune.generation.generator import Reply, Request
from ragtune.generation.prompts import Prompt
from ragtune.records import Hit, Tokens
from ragtune.text.sentences import sentence_spans

_COMMON = frozenset(
    (
        "a an and are as at be by can did do does for from has have how i in is it many much my of on or our the this that to was were what when "
        "where which who why will with you your"
    ).split()
)
#: smallest share of the question's (idf-weighted) words a sentence must hold
FLOOR = 0.34


def content_words(text: str) -> list[str]:
    """Lower-case words that carry meaning, roughly stemmed; Chinese by character."""
    words = re.findall(r"[\u3400-\u9fff]|[^\W_]+", text.lower())
    return [re.sub(r"(?<=\w{3})(?:ies|es|s|ed|ing)$", "", w) for w in words if w not in _COMMON]


class ExtractiveGenerator:
    """Scores each sentence by the idf-weighted share of the question's words in it and in its title line."""

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt

    def batches(self, requests: Sequence[Request], seed: int) -> list[list[Request]]:
        return [list(requests[i : i + 64]) for i in range(0, len(requests), 64)]

    def answer(self, batch: Sequence[Request], adapter: Path | None, seed: int) -> Iterator[Reply]:
        for request in batch:
            start = time.perf_counter()
            raw = best_sentence(request.question, request.hits) or self.prompt.abstain
            used = sum(len(h.chunk.text.split()) for h in request.hits)
            yield Reply(
                request.key, raw, len(request.hits), Tokens(used, len(raw.split())), "stop", time.perf_counter() - start
            )


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
