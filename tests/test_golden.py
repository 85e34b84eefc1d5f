"""Numbers of a whole Run on tiny models and of a scored file, kept to the digit: a change of structure changes none of them.

Where a definition changes on purpose, make the files anew: ``python -m tests.test_golden``, and say in the commit why.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import build_tiny, write_corpus

from ragtune.cli import main

GOLDEN = Path(__file__).parent / "golden"
EXPERIMENT = """\
name: golden
corpus: {path: corpus}
seeds: [0, 1]
generator: {model: ./llama, max_new_tokens: 6}
retrieval: {lexical: true, rerank: {candidates: 3}, top_k: 2}
chunking: {by: markdown, size: 64}
costs: {prompt_1k_tokens: 0.01, answer_1k_tokens: 0.03}
setups:
  plain: {}
  rag: {retrieval: {top_k: 1}}
  extractive: {retrieval: true, generator: {model: extractive}}
  lexical: {retrieval: {dense: false, rerank: false}, generator: {model: extractive}}
  tuned: {tuning: &t {train_on: closed-book, epochs: 2, lora: {r: 2}, variants: 1, evidence_words: 2}}
  naive: {retrieval: true, tuning: *t}
  raft: {retrieval: true, tuning: {train_on: raft, epochs: 2, lora: {r: 2}}}
  read: {retrieval: {top_k: 1}, tuning: {train_on: contexts, epochs: 1, lora: {r: 2}}}
"""
ANSWERS = [
    {
        "id": "1",
        "question": "When is tea?",
        "answer": "Tea is at 15:30 [1].",
        "contexts": ["Tea is served at 15:30.", "Biscuits cost 2 euros."],
        "reference": "15:30",
        "tags": ["a"],
    },
    {
        "id": "2",
        "question": "What do biscuits cost?",
        "answer": "3 euros",
        "contexts": ["Biscuits cost 2 euros."],
        "reference": "2 euros",
        "tags": ["b"],
    },
    {
        "id": "3",
        "question": "Who pours tea?",
        "answer": "I'm sorry, the context does not mention it.",
        "contexts": ["Tea is served at 15:30."],
        "reference": "Ola Brand",
        "tags": ["a"],
    },
    {
        "id": "4",
        "question": "What is the moon?",
        "answer": "Cheese.",
        "contexts": ["Tea is at 15:30."],
        "unanswerable": True,
    },
    {
        "id": "5",
        "question": "Who is captain?",
        "answer": "Ida Moen is. The boat carries 12.",
        "contexts": ["The captain is Ida Moen.", "It carries 30."],
        "reference": "Ida Moen",
    },
]


def make(folder: Path) -> dict[str, Any]:
    """Run and score in ``folder``; the two summaries."""
    build_tiny("llama", folder / "llama")
    write_corpus(folder / "corpus")
    (folder / "golden.yaml").write_text(EXPERIMENT, "utf-8")
    rows = [ANSWERS, [{**r, "answer": r.get("reference", "I don't know.")} for r in ANSWERS]]
    for name, own in zip(("old", "new"), rows, strict=True):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in own), "utf-8")
    here = Path.cwd()
    os.chdir(folder)
    try:
        assert main(["run", "golden.yaml"]) == 0
        assert main(["score", "old.jsonl", "new.jsonl", "--out", "runs/scored"]) == 0
    finally:
        os.chdir(here)
    return {n: json.loads((folder / "runs" / n / "summary.json").read_text("utf-8")) for n in ("golden", "scored")}


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf by its path; differences by what they compare. What is empty is left out."""
    if isinstance(value, dict):
        return {k: v for key, inner in value.items() for k, v in flat(inner, f"{path}/{key}").items()}
    if isinstance(value, list):
        names = [
            f"{x['metric']}: {x['a']}, {x['b']}" if isinstance(x, dict) and "effect" in x else n
            for n, x in enumerate(value)
        ]
        return {
            k: v for name, inner in zip(names, value, strict=True) for k, v in flat(inner, f"{path}/{name}").items()
        }
    return {path: value} if value is not None else {}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return make(tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("name", ["golden", "scored"])
def test_no_number_moves(made: dict[str, Any], name: str) -> None:
    wanted = flat(json.loads((GOLDEN / f"{name}.json").read_text("utf-8")))
    found = flat(made[name])
    assert set(found) == set(wanted)
    wrong = {
        k: (v, found[k])
        for k, v in wanted.items()
        if found[k] != (pytest.approx(v, abs=2e-5) if isinstance(v, float) else v)
    }
    assert not wrong


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        for name, summary in make(Path(sys.argv[1] if len(sys.argv) > 1 else place)).items():
            (GOLDEN / f"{name}.json").write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n", "utf-8")
