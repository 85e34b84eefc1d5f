"""Generators by kind: how each is made, what identifies it in stage keys, and what it can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ragtune.corpus.answers import read_answers
from ragtune.generation.generator import Generator
from ragtune.generation.prompts import Prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.chat import chat_version
from ragtune.models.names import ModelRef
from ragtune.store import file_digest


@dataclass(frozen=True)
class Parts:
    """What a generator may be made of; the model is loaded when it is asked for."""

    settings: GeneratorSettings
    prompt: Prompt
    model: Callable[[], LanguageModel]


@dataclass(frozen=True)
class Kind:
    """``identity`` gives what changes its answers, beside the prompt and the model's fingerprint. ``reads``: the settings
    that it heeds, beside those that make it of this kind.

    ``tunable``: its model can be tuned here. ``needs_retrieval``: without hits it has nothing to say. ``brings_hits``: it
    shows hits of its own. ``samples``: a seed may change its answers. ``covers``: the ids of the questions that it has an
    answer to, None for all. ``remote``: each request's own seconds are known and asking may cost, so nothing is asked again.
    """

    make: Callable[[Parts], Generator]
    identity: Callable[[GeneratorSettings], object]
    reads: frozenset[str] = frozenset()
    tunable: bool = False
    needs_retrieval: bool = False
    brings_hits: bool = False
    samples: bool = False
    remote: bool = False
    covers: Callable[[GeneratorSettings], frozenset[str] | None] = lambda settings: None


def _local(parts: Parts) -> Generator:
    from ragtune.generation.local import LocalGenerator

    return LocalGenerator(parts.model(), parts.prompt, parts.settings)


def _endpoint(parts: Parts) -> Generator:
    from ragtune.generation.endpoint import EndpointGenerator

    return EndpointGenerator(parts.prompt, parts.settings)


def _extractive(parts: Parts) -> Generator:
    from ragtune.generation.extractive import ExtractiveGenerator

    return ExtractiveGenerator(parts.prompt)


def _given(parts: Parts) -> Generator:
    from ragtune.generation.given import GivenGenerator

    return GivenGenerator(parts.settings)


_LOCAL = {"max_new_tokens", "window", "temperature", "top_p", "abstain_above", "batch_tokens", "device", "dtype"}
_SERVED = {"model", "endpoint", "max_new_tokens", "window", "temperature", "top_p"}
#: settings that came later: where they are off, keys are as they were
_LATER = {"local": {"stop", "thinking"}, "endpoint": {"stop"}}


def _told(settings: GeneratorSettings, names: set[str]) -> object:
    """The settings of these names, and those of the later ones that are on."""
    later = {n: v for n, v in settings.model_dump(mode="json", include=_LATER[settings.kind]).items() if v}
    return settings.model_dump(mode="json", include=names) | later


def _given_identity(settings: GeneratorSettings) -> object:
    path = Path(str(settings.answers))
    return [file_digest(path) if path.is_file() else "", settings.columns]


def _given_covers(settings: GeneratorSettings) -> frozenset[str]:
    return frozenset(row.id for row in read_answers(Path(str(settings.answers)), settings.columns).rows)


GENERATORS: dict[str, Kind] = {
    "local": Kind(
        _local,
        lambda s: _told(s, _LOCAL),
        frozenset(_LOCAL | _LATER["local"] | {"abstain_below"}),
        tunable=True,
        samples=True,
    ),
    "endpoint": Kind(
        _endpoint,
        lambda s: _told(s, _SERVED),
        frozenset(_SERVED | _LATER["endpoint"] | {"api_key_env", "concurrency", "timeout", "retries"}),
        samples=True,
        remote=True,
    ),
    "extractive": Kind(_extractive, lambda s: "extractive", needs_retrieval=True),
    "given": Kind(_given, _given_identity, frozenset({"columns"}), brings_hits=True, covers=_given_covers),
}


def unread(settings: GeneratorSettings) -> dict[str, str]:
    """The settings that have no effect on what these settings name, each with the reason."""
    reads = kind_of(settings).reads | {"model", "endpoint", "answers"}
    kinds = {name: [k for k, kind in GENERATORS.items() if name in kind.reads] for name in type(settings).model_fields}
    found = {name: f"only {' and '.join(kinds[name])} generators heed it" for name in kinds if name not in reads}
    if settings.kind == "local" and not settings.sampled:
        found["top_p"] = "it needs a temperature above 0"
    if settings.thinking:
        found["abstain_above"] = "it decides on the first token, which begins a thought with thinking: true"
    return found


def kind_of(settings: GeneratorSettings) -> Kind:
    """What can be said of the generator that ``settings`` name, without making it."""
    return GENERATORS[settings.kind]


def identity(settings: GeneratorSettings, ref: Callable[[str], ModelRef]) -> list[object]:
    """What identifies the generator in stage keys: kind, settings that change answers, the model's fingerprint."""
    kind = kind_of(settings)
    found = [settings.kind, kind.identity(settings)]
    if not kind.tunable:
        return [*found, ""]
    model = ref(settings.model)
    return [*found, model.fingerprint, *chat_version(model)]
