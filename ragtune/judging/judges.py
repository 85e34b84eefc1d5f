"""Judges by the name used in experiment files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from ragtune.errors import ExperimentError
from ragtune.judging.judge import Judge
from ragtune.judging.local import LocalWitness
from ragtune.judging.metrics import METRICS
from ragtune.judging.replies import Asker, Chat, LocalChat, ServedChat
from ragtune.judging.settings import JudgeSettings
from ragtune.judging.witness import Witness
from ragtune.models.encoder import TextEncoder
from ragtune.models.names import ModelRef
from ragtune.store import Store, digest


@dataclass(frozen=True)
class Means:
    """What a witness may be made of: settings, the embedder, what resolves model names, and the store for replies."""

    settings: JudgeSettings
    encoder: TextEncoder
    ref: Callable[[str], ModelRef]
    store: Store


@dataclass(frozen=True)
class Kind:
    """A judge: how its witness is made, what model it needs ("" for none), and the library it needs ("" for none).

    ``asks``: it asks a language model, which may be served. ``support``: it says by degrees how far a statement is backed.
    """

    make: Callable[[Means], Witness]
    model: str = ""
    library: str = ""
    asks: bool = False
    support: bool = False


def _local(means: Means) -> Witness:
    return LocalWitness(means.settings, means.encoder)


def _nli(means: Means) -> Witness:
    from ragtune.judging.nli import NliEvidence, entailment
    from ragtune.models.pairs import PairModel

    ref = means.ref(str(means.settings.model))
    return LocalWitness(means.settings, means.encoder, NliEvidence(entailment(PairModel(ref)), ref.fingerprint))


def _llm(means: Means) -> Witness:
    from ragtune.judging.llm import LlmWitness

    chat, asker = _asker(means)
    return LlmWitness(means.settings, means.encoder, asker, chat.fingerprint, chat.concurrency)


def _ragas(means: Means) -> Witness:
    from ragtune.judging.llm import LlmWitness
    from ragtune.judging.ragas import ragas_key, ragas_metrics

    chat, asker = _asker(means)
    key, own = ragas_key(means.settings, means.encoder, chat.fingerprint), ragas_metrics(asker, means.encoder)
    return LlmWitness(means.settings, means.encoder, asker, chat.fingerprint, chat.concurrency, key, own)


def _asker(means: Means) -> tuple[Chat, Asker]:
    """The model that is asked, and what asks it and keeps its replies."""
    settings = means.settings
    chat: Chat
    if settings.endpoint:
        from ragtune.models.server import Server

        server = Server(
            settings.endpoint,
            str(settings.model),
            api_key_env=settings.api_key_env,
            timeout=settings.timeout,
            retries=settings.retries,
            speaks="the judge's server",
            setting="judge",
        )
        chat = ServedChat(server, settings.concurrency)
    else:
        from ragtune.models.causal import LanguageModel

        chat = LocalChat(LanguageModel(means.ref(str(settings.model))))
    return chat, Asker(chat, means.store.log("replies", digest(chat.fingerprint)), budget=settings.budget)


_SERVED = "Name the served model, or a local one."
JUDGES: dict[str, Kind] = {
    "local": Kind(_local, support=True),
    "nli": Kind(_nli, model="Name a CrossEncoder trained for NLI or consistency.", support=True),
    "llm": Kind(_llm, model=_SERVED, asks=True),
    "ragas": Kind(_ragas, model=_SERVED, library="ragas", asks=True),
}


def unread(settings: JudgeSettings) -> dict[str, str]:
    """The settings that have no effect on the judge that these settings name, each with the reason."""
    kind = JUDGES.get(settings.name)
    if kind is None:
        return {}
    found = {}
    if not kind.model:
        found["model"] = f"the {settings.name} judge needs no model; choose the judge {', '.join(_with('model'))}"
    if not kind.asks:
        for name in ("endpoint", "budget"):
            found[name] = (
                f"the {settings.name} judge asks no language model; choose the judge {', '.join(_with('asks'))}"
            )
    if not (kind.asks and settings.endpoint):
        for name in ("api_key_env", "concurrency", "timeout", "retries"):
            found[name] = "it needs an endpoint, and the judge llm or ragas"
    if not kind.support:
        found["support"] = f"the {settings.name} judge says yes or no; choose the judge {', '.join(_with('support'))}"
    return found


def refuse_unread(given: Mapping[str, object], settings: JudgeSettings, option: str) -> None:
    """Raises ExperimentError where one of the ``given`` settings has no effect; ``option`` stands before its name."""
    for name, why in unread(settings).items():
        if given.get(name):
            raise ExperimentError(f"{option}{name} has no effect: {why}.", fix="Mend that, or take it away.")


def _with(flag: str) -> list[str]:
    return [name for name, kind in JUDGES.items() if getattr(kind, flag)]


def refuse_incomplete(settings: JudgeSettings, main: str = "") -> None:
    """Complain before any work begins, not when answers wait to be judged.

    Raises:
        ExperimentError: there is no judge of that name, it misses its model, a metric is unknown, or it does not score the metric ``main``.
    """
    kind = JUDGES.get(settings.name)
    if kind is None:
        raise ExperimentError(
            f'unknown judge "{settings.name}".', where="judge.name", fix=f"Known: {', '.join(JUDGES)}."
        )
    unknown = [m for m in settings.extra_metrics or () if m not in METRICS]
    if unknown:
        extra = ", ".join(m.name for m in METRICS.values() if not m.core)
        raise ExperimentError(f'unknown metric "{unknown[0]}".', where="judge.extra_metrics", fix=f"Known: {extra}.")
    if main and "llm" in METRICS[main].needs and not kind.asks:
        raise ExperimentError(
            f"{main} is scored by a judge that asks a language model alone, not by {settings.name}.",
            where="main_metric",
            fix="Choose another, or set judge.name to llm.",
        )
    if kind.model and not settings.model:
        raise ExperimentError(f'the judge "{settings.name}" needs a model.', where="judge.model", fix=kind.model)
    if kind.library and find_spec(kind.library) is None:
        raise ExperimentError(
            f"the {settings.name} judge needs the {kind.library} library.",
            where="judge.name",
            fix=f"pip install -c constraints.txt '.[{kind.library}]'",
        )


def make_judge(settings: JudgeSettings, encoder: TextEncoder, ref: Callable[[str], ModelRef], store: Store) -> Judge:
    """The judge that ``settings`` name.

    Raises:
        ExperimentError: there is no judge of that name, or it misses a setting.
    """
    refuse_incomplete(settings)
    return Judge(JUDGES[settings.name].make(Means(settings, encoder, ref, store)), settings)
