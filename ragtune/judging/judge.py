"""The judge: the metrics, scored through a witness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ragtune.judging.metrics import METRICS
from ragtune.judging.settings import JudgeSettings
from ragtune.judging.witness import Unscorable, Witness
from ragtune.records import Metric, Row, Score

T = TypeVar("T")


class Judge:
    """Scores Rows metric by metric. A score is in [0, 1], or unscored with the reason why; never NaN."""

    def __init__(self, witness: Witness, settings: JudgeSettings) -> None:
        self.witness = witness
        self.settings = settings

    @property
    def key(self) -> str:
        """Identifies judge, version and settings in stage keys."""
        return self.witness.key

    @property
    def calls(self) -> int:
        """Questions put to a model so far."""
        return self.witness.calls

    @property
    def metrics(self) -> list[Metric]:
        """Those that this judge scores, in the order of reports."""
        extra = self.settings.extra_metrics
        return [
            m
            for m in METRICS.values()
            if ("llm" not in m.needs or self.witness.asks)
            and (m.core or (m.name in extra if extra is not None else not (m.asks and self.witness.asks)))
        ]

    def score(self, rows: Sequence[Row]) -> list[Mapping[str, Score]]:
        """The scores of each row by metric."""
        return self._all(rows, lambda row: {m.name: self._one(m, row) for m in self.metrics})

    def support(self, rows: Sequence[Row]) -> list[float]:
        """How far each answer as a whole rests on its contexts, in [0, 1].

        By degrees where the witness gives them (the answer read as one statement, and the mean of its statements, half
        each), else the share of supported statements, 0.5 where that cannot be told.
        """
        return self._all(rows, self._verdict if self.witness.asks else self._degree)

    def values(self, rows: Sequence[Row], metric: str) -> list[float]:
        """One metric's value for each row, 0.5 where it is unscored."""
        return self._all(rows, lambda row: self._value(METRICS[metric], row))

    def _all(self, rows: Sequence[Row], of: Callable[[Row], T]) -> list[T]:
        self.witness.gather(lambda: [of(row) for row in rows])
        if self.witness.concurrency < 2:
            return [of(row) for row in rows]
        with ThreadPoolExecutor(self.witness.concurrency) as pool:
            return list(pool.map(of, rows))

    def _one(self, metric: Metric, row: Row) -> Score:
        own = self.witness.own.get(metric.name)
        try:
            return own(row) if own else metric.score(self.witness, row)
        except Unscorable as error:
            return Score(metric.name, None, str(error), failed=True)

    def _verdict(self, row: Row) -> float:
        return self._value(METRICS["faithfulness"], row)

    def _value(self, metric: Metric, row: Row) -> float:
        value = self._one(metric, row).value
        return 0.5 if value is None else value

    def _degree(self, row: Row) -> float:
        answer, contexts = row.answer.text, row.answer.contexts
        found = self.witness.statements(row.question, answer)
        if not found:
            return 0.0
        whole, *parts = (s.value for s in self.witness.supports([answer, *found], contexts, row.question.text))
        return (whole + sum(parts) / len(parts)) / 2
