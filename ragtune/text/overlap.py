"""Exact match and token F1, as SQuAD's official script defines them (Rajpurkar et al. 2016), plus Chinese."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from ragtune.text.words import plain_words

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = set(string.punctuation) | set("‘’“”´`—–，。！？；：（）《》、「」")
_HAN = re.compile(r"[\u3400-\u9fff]")


def normalise_answer(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces; Chinese characters stand alone."""
    text = "".join(c for c in text.lower() if c not in _PUNCTUATION)
    text = _HAN.sub(lambda m: f" {m[0]} ", text)
    return " ".join(_ARTICLES.sub(" ", text).split())


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1.0 if the normalised answer equals a normalised reference, else 0.0."""
    return float(any(normalise_answer(answer) == normalise_answer(r) for r in references))


def contains_reference(answer: str, references: Sequence[str]) -> float:
    """1.0 if a normalised reference stands in the normalised answer, as whole words, else 0.0."""
    said = f" {normalise_answer(answer)} "
    return float(any(f" {wanted} " in said for wanted in map(normalise_answer, references) if wanted))


def token_f1(answer: str, references: Sequence[str]) -> float:
    """The best harmonic mean of token precision and recall over the references, in [0, 1]."""
    return max((_f1(normalise_answer(answer).split(), normalise_answer(r).split()) for r in references), default=0.0)


def _f1(answer: list[str], reference: list[str]) -> float:
    if not answer or not reference:
        return float(answer == reference)
    common = sum((Counter(answer) & Counter(reference)).values())
    if not common:
        return 0.0
    precision, recall = common / len(answer), common / len(reference)
    return 2 * precision * recall / (precision + recall)


def rouge_l(answer: str, references: Sequence[str]) -> float:
    """ROUGE-L (Lin 2004) as F1 over tokens of letters and digits, lower case; the best reference counts, in [0, 1]."""
    return max((_longest(plain_words(answer), plain_words(r)) for r in references), default=0.0)


def _longest(a: list[str], b: list[str]) -> float:
    """F1 of the longest common subsequence of two token lists."""
    if not a or not b:
        return float(a == b)
    row = [0] * (len(b) + 1)
    for x in a:
        corner = 0
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], corner + 1 if x == y else max(row[j], row[j - 1])
    return 2 * row[-1] / (len(a) + len(b))
