"""Settings that an experiment gives and nothing would heed: refused in one line, with what they would need.

Each part says itself which of its settings have no effect (``unread``, beside the settings or the registry of kinds). What the
file or a ``--set`` gives is held against that; a value that switches something off is no setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtune.errors import ExperimentError
from ragtune.experiment.explain import place_of
from ragtune.experiment.seeding import is_tuned
from ragtune.generation import generators
from ragtune.judging import judges
from ragtune.tuning import recipes

if TYPE_CHECKING:  # spec calls this
    from ragtune.experiment.spec import Experiment, Setup

Keys = tuple[str, ...]
#: what stands at the top for all setups; such a setting is heeded if one of them heeds it
SHARED = ("retrieval", "tuning", "generator", "chunking", "prompt")
#: a whole section that a setup does without
_WITHOUT = {
    "retrieval": "no setup asks for it with retrieval: true",
    "tuning": "no setup asks for it with tuning: true",
}


def refuse_unread(
    experiment: Experiment,
    data: Mapping[str, Any],
    where: Path,
    lines: Mapping[Keys, int],
    overrides: Sequence[str] = (),
    resolved: bool = False,
) -> None:
    """Raises ExperimentError where a setting that ``data`` gives has no effect on the ``experiment`` made of it.

    Of a ``resolved`` file, which holds every setting of every setup, and of the sections of a file whose setups an override
    replaces, only what the ``overrides`` give counts.
    """
    told = [tuple(o.partition("=")[0].strip().split(".")) for o in overrides]
    by_setup = {name: _heedless(experiment, name) for name in experiment.setups}
    whole = _of_experiment(experiment)
    for part in ("retrieval", "tuning"):
        if data.get(part) is False:
            fix = f"Take {part} away from the setups that have it: setups.NAME.{part}=false."
            place = place_of((part,), lines, where, overrides)
            raise ExperimentError(
                f"{part}: false has no effect here: setups ask for it one by one.", where=place, fix=fix
            )
    for keys in _given(data):
        if (resolved or ("setups",) in told) and not any(keys[: len(path)] == path for path in told):
            continue
        if keys[0] == "setups":
            why = _why(by_setup.get(keys[1], {}), keys[2:])
        elif keys[0] in SHARED:
            why = _why_everywhere(by_setup, keys)
        else:
            why = _why(whole, keys)
        if why:
            place = place_of(keys, lines, where, overrides)
            raise ExperimentError(
                f"{'.'.join(keys)} has no effect: {why}.", where=place, fix="Mend that, or take it away."
            )


def _heedless(experiment: Experiment, name: str) -> dict[Keys, str]:
    """What has no effect in the setup; of one that a search varies, what has none in any of its variants either."""
    found = _of_setup(experiment.setups[name])
    if experiment.search and name == (experiment.search.setup or next(iter(experiment.setups))):
        from ragtune.experiment.search.space import variants  # it needs the setups that this file is read for

        for variant in variants(experiment.setups[name], experiment.search):
            held = _of_setup(variant)
            found = {keys: why for keys, why in found.items() if _why(held, keys)}
    return found


def _given(node: Any, at: Keys = ()) -> Iterator[Keys]:
    """The paths of the settings that are given, but for those that switch something off."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _given(value, (*at, str(key)))
    elif node and node != "none":
        yield at


def _why(unread: Mapping[Keys, str], keys: Keys) -> str:
    """The reason for which the setting has no effect, of itself or of what it is a part of; "" where it has."""
    return next((unread[keys[:n]] for n in range(1, len(keys) + 1) if keys[:n] in unread), "")


def _why_everywhere(by_setup: Mapping[str, Mapping[Keys, str]], keys: Keys) -> str:
    """The reasons for which a shared setting has no effect in any setup; "" where one heeds it."""
    found = dict.fromkeys(_why(unread, keys) for unread in by_setup.values())
    if "" in found:
        return ""
    without = _WITHOUT.get(keys[0], "")
    return "; ".join([why for why in found if why != without] or [without])


def _under(part: str, unread: Mapping[str, str]) -> dict[Keys, str]:
    return {(part, *name.split(".")): why for name, why in unread.items()}


def _of_setup(setup: Setup) -> dict[Keys, str]:
    found = _under("generator", generators.unread(setup.generator)) | _under("chunking", setup.chunking.unread())
    found |= _under("prompt", setup.prompt.unread())
    if setup.prompt.reasoning:
        found["generator", "abstain_above"] = (
            "it decides on the first token, which begins a thought with prompt.reasoning"
        )
    if setup.retrieval:
        found |= _under("retrieval", setup.retrieval.unread())
    else:
        shown = "no contexts are shown"
        found = {("generator", "context_weight"): shown, ("generator", "quote"): shown, **found}
        found |= {("retrieval",): _WITHOUT["retrieval"], ("chunking",): "only a setup that retrieves cuts documents"}
    if setup.tuning:
        found |= _under("tuning", recipes.unread(setup.tuning))
        named = [("corpus", setup.tuning.corpus), *((f"corpora.{n}", c) for n, c in enumerate(setup.tuning.corpora))]
        for where, corpus in named:
            if corpus:
                found |= _under("tuning", {f"{where}.{name}": why for name, why in corpus.unread().items()})
    else:
        found |= {("tuning",): _WITHOUT["tuning"]}
    return found


def _of_experiment(experiment: Experiment) -> dict[Keys, str]:
    found = _under("judge", judges.unread(experiment.judge))
    found |= _under("corpus", experiment.corpus.unread()) | _under("costs", experiment.costs.unread())
    if not any(setup.tuning for setup in experiment.setups.values()):
        found |= {("processes",): "no setup's generator is tuned"}
    if not any(is_tuned(setup) for setup in experiment.setups.values()):
        found |= {("costs", "refreshes_per_month"): "no setup is tuned"}
    return found
