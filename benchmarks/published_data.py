"""Data for ``experiments/kubernetes.yaml`` and ``experiments/published/torchhub.yaml``: ``python -m benchmarks.published_data SOURCES DEST``.

SOURCES holds the folders kubernetes-docs (559 pages, 2,253 questions; CC BY 4.0) and gorilla-torchhub (94 API documents, 1,022
questions; Apache-2.0). DEST gets a corpus of each. Questions of kubernetes-docs name a page; the sentence of it that says the
answer is looked for by `corpus.found` and stands as evidence, else the page does.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ragtune.corpus.found import EvidenceFinder
from ragtune.corpus.importers import import_corpus
from ragtune.corpus.load import CorpusSettings, load_corpus


def kubernetes(source: Path, out: Path) -> None:
    import_corpus("folder", source / "documents", out)
    corpus = load_corpus(CorpusSettings(path=str(out)))
    pages = {d.id: d for d in corpus.documents}
    finders: dict[str, EvidenceFinder] = {}
    rows, found = list[dict[str, Any]](), 0
    for line in (source / "questions.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        page = pages.get(row["document"])
        if page is None:
            continue
        finder = finders.setdefault(page.id, EvidenceFinder([page]))
        span = finder.find(row["question"], row["answers"])
        found += span is not None
        evidence = {"document": page.id, **({"start": span.start, "end": span.end} if span else {})}
        kept = {k: row[k] for k in ("id", "question", "answers", "split")}
        rows.append({**kept, "evidence": [evidence], "tags": [row["kind"]]})
    _write(out / "questions.jsonl", rows)
    print(f"kubernetes: {len(rows)} questions, {found} with a sentence of their page as evidence")


def torchhub(source: Path, out: Path) -> None:
    calls: dict[str, str] = {}
    documents = out / "documents"
    documents.mkdir(parents=True, exist_ok=True)
    for n, api in enumerate(_lines(source / "torchhub_api.jsonl"), 1):
        name = f"{n:02}-{re.sub(r'[^A-Za-z0-9]+', '-', api['api_name'])[:40]}.md"
        call = api["api_call"]
        text = (
            f"# {api['api_name']}\n\n{api['domain']}: {api['functionality']}.\n\n{api['description']}\n\nCall: {call}\n"
        )
        (documents / name).write_text(text, "utf-8")
        calls.setdefault(call, name)
    rows = []
    for split, file in (("train", "torchhub_train.json"), ("test", "torchhub_eval.json")):
        for n, row in enumerate(_lines(source / file)):
            asked, call = _instruction(row["code"]), row["api_call"]
            if asked and call in calls:
                evidence = [{"document": calls[call], "quote": call}]
                rows.append(
                    {"id": f"{split}-{n}", "question": asked, "answers": [call], "split": split, "evidence": evidence}
                )
    _write(out / "questions.jsonl", rows)
    print(
        f"torchhub: {sum(r['split'] == 'train' for r in rows)} train and {sum(r['split'] == 'test' for r in rows)} test questions"
    )


def _instruction(code: str) -> str:
    """What was asked, in either way in which the file says it."""
    try:
        held = ast.literal_eval(code)
        return str(held.get("Instruction") or "").strip()
    except (ValueError, SyntaxError, AttributeError):
        found = re.search(r"Instruction'?\"?:\s*(.*?)(?:\n\s*#*Output|[,\s]*'Output'|$)", code, re.DOTALL)
        return found[1].strip().strip("'\"") if found else ""


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text("utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


if __name__ == "__main__":
    sources, dest = map(Path, sys.argv[1:])
    kubernetes(sources / "kubernetes-docs", dest / "kubernetes")
    torchhub(sources / "gorilla-torchhub", dest / "torchhub")
