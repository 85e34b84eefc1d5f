"""Data for ``experiments/reader.yaml`` and ``reader-second.yaml``: ``python -m benchmarks.reader_data SOURCES DEST``.

SOURCES holds the folders nq-open-oracle (2,655 questions with their passage; MIT, passages CC BY-SA 3.0), pubmedqa (MIT) and
18f-guides (CC0). DEST gets a corpus of each, and two that rules make (`benchmarks.reader_rules`): facts, and clozes on the
passages of Natural Questions that are trained on. Of these 600 questions are the split ``test`` and 55 ``dev``, by the digest of
their text; of pubmedqa the official test questions are left out.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.reader_rules import clozes, facts
from ragtune.corpus.importers import import_corpus
from ragtune.corpus.load import CorpusSettings, load_corpus
from ragtune.corpus.outline import headings
from ragtune.store import digest
from ragtune.text.sentences import sentence_spans

Rows = Iterator[dict[str, Any]]


def nq(folder: Path) -> Rows:
    with gzip.open(folder / "nq-open-oracle.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = sorted((json.loads(line) for line in file), key=lambda row: digest(row["question"]))
    for n, row in enumerate(rows):
        gold = next(c for c in row["ctxs"] if c.get("isgold"))
        split = "test" if n < 600 else "dev" if n < 655 else "train"
        context = f"{gold['title']}\n\n{gold['text']}"
        known = sorted(
            row["answers"], key=lambda a: a.casefold() not in context.casefold()
        )  # taught: one that stands there
        yield {"question": row["question"], "answers": known, "context": context, "split": split}


def cloze(rows: Rows) -> Rows:
    """Questions by rule on the passages whose questions are trained on."""
    for question, answer, context in clozes([row["context"] for row in rows if row["split"] == "train"], 0):
        yield {"question": question, "answers": [answer], "context": context, "split": "train"}


def pubmedqa(folder: Path) -> Rows:
    """Half of the questions are answered by yes or no, the other half by the first sentence of the long answer."""
    rows = json.loads((folder / "ori_pqal.json").read_text("utf-8"))
    test = set(json.loads((folder / "test_ground_truth.json").read_text("utf-8")))
    for n, (_, row) in enumerate(sorted((k, r) for k, r in rows.items() if k not in test)):
        long = row["LONG_ANSWER"]
        start, end = sentence_spans(long)[0]
        decided = row["final_decision"] in ("yes", "no")
        answer = f"{row['final_decision'].capitalize()}." if n % 2 and decided else long[start:end].strip()
        context = "\n\n".join([*row["CONTEXTS"], long])
        yield {"question": row["QUESTION"], "answers": [answer], "context": context, "split": "train"}


def guides(folder: Path) -> Rows:
    """A section's heading asks, the section's first sentence answers."""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        import_corpus("folder", folder, Path(place) / "corpus")
        corpus = load_corpus(CorpusSettings(path=str(Path(place) / "corpus")))
    for document in corpus.documents:
        found = headings(document.text)
        ends = [*(at for at, _, _ in found[1:]), len(document.text)]
        for (at, _, title), end in zip(found, ends, strict=False):
            section = document.text[at:end].partition("\n")[2].strip()
            spans = sentence_spans(section)
            first = section[slice(*spans[0])].strip() if spans else ""
            words = len(first.split())
            if not (
                8 <= words <= 40
                and first[0].isupper()
                and first[-1] == "."
                and "\n" not in first
                and "Lorem" not in first
            ):
                continue
            asked = title if title.endswith("?") else f"What does the guide say about {title[0].lower()}{title[1:]}?"
            context = f"{title}\n\n{section[:1200]}"
            yield {"question": asked, "answers": [first], "context": context, "split": "train"}


def write_facts(dest: Path) -> None:
    pages, rows = facts(900, 0)
    (dest / "documents").mkdir(parents=True, exist_ok=True)
    for name, text in pages:
        (dest / "documents" / f"{name}.md").write_text(text + "\n", "utf-8")
    for row in rows:
        for part in row["evidence"]:
            part["document"] += ".md"
    (dest / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def main() -> int:
    sources, dest = Path(sys.argv[1]), Path(sys.argv[2])
    made = {
        "nq": nq(sources / "nq-open-oracle"),
        "pubmedqa": pubmedqa(sources / "pubmedqa"),
        "guides": guides(sources / "18f-guides"),
        "clozes": cloze(nq(sources / "nq-open-oracle")),
    }
    dest.mkdir(parents=True, exist_ok=True)
    write_facts(dest / "facts")
    for name, rows in made.items():
        file = dest / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        import_corpus("jsonl", file, dest / name)
        file.unlink()
        corpus = load_corpus(CorpusSettings(path=str(dest / name), allow_leaks=True))
        print(name, {s: len(corpus.split(s)) for s in ("train", "dev", "test")}, f"{len(corpus.documents)} documents")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
