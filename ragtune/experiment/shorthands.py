"""What setups may be written short: ``setups: [prompt-only, rag]``, typical ones by name, and ``{system: WHAT}``."""

from __future__ import annotations

import difflib
from copy import deepcopy
from pathlib import Path
from typing import Any

from ragtune.errors import ExperimentError

#: what each name stands for; the experiment's own sections are merged in, as with any setup
SHORTHANDS: dict[str, dict[str, Any]] = {
    "prompt-only": {"title": "Prompt only"},
    "rag": {"title": "RAG", "retrieval": True},
    "tuned": {"title": "Tuned, closed book", "tuning": {"train_on": "closed-book"}},
    "rag+tuned": {"title": "RAG + tuned", "retrieval": True, "tuning": {"train_on": "contexts"}},
    "extractive": {"title": "Extractive", "retrieval": True, "generator": {"model": "extractive"}},
}


def expanded(data: dict[str, Any], where: object) -> dict[str, Any]:
    """``data`` with a name or list of names under ``setups`` replaced by the setups they stand for.

    ``rag+tuned`` trains on what the section ``tuning`` says, if it says so, else on contexts.

    Raises:
        ExperimentError: a name is none of `SHORTHANDS`, or stands twice.
    """
    names = [data["setups"]] if isinstance(data.get("setups"), str) else data.get("setups")
    if not isinstance(names, list):
        return data
    found: dict[str, Any] = {}
    for name in names:
        if not isinstance(name, str) or name not in SHORTHANDS:
            near = difflib.get_close_matches(str(name), SHORTHANDS, 1, 0.6)
            hint = f' Did you mean "{near[0]}"?' if near else ""
            raise ExperimentError(
                f'setups: "{str(name)[:60]}" is no typical setup (known: {", ".join(SHORTHANDS)}).{hint}',
                where=where,
                fix="Or give names with settings: {mine: {retrieval: true}}.",
            )
        if name in found:
            raise ExperimentError(f'setups: "{name}" stands twice.', where=where)
        found[name] = deepcopy(SHORTHANDS[name])  # overrides change what they are given
    tuning = data.get("tuning")
    if "rag+tuned" in found and isinstance(tuning, dict) and "train_on" in tuning:
        found["rag+tuned"]["tuning"] = True
    return {**data, "setups": found}


#: what may stand in a setup beside ``system``, of the section ``generator``
OF_SYSTEM = ("system", "version", "varies", "python", "timeout", "retries", "concurrency", "api_key_env")
#: the suffixes of files of answers
_ANSWERS = (".jsonl", ".json", ".csv", ".tsv", ".xlsx", ".parquet")


def with_system(own: dict[str, Any]) -> dict[str, Any]:
    """``{system: WHAT}`` in full: a generator; a file of answers is given answers."""
    if not isinstance(own.get("system"), str) or not isinstance(own.get("generator", {}), dict):
        return own
    rest = {k: v for k, v in own.items() if k not in OF_SYSTEM}
    told = {k: own[k] for k in OF_SYSTEM if k in own}
    if Path(told["system"]).suffix.lower() in _ANSWERS:
        told = {"model": "given", "answers": told.pop("system"), **told}
    return {**rest, "generator": {**told, **own.get("generator", {})}}
