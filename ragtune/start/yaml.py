"""The experiment that `ragtune init` writes: a YAML file that runs as it is and says why each line stands there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ragtune.start.budget import Prices
from ragtune.start.choices import Choices

#: hits that are shown
TOP_K = 3


@dataclass(frozen=True)
class Setting:
    """What the file is written from."""

    name: str
    corpus: Path
    choices: Choices
    questions: int
    tuned: bool
    why_untuned: str
    prices: Prices | None
    currency: str
    estimate: str


def written(s: Setting) -> str:
    """The text of the file."""
    c = s.choices
    generator = [f"model: {_text(c.model)}"]
    if c.endpoint:
        generator.append(f"endpoint: {_text(c.endpoint)}")
    if c.model != "extractive":
        generator.append("max_new_tokens: 48")
    search = [
        "    # Vectors and words fused: on XQuAD the two together find more than either alone. e5-small reads about a hundred languages.",
        "    retrieval: &search",
        f"      dense: {{embedder: {_text(c.embedder)}}}",
        "      lexical: true",
        "      fusion: {by: weighted}",
        "      rerank: {candidates: 10}  # the ten best read again, token by token: finds more once again",
        f"      top_k: {TOP_K}",
    ]
    lines = [
        f"# Which of these setups should answer questions about {s.name}? Written by `ragtune init`; every line may be changed.",
        f"# {s.estimate}",
        f"#   ragtune run experiments/{s.name}.yaml --until untuned --watch   a first verdict, before anything is tuned",
        f"#   ragtune run experiments/{s.name}.yaml                          the rest; nothing is done twice",
        f"name: {s.name}",
        f"corpus: {_text(s.corpus.as_posix())}",
        "seeds: [0]  # three, [0, 1, 2], show how much a tuning hangs on chance",
        "main_metric: answer_correctness",
        "",
        f"# Languages found: {c.told}.",
        "# Sentences up to 128 tokens a chunk: what was best on the train split of the shipped handbook. Small chunks say where an",
        "# answer stands; {by: markdown, size: 256} keeps sections together.",
        "chunking: {by: sentences, size: 128}",
        f"# What answers: {c.why_model}.",
        f"generator: {{{', '.join(generator)}}}",
        "",
        "setups:",
    ]
    if c.model == "extractive":
        lines += [
            "  words:  # found by words alone, quoted",
            "    title: Quoted, words alone",
            f"    retrieval: {{dense: false, lexical: true, top_k: {TOP_K}}}",
            "  hybrid:  # found by words and vectors, quoted",
            "    title: Quoted, words and vectors",
            *search,
            "  oracle:  # the right passage given: what better retrieval could add",
            "    title: Quoted, right passage given",
            "    retrieval: {source: oracle, top_k: 1}",
            "  # reader: {title: A model that reads, retrieval: true, generator: {model: path/to/a/model, max_new_tokens: 48}}",
        ]
    else:
        lines += [
            "  prompt-only:  # what the model knows by itself",
            "    title: Prompt only",
            "  rag:",
            "    title: RAG",
            *search,
            "  oracle:  # the right passage given: what better retrieval could add",
            "    title: Right passage given",
            "    retrieval: {source: oracle, top_k: 1}",
        ]
        tuned = [
            "  rag-tuned:  # tuned to read contexts like these",
            "    title: RAG + tuned",
            "    retrieval: *search",
            "    tuning: {train_on: contexts, epochs: 2, learning_rate: 0.0005, batch_tokens: 800, lora: {upper: 15}}",
        ]
        if s.tuned:
            lines += tuned
        else:
            lines += [f"  # {s.why_untuned}", *(f"  #{line[1:]}" for line in tuned)]
        lines.append(
            "  # ours: {system: path/to/file.py:answer}  # what you have already: a function or an HTTP address"
        )
    if s.prices:
        lines += [
            "",
            f"costs: {{currency: {s.currency or 'USD'}, prompt_1k_tokens: {s.prices.prompt / 1000:g}, answer_1k_tokens: {s.prices.answer / 1000:g}}}",
        ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A text as YAML and JSON both write it."""
    return json.dumps(value, ensure_ascii=False)
