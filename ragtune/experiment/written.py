"""The experiment as one would write it: only what differs from the defaults, shared parts once."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import ValidationError

from ragtune.experiment.spec import Experiment, resolve

#: sections that are put into every setup, and those that a setup must ask for
_ALWAYS, _ASKED = ("chunking", "generator", "prompt"), ("retrieval", "tuning")


def in_full(experiment: Experiment) -> str:
    """Every setting of every setup as YAML."""
    return _yaml(experiment.model_dump(mode="json"))


def in_short(experiment: Experiment) -> str:
    """YAML that means the same experiment, without defaults; the whole of it where that cannot be had."""
    data = experiment.model_dump(mode="json", exclude_defaults=True)
    setups: dict[str, Any] = data.pop("setups")
    shared = {}
    for key in (*_ALWAYS, *_ASKED):
        holders = [s for s in setups.values() if key in s]
        everywhere = len(holders) == len(setups) or key in _ASKED
        if len(holders) > 1 and everywhere and all(s[key] == holders[0][key] for s in holders):
            shared[key] = holders[0][key]
            for setup in holders:
                if key in _ASKED:
                    setup[key] = True
                else:
                    del setup[key]
    plain = {**data, **shared, "setups": setups}
    for found in (_switched(plain), plain):
        try:
            if Experiment.model_validate(resolve(found)) == experiment:
                return _yaml(found)
        except ValidationError:
            continue
    return in_full(experiment)


def _switched(value: Any) -> Any:
    """A part that is on with defaults alone is ``true``, as people write it."""
    return {k: True if v == {} else _switched(v) for k, v in value.items()} if isinstance(value, dict) else value


def _yaml(data: Any) -> str:
    # mappings and lists of plain values on one line each, as people write them
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None))
