"""Judges by the name used in experiment files."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from ragtune.errors import ExperimentError
from ragtune.judging.judge import JudgeSettings
from ragtune.judging.local import LocalJudge
from ragtune.judging.metrics import CORE, METRICS
from ragtune.judging.replies import Asker, Chat
from ragtune.models.encoder import TextEncoder
from ragtune.models.names import ModelRef
from ragtune.store import Store, digest

_NEEDS = {
    "nli": "Name a CrossEncoder trained for NLI or consistency.",
    "llm": "Name the served model, or a local one.",
    "ragas": "Name the served model, or a local one.",
}


def make_local(
    settings: JudgeSettings, encoder: TextEncoder, ref: Callable[[str], ModelRef], store: Store
) -> LocalJudge:
    return LocalJudge(settings, encoder)


def make_nli(settings: JudgeSettings, encoder: TextEncoder, ref: Callable[[str], ModelRef], store: Store) -> LocalJudge:
    from ragtune.judging.nli import NliJudge, cross_encoder_score

    found = ref(str(settings.model))
    return NliJudge(settings, encoder, cross_encoder_score(found), found.fingerprint)


def make_llm(settings: JudgeSettings, encoder: TextEncoder, ref: Callable[[str], ModelRef], store: Store) -> LocalJudge:
    from ragtune.judging.llm import LlmJudge

    return LlmJudge(settings, encoder, *_asker(settings, ref, store))


def make_ragas(
    settings: JudgeSettings, encoder: TextEncoder, ref: Callable[[str], ModelRef], store: Store
) -> LocalJudge:
    from ragtune.judging.ragas import RagasJudge

    return RagasJudge(settings, encoder, *_asker(settings, ref, store))


def _asker(settings: JudgeSettings, ref: Callable[[str], ModelRef], store: Store) -> tuple[Asker, str, int]:
    """(what asks the model and keeps its replies, the model's fingerprint, requests at a time)."""
    from ragtune.models.server import EndpointChat, LocalChat

    model = str(settings.model)
    if settings.endpoint:
        chat: Chat = EndpointChat(
            settings.endpoint,
            model,
            api_key_env=settings.api_key_env,
            timeout=settings.timeout,
            retries=settings.retries,
            concurrency=settings.concurrency,
        )
    else:
        from ragtune.models.causal import LanguageModel

        chat = LocalChat(LanguageModel(ref(model)))
    asker = Asker(chat, store.log("replies", digest(chat.fingerprint)), budget=settings.budget)
    return asker, chat.fingerprint, chat.concurrency


JUDGES: dict[str, Callable[[JudgeSettings, TextEncoder, Callable[[str], ModelRef], Store], LocalJudge]] = {
    "local": make_local,
    "nli": make_nli,
    "llm": make_llm,
    "ragas": make_ragas,
}


def refuse_incomplete(settings: JudgeSettings) -> None:
    """Complain before any work begins, not when answers wait to be judged.

    Raises:
        ExperimentError: there is no judge of that name, it misses its model, or a metric is unknown.
    """
    if settings.name not in JUDGES:
        raise ExperimentError(
            f'unknown judge "{settings.name}".', where="judge.name", fix=f"Known: {', '.join(JUDGES)}."
        )
    unknown = [m for m in settings.extra_metrics or () if m not in METRICS]
    if unknown:
        raise ExperimentError(
            f'unknown metric "{unknown[0]}".',
            where="judge.extra_metrics",
            fix=f"Known: {', '.join(m for m in METRICS if m not in CORE)}.",
        )
    if settings.name != "local" and not settings.model:
        raise ExperimentError(
            f'the judge "{settings.name}" needs a model.', where="judge.model", fix=_NEEDS[settings.name]
        )
    if settings.name == "ragas" and find_spec("ragas") is None:
        raise ExperimentError(
            "the ragas judge needs the ragas library.",
            where="judge.name",
            fix="pip install -c constraints.txt '.[ragas]'",
        )


def make_judge(
    settings: JudgeSettings, encoder: TextEncoder, ref: Callable[[str], ModelRef], store: Store
) -> LocalJudge:
    """The judge that ``settings`` name.

    Raises:
        ExperimentError: there is no judge of that name, or it misses a setting.
    """
    refuse_incomplete(settings)
    return JUDGES[settings.name](settings, encoder, ref, store)
