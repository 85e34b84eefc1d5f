"""Judges by the name used in experiment files."""

from __future__ import annotations

from collections.abc import Callable

from ragtune.errors import ExperimentError
from ragtune.evaluation.judge import JudgeSettings
from ragtune.evaluation.local_judge import LocalJudge
from ragtune.models.encoder import TextEncoder
from ragtune.models.names import ModelRef
from ragtune.store import Store, digest


def make_local(settings: JudgeSettings, encoder: TextEncoder, ref: Callable[[str], ModelRef], store: Store) -> LocalJudge:
    return LocalJudge(settings, encoder)


def make_nli(settings: JudgeSettings, encoder: TextEncoder, ref: Callable[[str], ModelRef], store: Store) -> LocalJudge:
    from ragtune.evaluation.nli_judge import NliJudge, cross_encoder_score

    if not settings.model:
        raise ExperimentError('the judge "nli" needs a model.', where="judge.model", fix="Name a CrossEncoder trained for NLI or consistency.")
    found = ref(settings.model)
    return NliJudge(settings, encoder, cross_encoder_score(found), found.fingerprint)


def make_llm(settings: JudgeSettings, encoder: TextEncoder, ref: Callable[[str], ModelRef], store: Store) -> LocalJudge:
    from ragtune.evaluation.llm_judge import LlmJudge
    from ragtune.evaluation.llm_replies import Asker, Chat
    from ragtune.models.chat import EndpointChat, LocalChat

    if not settings.model:
        raise ExperimentError('the judge "llm" needs a model.', where="judge.model", fix="Name the served model, or a local one.")
    if settings.endpoint:
        chat: Chat = EndpointChat(
            settings.endpoint,
            settings.model,
            api_key_env=settings.api_key_env,
            timeout=settings.timeout,
            retries=settings.retries,
            concurrency=settings.concurrency,
        )
    else:
        from ragtune.models.causal import LanguageModel

        chat = LocalChat(LanguageModel(ref(settings.model)))
    asker = Asker(chat, store.log("replies", digest(chat.fingerprint)), budget=settings.budget)
    return LlmJudge(settings, encoder, asker, chat.fingerprint, chat.concurrency)


JUDGES: dict[str, Callable[[JudgeSettings, TextEncoder, Callable[[str], ModelRef], Store], LocalJudge]] = {
    "local": make_local,
    "nli": make_nli,
    "llm": make_llm,
}


def make_judge(settings: JudgeSettings, encoder: TextEncoder, ref: Callable[[str], ModelRef], store: Store) -> LocalJudge:
    """The judge that ``settings`` name.

    Raises:
        ExperimentError: there is no judge of that name, or it misses a setting.
    """
    if settings.name not in JUDGES:
        raise ExperimentError(f'unknown judge "{settings.name}".', where="judge.name", fix=f"Known: {', '.join(JUDGES)}.")
    return JUDGES[settings.name](settings, encoder, ref, store)
