"""What answers cost: a cost model in YAML, cost per question and per correct answer, and break-even points."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ragtune.records import Json

DAYS_PER_MONTH = 30.44


class CostSettings(BaseModel):
    """Prices in one currency. Seconds are those measured in this Run, on its machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: str = "USD"
    machine_hour: float = Field(0.0, ge=0, description="price of an hour of the machine that answers and tunes")
    prompt_1k_tokens: float = Field(0.0, ge=0, description="price of 1,000 prompt tokens (endpoints)")
    answer_1k_tokens: float = Field(0.0, ge=0, description="price of 1,000 answer tokens (endpoints)")
    watts: float = Field(0.0, ge=0, description="power drawn while working")
    kwh: float = Field(0.0, ge=0, description="price of a kilowatt hour")
    questions_per_day: float = Field(1000.0, gt=0)
    refreshes_per_month: float = Field(
        1.0, ge=0, description="how often documents change so that tuning must be repeated"
    )

    @property
    def hour(self) -> float:
        """Price of an hour of work, energy included."""
        return self.machine_hour + self.watts / 1000 * self.kwh


class Limits(BaseModel):
    """What a setup must keep to be recommended."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_latency: float | None = Field(None, gt=0, description="seconds per question, median")
    max_cost: float | None = Field(None, gt=0, description="per question, tuning included, in the currency of costs")
    min_faithfulness: float | None = Field(None, ge=0, le=1)


def cost_of(
    settings: CostSettings, seconds: float, prompt: float, answer: float, tuning_seconds: float, correct: float | None
) -> Json:
    """Costs of one setup.

    Args:
        seconds: compute per question, retrieval included.
        prompt, answer: tokens per question.
        tuning_seconds: one tuning (0 without).
        correct: mean of the main metric in [0, 1], None if unscored.

    Returns ``question`` (running cost), ``tuning`` (one tuning), ``spread`` (tuning per question between
    refreshes), ``total`` per question and ``correct`` (total / share correct; "cost of pass", Erol et al. 2025).
    """
    question = (
        seconds / 3600 * settings.hour
        + prompt / 1000 * settings.prompt_1k_tokens
        + answer / 1000 * settings.answer_1k_tokens
    )
    tuning = tuning_seconds / 3600 * settings.hour
    per_month = settings.questions_per_day * DAYS_PER_MONTH
    spread = tuning * max(settings.refreshes_per_month, 1 / 12) / per_month
    total = question + spread
    return {
        "question": question,
        "tuning": tuning,
        "spread": spread,
        "total": total,
        "correct": total / correct if correct else None,
    }


def break_even(settings: CostSettings, a: Json, b: Json) -> float | None:
    """Questions a day at which two setups cost the same; None where one is always cheaper."""
    dearer_start, cheaper_run = a["tuning"] - b["tuning"], b["question"] - a["question"]
    if dearer_start == 0 or cheaper_run == 0 or (dearer_start > 0) != (cheaper_run > 0):
        return None
    return float(dearer_start / cheaper_run * max(settings.refreshes_per_month, 1 / 12) / DAYS_PER_MONTH)


def break_evens(settings: CostSettings, costs: dict[str, Json]) -> list[Json]:
    """Every pair with a crossing: above ``questions_per_day``, ``above`` is the cheaper one."""
    names = list(costs)
    found = []
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            at = break_even(settings, costs[a], costs[b])
            if at is not None:
                above = a if costs[a]["question"] < costs[b]["question"] else b
                found.append({"a": a, "b": b, "questions_per_day": at, "above": above})
    return found
