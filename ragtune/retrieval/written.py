"""What a language model writes to search with in place of a question, or beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ragtune.records import Hit, Question
from ragtune.retrieval.fuse import reciprocal_rank
from ragtune.retrieval.source import ByQueries, Source
from ragtune.text.outcome import abstains
from ragtune.text.thoughts import apart

By = Literal["rewrite", "hyde", "multi-query", "decompose", "sql"]
#: how many texts are asked for
COUNTS: dict[By, int] = {"rewrite": 1, "hyde": 1, "multi-query": 3, "decompose": 4, "sql": 1}
#: where the prompts lie
PROMPTS = Path(__file__).parent / "prompts"
_MARK = re.compile(
    r"^(?:[-*•–]\s+|[(（]?\d{1,2}[.):、）]\s*|(?:query|question|passage|sub-question|查询|问题)\s*\d*\s*[:：]\s*)+",
    re.I,
)
_FENCE = re.compile(r"```(?:\w+\n)?(.*?)```", re.S)
_QUOTES = "\"'“”‘’「」«»* "


def prompt_file(by: By) -> Path:
    """The prompt that asks for it."""
    return PROMPTS / f"{by}.yaml"


def read(raw: str, by: By, count: int) -> tuple[str, ...]:
    """The texts in a reply, without what marks them as a list, each once; none where it refused or said nothing."""
    told = apart(raw)
    if by == "sql":
        fenced = _FENCE.search(told.text)
        query = (fenced[1] if fenced else told.text).strip()
        return (query,) if query and not told.cut else ()
    if told.cut or abstains(told.text):
        return ()
    lines = [_MARK.sub("", line.strip()).strip(_QUOTES) for line in told.text.splitlines()]
    lines = [line for line in lines if line and not line.endswith((":", "：")) and any(map(str.isalnum, line))]
    if by == "hyde" and count == 1:
        lines = [" ".join(lines)] if lines else []
    first: dict[str, str] = {}
    for line in lines:
        first.setdefault(line.casefold(), line)
    return tuple(first.values())[:count]


def searched(question: str, by: By, texts: Sequence[str]) -> tuple[str, ...]:
    """What is searched for; the question stays where it is one of several queries, and where nothing was written."""
    if by in ("rewrite", "sql") and texts:
        return tuple(texts)
    return (question,) if by == "hyde" else tuple(dict.fromkeys((question, *texts)))


def find(
    source: Source, questions: Sequence[Question], by: By, written: Sequence[Sequence[str]], kept: int, rrf_k: int
) -> list[list[Hit]]:
    """The hits of each question, found with the texts ``written`` for it; rankings of several queries are fused.

    A passage that was made up (``hyde``) is embedded with the question: the mean of their vectors is searched with. Where the source
    can, re-ranking and the choice of unlike hits come after fusion and go by the question.
    """
    if by in ("hyde", "sql"):
        return source.hits(questions, written)
    queries = [searched(q.text, by, own) for q, own in zip(questions, written, strict=True)]
    if isinstance(source, ByQueries):
        return source.hits_by(questions, queries)
    flat = [replace(q, text=text) for q, own in zip(questions, queries, strict=True) for text in own]
    found = iter(source.hits(flat))
    return [_fused([next(found) for _ in own], kept, rrf_k) for own in queries]


def _fused(rankings: Sequence[Sequence[Hit]], kept: int, rrf_k: int) -> list[Hit]:
    """One ranking by reciprocal ranks; one alone stays as it is."""
    if len(rankings) == 1:
        return list(rankings[0])
    chunks = list({h.chunk.id: h.chunk for hits in rankings for h in hits}.values())
    row = {chunk.id: n for n, chunk in enumerate(chunks)}
    fused = reciprocal_rank([[(row[h.chunk.id], h.score) for h in hits] for hits in rankings], rrf_k)
    return [Hit(chunks[n], score, rank) for rank, (n, score) in enumerate(fused[:kept], 1)]
