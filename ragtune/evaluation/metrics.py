"""The metrics, one function each: formula, source, and when it is unscored.

Definitions follow the RAGAS paper (Es et al. 2024, arXiv:2309.15217) and its documentation; where RAGAS asks an
LLM, the local judge's *support* (see ``local_judge``) decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ragtune.evaluation.judge import Item
from ragtune.evaluation.statements import statements, words
from ragtune.evaluation.text import exact_match, token_f1
from ragtune.records import Score

#: metric -> (short title, one-line meaning), in the order of reports
METRICS = {
    "faithfulness": ("Faithfulness", "share of the answer's statements that the contexts support"),
    "answer_relevance": ("Answer relevance", "how much the answer is about the question"),
    "context_precision": ("Context precision", "are the useful contexts ranked first"),
    "context_recall": ("Context recall", "share of the reference that the contexts hold"),
    "answer_correctness": ("Answer correctness", "agreement with the reference in words and meaning"),
    "exact_match": ("Exact match", "the answer is a reference, letter for letter after normalising"),
    "token_f1": ("Token F1", "words shared with the reference"),
    "abstention": ("Abstention", "abstained exactly when the documents hold no answer"),
}


class Evidence(Protocol):
    """What the metrics need of a judge."""

    def similarity(self, a: str, b: str) -> float: ...
    def windows(self, contexts: Sequence[str]) -> Any: ...
    def support(self, statement: str, windows: Any) -> Any: ...
    def supported(self, verdict: Any) -> bool: ...


def asserted(question: str, answer: str) -> str:
    """A short answer read with its question, so that "14 days" says something that can be compared."""
    return answer if len(answer.split()) > 8 else f"{question.rstrip('?？ ')}: {answer}"


def faithfulness(judge: Evidence, item: Item, windows: Any) -> Score:
    """Supported statements / all statements of the answer (RAGAS). Unscored: abstained, or no contexts shown."""
    if item.abstained:
        return Score("faithfulness", None, "abstained: nothing was claimed")
    if not item.contexts:
        return Score("faithfulness", None, "no contexts were given")
    found = statements(item.answer)
    if not found:
        return Score("faithfulness", None, "the answer holds no statement")
    verdicts = [judge.support(s, windows) for s in found]
    ok = sum(judge.supported(v) for v in verdicts)
    weakest = min(verdicts, key=lambda v: v.support)
    says = f"{ok} of {len(found)} supported; weakest {weakest.support:.2f}"
    return Score("faithfulness", ok / len(found), f"{says}: [{weakest.context + 1}] {weakest.sentence[:160]}" if weakest.sentence else says)


def answer_relevance(judge: Evidence, item: Item) -> Score:
    """Cosine of the question and the answer read with it, 0 for abstaining from an answerable question.

    RAGAS compares the question with questions that an LLM makes from the answer, 0 for non-committal ones;
    without an LLM the answer itself, read with its question, is compared. Unscored: a right abstention.
    """
    if item.abstained:
        if item.question.answerable:
            return Score("answer_relevance", 0.0, "abstained although the documents hold an answer")
        return Score("answer_relevance", None, "abstained, rightly: no answer to compare")
    value = 0.5 * judge.similarity(item.question.text, item.answer) + 0.5 * judge.similarity(item.question.text, asserted(item.question.text, item.answer))
    return Score("answer_relevance", round(value, 6), "cosine of question and answer")


def context_precision(judge: Evidence, item: Item) -> Score:
    """Mean of precision@k over the ranks k of useful contexts (RAGAS, with reference).

    A context is useful when it supports the reference answer. Unscored: no contexts or no reference.
    """
    if not item.contexts:
        return Score("context_precision", None, "no contexts were given")
    if not item.question.answerable:
        return Score("context_precision", None, "no reference: the documents hold no answer")
    useful = [_holds(judge, item, [c]) for c in item.contexts]
    if not any(useful):
        return Score("context_precision", 0.0, "no context supports the reference")
    total = sum(sum(useful[: k + 1]) / (k + 1) for k, u in enumerate(useful) if u)
    ranks = ", ".join(str(k + 1) for k, u in enumerate(useful) if u)
    return Score("context_precision", total / sum(useful), f"useful contexts: {ranks}")


def _holds(judge: Evidence, item: Item, contexts: Sequence[str]) -> bool:
    windows = judge.windows(contexts)
    return any(judge.supported(judge.support(a, windows)) for a in item.question.answers)


def context_recall(judge: Evidence, item: Item, windows: Any) -> Score:
    """Statements of the reference that the contexts support / all of them (RAGAS). The best reference counts."""
    if not item.contexts:
        return Score("context_recall", None, "no contexts were given")
    if not item.question.answerable:
        return Score("context_recall", None, "no reference: the documents hold no answer")
    best = 0.0
    for reference in item.question.answers:
        found = statements(reference) or [reference]
        best = max(best, sum(judge.supported(judge.support(s, windows)) for s in found) / len(found))
    return Score("context_recall", best, "reference found in the contexts" if best == 1 else "reference (partly) missing in the contexts")


def answer_correctness(judge: Evidence, item: Item) -> Score:
    """0.75 F1 over facts + 0.25 cosine with the reference (RAGAS's weights); the best reference counts.

    RAGAS's F1 counts statements that an LLM matches; for short answers the facts are content words, so F1 is
    taken over content stems. Unscored: no reference (see ``abstention``).
    """
    if not item.question.answerable:
        return Score("answer_correctness", None, "no reference: the documents hold no answer")
    if item.abstained or not item.answer:
        return Score("answer_correctness", 0.0, "abstained although the documents hold an answer")
    best, why = -1.0, ""
    for reference in item.question.answers:
        a, r = set(words(item.answer)), set(words(reference))
        shared = len(a & r)
        overlap = 2 * shared / (len(a) + len(r)) if a and r else float(item.answer.strip().lower() == reference.strip().lower())
        cosine = judge.similarity(item.answer, reference)
        value = 0.75 * overlap + 0.25 * cosine
        if value > best:
            best, why = value, f"facts F1 {overlap:.2f}, cosine {cosine:.2f} with “{reference[:80]}”"
    return Score("answer_correctness", round(min(1.0, best), 6), why)


def exact(item: Item) -> Score:
    if not item.question.answerable:
        return Score("exact_match", None, "no reference: the documents hold no answer")
    return Score("exact_match", 0.0 if item.abstained else exact_match(item.answer, item.question.answers))


def f1(item: Item) -> Score:
    if not item.question.answerable:
        return Score("token_f1", None, "no reference: the documents hold no answer")
    return Score("token_f1", 0.0 if item.abstained else round(token_f1(item.answer, item.question.answers), 6))


def abstention(item: Item) -> Score:
    """1 if the answer abstains exactly when the question has no reference."""
    right = item.abstained != item.question.answerable
    if item.question.answerable:
        return Score("abstention", float(right), "answered" if right else "abstained although the documents hold an answer")
    return Score("abstention", float(right), "rightly abstained" if right else "answered although the documents hold no answer")
