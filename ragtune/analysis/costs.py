"""What answers cost: a cost model in YAML, cost per question and per correct answer, and break-even points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import mean

from pydantic import BaseModel, ConfigDict, Field

from ragtune.analysis.latency import Latency
from ragtune.records import Row
from ragtune.tunings import Tuning, spent_by_seed

DAYS_PER_MONTH = 30.44


class CostSettings(BaseModel):
    """Prices in one currency. Seconds are those measured in this Run, on its machine."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    currency: str = Field("USD", description="what prices are in; a name, nothing is converted")
    machine_hour: float = Field(0.0, ge=0, description="price of an hour of the machine that answers and tunes")
    prompt_1k_tokens: float = Field(0.0, ge=0, description="price of 1,000 prompt tokens (endpoints)")
    cached_1k_tokens: float | None = Field(
        None, ge=0, description="price of 1,000 prompt tokens that the server had read before; default: as any other"
    )
    answer_1k_tokens: float = Field(0.0, ge=0, description="price of 1,000 answer tokens (endpoints)")
    watts: float = Field(0.0, ge=0, description="power drawn while working")
    kwh: float = Field(0.0, ge=0, description="price of a kilowatt hour")
    questions_per_day: float = Field(
        1000.0, gt=0, description="how often the assistant is asked, for the share of tuning"
    )
    refreshes_per_month: float = Field(
        1.0, ge=0, description="how often documents change so that tuning must be repeated"
    )

    def unread(self) -> dict[str, str]:
        """The prices that price nothing, each with the reason."""
        found = {}
        if not self.kwh:
            found["watts"] = "it needs kwh, the price of energy"
        if not self.prompt_1k_tokens:
            found["cached_1k_tokens"] = "it needs prompt_1k_tokens, the price of what was not read before"
        if not self.watts:
            found["kwh"] = "it needs watts, the power drawn"
        if not (self.hour or self.prompt_1k_tokens or self.answer_1k_tokens):
            found |= dict.fromkeys(("currency", "questions_per_day", "refreshes_per_month"), "no price is given")
        return found

    @property
    def hour(self) -> float:
        """Price of an hour of work, energy included."""
        return self.machine_hour + self.watts / 1000 * self.kwh


