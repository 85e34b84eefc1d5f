"""The space of a search: what may be proposed, and the setup that a proposal stands for."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import product
from math import prod
from typing import Any

from pydantic import BaseModel, ValidationError

from ragtune.errors import ExperimentError
from ragtune.experiment.outlook import is_control
from ragtune.experiment.search.settings import Range, SearchSettings
from ragtune.experiment.spec import Experiment, Setup

#: setting -> its value in one proposal
Values = Mapping[str, Any]
WHERE = "search.ranges"


def varied(experiment: Experiment) -> str:
    """The name of the setup that the search varies.

    Raises:
        ExperimentError: there is no section ``search``, or no such setup.
    """
    settings = _settings(experiment)
    names = list(experiment.setups)
    name = settings.setup or names[0]
    if name not in experiment.setups:
        near = difflib.get_close_matches(name, names, 1, 0.4)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        raise ExperimentError(
            f'there is no setup "{name}".{hint}', where="search.setup", fix=f"Setups: {', '.join(names)}."
        )
    return name


def _settings(experiment: Experiment) -> SearchSettings:
    if experiment.search is None:
        raise ExperimentError(
            "the experiment has no section search: nothing says what to vary.",
            where=experiment.name,
            fix="Give it ranges, such as search: {ranges: {retrieval.top_k: [1, 2, 4]}}.",
        )
    return experiment.search


def made_of(base: Setup, values: Values) -> Setup:
    """The setup ``base`` with ``values`` in place. A part that is switched off takes no settings; a learning rate that is the usual
    one of the tuning's method is that of the method which ``values`` give.

    Raises:
        ValidationError: the values do not go together.
    """
    data = base.model_dump(by_alias=True)
    if base.tuning and base.tuning.learning_rate == base.tuning.usual_rate:
        del data["tuning"]["learning_rate"]
    for path in sorted(values, key=lambda p: (p.count("."), p)):
        _put(data, path.split("."), values[path], set(values))
    return Setup.model_validate(data)


def _put(data: dict[str, Any], path: list[str], value: Any, given: set[str]) -> None:
    node = data
    for n, part in enumerate(path[:-1], 1):
        if not isinstance(node.get(part), dict):
            if ".".join(path[:n]) in given and node.get(part) is not True:
                return  # this proposal does without the part
            node[part] = {}
        node = node[part]
    held = node.get(path[-1])
    node[path[-1]] = held if value is True and isinstance(held, dict) else deepcopy(value)


def check(experiment: Experiment) -> None:
    """Refuse settings that a setup does not have, and values that they cannot take.

    Raises:
        ExperimentError: which, and the nearest right one.
    """
    base, settings = experiment.setups[varied(experiment)], _settings(experiment)
    for name, values in settings.ranges.items():
        _known(name)
        for value in values if isinstance(values, list) else [values.low, values.high]:
            try:
                made = made_of(base, {name: value})
                if is_control(made) and not is_control(base):
                    raise ExperimentError(f"{name}: {value!r} makes a control, which is never chosen.", where=WHERE)
            except ValidationError as error:
                first = error.errors()[0]
                itself = name.split(".") == [str(p) for p in first["loc"]] and not isinstance(value, dict | bool | None)
                if first["type"] in ("missing", "value_error") and not itself:
                    continue  # another setting of the proposal may make it whole
                said = first["msg"].removeprefix("Value error, ")
                said = said[:1].lower() + said[1:]
                raise ExperimentError(f"{name}: {value!r} cannot be: {said}.", where=WHERE) from None


def holds(base: Setup, settings: SearchSettings) -> bool:
    """Whether the setup as written is one of the proposals."""
    return all(
        any(_same(base, name, value) for value in (values if isinstance(values, list) else _steps(values)))
        for name, values in settings.ranges.items()
    )


def _same(base: Setup, name: str, value: Any) -> bool:
    try:
        return made_of(base, {name: value}) == base
    except ValidationError:
        return False


def variants(base: Setup, settings: SearchSettings) -> Iterator[Setup]:
    """The setups that one value of one range makes of ``base``, as far as they can be."""
    for name, values in settings.ranges.items():
        for value in values if isinstance(values, list) else [values.low]:
            try:
                yield made_of(base, {name: value})
            except ValidationError:
                continue


def _known(name: str) -> None:
    model: type[BaseModel] | None = Setup
    for part in name.split("."):
        fields = {field.alias or key: field for key, field in model.model_fields.items()} if model else {}
        if model and part not in fields:
            near = difflib.get_close_matches(part, fields, 1, 0.4)
            hint = f' Did you mean "{near[0]}"?' if near else ""
            raise ExperimentError(
                f'a setup has no setting "{name}": "{part}" is none of {", ".join(fields)}.{hint}', where=WHERE
            )
        model = _model_in(fields[part].annotation) if model else None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The settings class in an annotation such as ``RetrievalSettings | None``."""
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((m for part in getattr(annotation, "__args__", ()) if (m := _model_in(part))), None)


def size(settings: SearchSettings) -> int | None:
    """How many proposals there are; None where numbers lie between others without a step."""
    counts = [len(v) if isinstance(v, list) else _count(v) for v in settings.ranges.values()]
    return None if None in counts else prod(n for n in counts if n)


def _count(values: Range) -> int | None:
    step = values.step or (1 if values.whole and not values.log else None)
    return None if step is None else int((values.high - values.low) / step + 1e-9) + 1


def every(settings: SearchSettings) -> Iterator[Values]:
    """All proposals of a space that has a `size`."""
    lists = [v if isinstance(v, list) else _steps(v) for v in settings.ranges.values()]
    for found in product(*lists):
        yield dict(zip(settings.ranges, found, strict=True))


def _steps(values: Range) -> list[float | int]:
    count, step = _count(values), values.step or 1
    return [_tidy(values.low + n * step) for n in range(count or 0)]


def _tidy(number: float | int) -> float | int:
    """0.3 for 0.30000000000000004: one spelling, whoever adds up the steps."""
    return number if isinstance(number, int) else float(f"{number:.12g}")


def proposed(trial: Any, settings: SearchSettings) -> Values:
    """What Optuna proposes; of a list it draws the place, so that values may be of any kind."""
    found: dict[str, Any] = {}
    for name, values in settings.ranges.items():
        if isinstance(values, list):
            found[name] = values[trial.suggest_categorical(name, list(range(len(values))))]
        elif values.whole:
            low, high = int(values.low), int(values.high)
            found[name] = trial.suggest_int(name, low, high, step=int(values.step or 1), log=values.log)
        else:
            found[name] = _tidy(trial.suggest_float(name, values.low, values.high, step=values.step, log=values.log))
    return found
