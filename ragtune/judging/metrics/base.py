"""What a metric is, and what metrics need of a judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ragtune.records import Score

NO_CONTEXTS = "no contexts were given"
NO_REFERENCE = "no reference: the documents hold no answer"
WITHHELD = "abstained although the documents hold an answer"
NOTHING_CLAIMED = "abstained: nothing was claimed"
NO_STATEMENT = "the answer holds no statement"


@dataclass(frozen=True)
class Metric:
    """One metric's definition. Every value is in [0, 1] or unscored with a reason.

    ``needs`` holds "reference", "contexts", "citations"; ``core`` metrics stand in every table, the others in a second one.
    ``asks`` is true where an LLM judge must be asked for it, so that it is scored by such a judge only on request.
    """

    name: str
    title: str
    short: str
    meaning: str
    formula: str
    source: str
    unscored: str
    needs: frozenset[str] = frozenset()
    core: bool = True
    higher_is_better: bool = True
    asks: bool = False


class Evidence(Protocol):
    """What the metrics need of a judge."""

    def similarity(self, a: str, b: str) -> float: ...
    def windows(self, contexts: Sequence[str]) -> Any: ...
    def support(self, statement: str, windows: Any) -> Any: ...
    def supported(self, verdict: Any) -> bool: ...


def asserted(question: str, answer: str) -> str:
    """A short answer read with its question, so that "14 days" says something that can be compared."""
    return answer if len(answer.split()) > 8 else f"{question.rstrip('?？ ')}: {answer}"


def average_precision(name: str, useful: Sequence[bool], nothing: str) -> Score:
    """Mean of precision@k over the ranks k of useful contexts; 0 with the reason ``nothing`` where there are none."""
    if not any(useful):
        return Score(name, 0.0, nothing)
    total = sum(sum(useful[: k + 1]) / (k + 1) for k, u in enumerate(useful) if u)
    return Score(
        name, total / sum(useful), f"useful contexts: {', '.join(str(k + 1) for k, u in enumerate(useful) if u)}"
    )


def holds(judge: Evidence, statements: Sequence[str], contexts: Sequence[str]) -> bool:
    """Whether ``contexts`` support one of ``statements``."""
    windows = judge.windows(contexts)
    return any(judge.supported(judge.support(s, windows)) for s in statements)
