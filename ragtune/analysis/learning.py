"""Quality against the number of tuning questions, and where tuning overtakes retrieval alone."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log

from ragtune.experiment.spec import SetupSettings
from ragtune.records import Json

#: slices worth a curve of their own beside all questions
PARTS = ("seen", "unseen")


def crossing(points: list[tuple[int, float]], level: float) -> float | None:
    """The number of questions at which the line through ``points`` (count, mean) first reaches ``level``; None if it never does.

    Straight lines over the logarithm of the count between measured points; nothing is read off beyond them.
    """
    before: tuple[int, float] | None = None
    for count, mean in points:
        if mean >= level:
            if before is None or mean == before[1]:
                return float(count)
            share = (level - before[1]) / (mean - before[1])
            return round(exp(log(before[0]) + share * (log(count) - log(before[0]))), 1)
        before = (count, mean)
    return None


def learning_curves(
    setups: Mapping[str, SetupSettings], trained: Mapping[str, int], scores: Json, slices: Json, metric: str
) -> list[Json]:
    """A curve per way of tuning that was run on two or more numbers of questions, for all questions and for `PARTS`.

    ``trained`` says on how many questions each tuned setup was trained.
    Each has ``points`` ([count, mean, low, high]), the ``baseline`` (the best untuned setup: name and mean) and ``crossing``.
    """
    families: dict[str, dict[int, str]] = {}
    for name, setup in setups.items():
        if setup.tuning:
            own = setup.model_dump_json(include={"retrieval", "generator", "prompt"}) + setup.tuning.model_dump_json(
                exclude={"questions"}
            )
            families.setdefault(own, {})[trained[name]] = name
    found = []
    for by_count in families.values():
        if len(by_count) < 2:
            continue
        for part in ("all", *PARTS):
            of = scores if part == "all" else slices.get(part, {})
            means = {n: of.get(n, {}).get(metric, {}) for n in setups}
            points = [
                [count, *(means[name][k] for k in ("mean", "low", "high"))]
                for count, name in sorted(by_count.items())
                if means[name].get("mean") is not None
            ]
            bases = {
                n: means[n]["mean"] for n, s in setups.items() if not s.tuning and means[n].get("mean") is not None
            }
            if len(points) < 2 or not bases:
                continue
            best = max(bases, key=lambda n: bases[n])
            on = next(s.tuning.train_on for n, s in setups.items() if s.tuning and n in by_count.values())
            found.append(
                {
                    "train_on": on,
                    "part": part,
                    "metric": metric,
                    "points": points,
                    "baseline": {"setup": best, "mean": bases[best]},
                    "crossing": crossing([(p[0], p[1]) for p in points], bases[best]),
                }
            )
    return found
