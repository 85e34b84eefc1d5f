"""Generators by kind: how each is made, what identifies it in stage keys, and what it can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ragtune.corpus.answers import read_answers
from ragtune.generation.abstention import threshold
from ragtune.generation.generator import Generator
from ragtune.generation.prompts import Prompt
from ragtune.generation.settings import GeneratorSettings, file_of, is_address
from ragtune.models.address import address
from ragtune.models.causal import LanguageModel
from ragtune.models.chat import VERSION as CHAT_VERSION
from ragtune.models.devices import placed
from ragtune.models.names import ModelRef
from ragtune.records import Hit
from ragtune.store import file_digest


@dataclass(frozen=True)
class Parts:
    """What a generator may be made of; the model is loaded when it is asked for. ``shared`` are hits that every request shows."""

    settings: GeneratorSettings
    prompt: Prompt
    model: Callable[[], LanguageModel]
    shared: tuple[Hit, ...] = ()


@dataclass(frozen=True)
class Named:
    """What a generator's identity is made of: its settings, its prompt, and what resolves model names."""

    settings: GeneratorSettings
    prompt: Prompt
    ref: Callable[[str], ModelRef]

    def given(self, *names: str) -> dict[str, object]:
        """These settings, but for those that have no effect beside the others."""
        found: dict[str, object] = self.settings.model_dump(mode="json", include=set(names))
        return {name: value for name, value in found.items() if name not in unread(self.settings)}


@dataclass(frozen=True)
class Kind:
    """``identity`` gives all that its answers depend on beside question, hits and seed, as it was resolved: what stands in
    stage keys, and nothing else does. ``reads``: the settings that it heeds, beside those that make it of this kind.

    ``tunable``: its model can be tuned here. ``needs_retrieval``: without hits it has nothing to say. ``brings_hits``: it
    shows hits of its own. ``by_id``: it answers a question by its id, and nothing else. ``samples``: a seed may change its answers. ``covers``: the ids of the questions that it has an
    answer to, None for all. ``remote``: each request's own seconds are known and asking may cost, so nothing is asked again.
    ``writes``: it says what any prompt asks for.
    """

    make: Callable[[Parts], Generator]
    identity: Callable[[Named], object]
    reads: frozenset[str] = frozenset()
    tunable: bool = False
    needs_retrieval: bool = False
    brings_hits: bool = False
    by_id: bool = False
    samples: bool = False
    remote: bool = False
    writes: bool = False
    covers: Callable[[GeneratorSettings], frozenset[str] | None] = lambda settings: None


def _local(parts: Parts) -> Generator:
    from ragtune.generation.local import LocalGenerator

    return LocalGenerator(parts.model(), parts.prompt, parts.settings, parts.shared)


def _endpoint(parts: Parts) -> Generator:
    from ragtune.generation.endpoint import EndpointGenerator

    return EndpointGenerator(parts.prompt, parts.settings)


def _extractive(parts: Parts) -> Generator:
    from ragtune.generation.extractive import ExtractiveGenerator

    return ExtractiveGenerator(parts.prompt)


def _system(parts: Parts) -> Generator:
    from ragtune.generation.system import SystemGenerator

    return SystemGenerator(parts.prompt, parts.settings)


def _given(parts: Parts) -> Generator:
    from ragtune.generation.given import GivenGenerator

    return GivenGenerator(parts.settings)


def _local_identity(named: Named) -> object:
    """The model's content or commit, where it runs and in what precision; the size of its batches, too, rounds."""
    settings, model = named.settings, named.ref(named.settings.model)
    where = placed(settings.device, settings.dtype)
    heeded = named.given(*sorted(_SAMPLES), "stop", "thinking", "abstain_above", "batch_tokens", *_LATER)
    least = threshold(settings, named.prompt.abstain)
    heeded = {name: value for name, value in heeded.items() if name not in _LATER or value}
    if settings.quote:
        heeded["quote"] = QUOTE_VERSION
    own = [] if least == settings.abstain_above else [least]  # a model's, which no setting says
    return [model.fingerprint, CHAT_VERSION, where.device, where.dtype, named.prompt.key, heeded, *own]


def _endpoint_identity(named: Named) -> object:
    """The address as its variables fill it in, without its user name and password."""
    settings = named.settings
    where = address(str(settings.endpoint), settings.api_key_env).url
    return [where, named.prompt.key, named.given("model", "max_new_tokens", "window", "temperature", "top_p", "stop")]


def _extractive_identity(named: Named) -> object:
    """Of the prompt it takes the agreed sentence alone."""
    return named.prompt.abstain


def _system_identity(named: Named) -> object:
    """The file's content or the address, and the version that the user names."""
    system = str(named.settings.system)
    if is_address(system):
        what = address(system, named.settings.api_key_env).url
    else:
        path, function = file_of(system)
        what = f"{file_digest(path) if path.is_file() else ''}:{function}"
    return [what, named.settings.version, named.prompt.abstain]


def _given_identity(named: Named) -> object:
    path = Path(str(named.settings.answers))
    return [file_digest(path) if path.is_file() else "", named.settings.columns]


def _given_covers(settings: GeneratorSettings) -> frozenset[str]:
    return frozenset(row.id for row in read_answers(Path(str(settings.answers)), settings.columns).rows)


#: raised when other answers are quotations
QUOTE_VERSION = 2
#: settings that stand in keys only where they are on
_LATER = ("stop_repeating", "context_weight", "quote")
_SAMPLES = {"max_new_tokens", "window", "temperature", "top_p"}
GENERATORS: dict[str, Kind] = {
    "local": Kind(
        _local,
        _local_identity,
        frozenset(
            {
                *_SAMPLES,
                "stop",
                *_LATER,
                "thinking",
                "abstain_above",
                "abstain_below",
                "batch_tokens",
                "device",
                "dtype",
            }
        ),
        tunable=True,
        samples=True,
        writes=True,
    ),
    "endpoint": Kind(
        _endpoint,
        _endpoint_identity,
        frozenset({*_SAMPLES, "stop", "api_key_env", "concurrency", "timeout", "retries"}),
        samples=True,
        remote=True,
        writes=True,
    ),
    "extractive": Kind(_extractive, _extractive_identity, needs_retrieval=True),
    "given": Kind(_given, _given_identity, frozenset({"columns"}), brings_hits=True, by_id=True, covers=_given_covers),
    "system": Kind(
        _system,
        _system_identity,
        frozenset({"version", "varies", "python", "api_key_env", "concurrency", "timeout", "retries"}),
        brings_hits=True,
        remote=True,
    ),
}


def unread(settings: GeneratorSettings) -> dict[str, str]:
    """The settings that have no effect on what these settings name, each with the reason."""
    reads = kind_of(settings).reads | {"model", "endpoint", "system", "answers"}
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


def identity(settings: GeneratorSettings, prompt: Prompt, ref: Callable[[str], ModelRef]) -> list[object]:
    """What identifies the generator in stage keys: its kind and all that its answers depend on.

    Raises:
        ModelError: a variable in its endpoint is not set.
    """
    return [settings.kind, kind_of(settings).identity(Named(settings, prompt, ref))]


def may_vary(settings: GeneratorSettings) -> bool:
    """Whether a seed may change what it answers."""
    return kind_of(settings).samples and settings.sampled
