"""Can answer relevance be told without a language model? `python -m benchmarks.relevance DATA [--split dev]`

DATA holds ``kubernetes-docs`` and ``xquad``. Pairs: the answer to a question, and the answer to another question about the same
document, of the same kind (yes or no, value, name, phrase, sentence). A measure tells them apart with an AUC of 1, by chance with .5.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from sklearn.metrics import roc_auc_score

from ragtune.judging.support import windows
from ragtune.judging.witness import asserted
from ragtune.models.encoder import SentenceEncoder
from ragtune.models.names import resolve
from ragtune.text.polarity import polarity
from ragtune.text.values import values
from ragtune.text.words import tokens, words

#: longer documents have so many sentences that pairs are told apart by where they stand
LONGEST = 9000


@dataclass(frozen=True)
class Pair:
    question: str
    own: str
    other: str
    text: str


def kind(answer: str) -> str:
    size = len(tokens(answer))
    if polarity(answer) and size <= 3:
        return "yes or no"
    if size <= 8 and values(answer):
        first = values(answer)[0]
        return f"{first.kind} {first.unit}"
    return "name" if size <= 6 and answer[:1].isupper() else "phrase" if size <= 6 else "sentence"


def kubernetes(folder: Path, split: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    asked = defaultdict(list)
    for line in (folder / "questions.jsonl").read_text("utf-8").split("\n"):
        row = json.loads(line) if line else {}
        if row.get("split") == split and row["answers"]:
            asked[row["document"]].append((row["question"], row["answers"][0]))
    for name, own in asked.items():
        text = (folder / "documents" / name).read_text("utf-8")
        if len(text) <= LONGEST:
            yield text, own


def xquad(path: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for article in json.loads(path.read_text("utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            yield paragraph["context"], [(q["question"], q["answers"][0]["text"]) for q in paragraph["qas"]]


def pairs(documents: Iterator[tuple[str, list[tuple[str, str]]]], count: int) -> list[Pair]:
    rng, found = Random(0), []
    for text, asked in documents:
        for question, own in asked:
            others = [a for q, a in asked if q != question and a.lower() != own.lower() and kind(a) == kind(own)]
            if others:
                found.append(Pair(question, own, rng.choice(others), text))
    rng.shuffle(found)
    return found[:count]


def by_words(question: str, answer: str, text: str) -> float:
    """Share of the question's words in the sentence that holds the answer, against the sentence that shares most."""
    asked, own = frozenset(words(question)), frozenset(words(answer))
    single = [w for w in windows([text]) if len(w.parts) == 1]
    shares = [len(asked & w.stems) for w in single]
    holding = [len(own & w.stems) for w in single]
    best = [s for s, h in zip(shares, holding, strict=True) if h == max(holding, default=0)]
    return max(best, default=0) / max(1, *shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", default="dev")
    args = parser.parse_args()
    encoder = SentenceEncoder(resolve("bundled:minilm"))
    sources = {
        "kubernetes-docs": kubernetes(args.data / "kubernetes-docs", args.split),
        "XQuAD, English": xquad(args.data / "xquad" / "xquad.en.json"),
    }
    for name, documents in sources.items():
        found = pairs(documents, 200)
        labels = [label for _ in found for label in (True, False)]
        asked = [(p, answer) for p in found for answer in (p.own, p.other)]
        texts = [t for p, a in asked for t in (p.question, a, asserted(p.question, a))]
        vectors = encoder.encode(texts).reshape(len(asked), 3, -1)
        cosine = [float(v[0] @ v[1] + v[0] @ v[2]) / 2 for v in vectors]
        place = [by_words(p.question, a, p.text) for p, a in asked]
        print(
            f"{name}: {len(found)} pairs; AUC of the cosine {roc_auc_score(labels, cosine):.3f}, "
            f"of the sentence it stands in {roc_auc_score(labels, place):.3f}"
        )


if __name__ == "__main__":
    main()