class Limits(BaseModel):
    """What a setup must keep to be recommended."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    max_latency: float | None = Field(None, gt=0, description="seconds that one user waits for an answer, median")
    max_cost: float | None = Field(None, gt=0, description="per question, tuning included, in the currency of costs")
    min_faithfulness: float | None = Field(None, ge=0, le=1, description="least mean faithfulness, of 1")
    margin: float = Field(
        0.05,
        ge=0,
        le=1,
        description="what a cheaper setup may lose to the best at most (95 % bound) and still be chosen",
    )


@dataclass(frozen=True)
class Cost:
    """Costs of one setup: ``question`` (running cost), ``tuning`` (one tuning), ``spread`` (tuning per question between
    refreshes), ``total`` per question, and ``correct``: total / share correct ("cost of pass", Erol et al. 2025)."""

    question: float
    tuning: float
    spread: float
    total: float
    correct: float | None


@dataclass(frozen=True)
class BreakEven:
    """Questions a day at which two setups cost the same; above that, ``above`` is the cheaper one."""

    a: str
    b: str
    questions_per_day: float
    above: str


@dataclass(frozen=True)
class Costs:
    """What was measured, so never the same twice. Each maps setups; one whose figure is unknown is left out.

    ``latency`` is what one user waits, asked one question at a time. ``throughput`` (answers per second) and ``costs`` (where
    prices are given) come from the batches that the run answered in.
    """

    settings: CostSettings
    latency: Mapping[str, Latency]
    costs: Mapping[str, Cost]
    break_even: tuple[BreakEven, ...]
    throughput: Mapping[str, float] = field(default_factory=dict)


def throughput_of(rows: Sequence[Row]) -> float | None:
    """Answers per second in batches as run; None where no time was measured (answers read from a file)."""
    seconds = sum(row.times.total for row in rows)
    return len(rows) / seconds if seconds > 0 else None


def measure_costs(
    settings: CostSettings,
    rows: Mapping[str, Sequence[Row]],
    tunings: Sequence[Tuning],
    metric: str,
    latency: Mapping[str, Latency],
) -> Costs:
    """Throughput and costs of the setups in ``rows`` (setup -> its rows) from the seconds of their batches, beside their
    ``latency``, which was measured apart."""
    throughput, costs = {}, {}
    for name, own in rows.items():
        known = throughput_of(own)
        if known is None:
            continue
        throughput[name] = known
        tuning = spent_by_seed(t for t in tunings if t.setup == name)
        values = [v for row in own if (v := row.value(metric)) is not None]
        costs[name] = cost_of(
            settings,
            mean(row.times.total for row in own),
            mean(row.answer.tokens.prompt + row.answer.tokens.before_prompt for row in own),
            mean(row.answer.tokens.answer + row.answer.tokens.before_answer for row in own),
            mean(t.seconds for t in tuning) if tuning else 0.0,
            mean(values) if values else None,
            mean(row.answer.tokens.cached for row in own),
            mean(priced_tokens(settings, t.prompt, t.answer) for t in tuning) if tuning else 0.0,
        )
    priced = settings.hour > 0 or settings.prompt_1k_tokens > 0 or settings.answer_1k_tokens > 0
    crossings = break_evens(settings, costs) if priced else ()
    return Costs(settings, latency, costs if priced else {}, crossings, throughput)


def cost_of(
    settings: CostSettings,
    seconds: float,
    prompt: float,
    answer: float,
    tuning_seconds: float,
    correct: float | None,
    cached: float = 0.0,
    taught: float = 0.0,
) -> Cost:
    """Costs of one setup.

    Args:
        seconds: compute per question (its share of the batches), retrieval included.
        prompt, answer: tokens per question.
        tuning_seconds: one tuning (0 without).
        correct: mean of the main metric in [0, 1], None if unscored.
        cached: those of the prompt's tokens that a server had read before.
        taught: price of the tokens that one tuning was taught with.
    """
    again = settings.prompt_1k_tokens if settings.cached_1k_tokens is None else settings.cached_1k_tokens
    read = priced_tokens(settings, prompt - cached, answer) + cached / 1000 * again
    question = seconds / 3600 * settings.hour + read
    tuning = tuning_seconds / 3600 * settings.hour + taught
    per_month = settings.questions_per_day * DAYS_PER_MONTH
    spread = tuning * max(settings.refreshes_per_month, 1 / 12) / per_month
    total = question + spread
    return Cost(question, tuning, spread, total, total / correct if correct else None)


def priced_tokens(settings: CostSettings, prompt: float, answer: float) -> float:
    """Price of tokens read and generated."""
    return prompt / 1000 * settings.prompt_1k_tokens + answer / 1000 * settings.answer_1k_tokens


def break_even(settings: CostSettings, a: Cost, b: Cost) -> float | None:
    """Questions a day at which two setups cost the same; None where one is always cheaper."""
    dearer_start, cheaper_run = a.tuning - b.tuning, b.question - a.question
    if dearer_start == 0 or cheaper_run == 0 or (dearer_start > 0) != (cheaper_run > 0):
        return None
    return dearer_start / cheaper_run * max(settings.refreshes_per_month, 1 / 12) / DAYS_PER_MONTH


def break_evens(settings: CostSettings, costs: Mapping[str, Cost]) -> tuple[BreakEven, ...]:
    """Every pair of setups with a crossing."""
    found = []
    for a, b in combinations(costs, 2):
        at = break_even(settings, costs[a], costs[b])
        if at is not None:
            found.append(BreakEven(a, b, at, a if costs[a].question < costs[b].question else b))
    return tuple(found)
