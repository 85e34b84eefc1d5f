"""The ragas judge: the ragas library's own metrics, asked through our `Asker`.

ragas makes the prompts, the steps and the scores; the Asker sends, repairs, keeps and counts, so that a reply that ragas
could not read leaves its metric unscored with the reason, and a NaN becomes unscored too. What ragas lacks is the LLM
witness's. Where inputs that a metric needs are absent it is unscored, where ragas raises an error.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel

from ragtune.errors import ExperimentError
from ragtune.judging.replies import Asker
from ragtune.judging.settings import JudgeSettings
from ragtune.judging.witness import NO_CONTEXTS, Unscorable, lacks_reference
from ragtune.models.encoder import TextEncoder
from ragtune.records import Row, Score
from ragtune.store import digest

VERSION = 1
T = TypeVar("T", bound=BaseModel)
#: our metric -> (ragas's class, its inputs)
RAGAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "faithfulness": ("Faithfulness", ("user_input", "response", "retrieved_contexts")),
    "answer_relevance": ("AnswerRelevancy", ("user_input", "response")),
    "context_precision": ("ContextPrecisionWithReference", ("user_input", "reference", "retrieved_contexts")),
    "context_recall": ("ContextRecall", ("user_input", "retrieved_contexts", "reference")),
    "answer_correctness": ("AnswerCorrectness", ("user_input", "response", "reference")),
    "context_precision_without_reference": (
        "ContextPrecisionWithoutReference",
        ("user_input", "response", "retrieved_contexts"),
    ),
    "noise_sensitivity": ("NoiseSensitivity", ("user_input", "response", "reference", "retrieved_contexts")),
}
_EMBEDS = {"answer_relevance", "answer_correctness"}


def load_ragas() -> Any:
    """The module ``ragas.metrics.collections``; its usage tracking is switched off before it is imported.

    Raises:
        ExperimentError: the extra is not installed, or does not import.
    """
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    try:
        from ragas.metrics import collections
    except ImportError as error:
        raise ExperimentError(
            f"the ragas judge needs the ragas library ({error}).",
            where="judge.name",
            fix="pip install -c constraints.txt '.[ragas]'",
        ) from None
    return collections


def ragas_key(settings: JudgeSettings, encoder: TextEncoder, fingerprint: str) -> str:
    """What identifies the judge in stage keys."""
    load_ragas()
    import ragas

    return digest("ragas", VERSION, ragas.__version__, settings.identity(), encoder.fingerprint, fingerprint)


def ragas_metrics(asker: Asker, encoder: TextEncoder) -> Mapping[str, Callable[[Row], Score]]:
    """ragas's way of scoring, by our metrics' names."""
    collections, embeddings = load_ragas(), _embeddings(encoder)

    def make(metric: str) -> Any:
        """ragas's metric, fresh: its model counts the prompts it repeats."""
        more = {"embeddings": embeddings} if metric in _EMBEDS else {}
        return getattr(collections, RAGAS[metric][0])(llm=_llm(asker), **more)

    return {metric: partial(_score, make, metric) for metric in RAGAS}


def _score(make: Callable[[str], Any], metric: str, row: Row) -> Score:
    inputs = {
        "user_input": row.question.text,
        "response": row.answer.text,
        "retrieved_contexts": list(row.answer.contexts),
        "reference": (row.question.references or ("",))[0],
    }
    needed = {k: inputs[k] for k in RAGAS[metric][1]}
    lacks = {
        "retrieved_contexts": NO_CONTEXTS,
        "reference": lacks_reference(row.question),
        "response": "the answer is empty",
        "user_input": "the question is empty",
    }
    empty = next((key for key, given in needed.items() if not given), "")
    if empty:
        return Score(metric, None, lacks[empty])
    value = float(_run(make(metric).ascore(**needed)).value)
    if not math.isfinite(value):
        return Score(metric, None, "ragas gave no number (NaN)", failed=True)
    return Score(metric, round(min(1.0, max(0.0, value)), 9), "by ragas")


def _run(task: Coroutine[Any, Any, Any]) -> Any:
    """Run one of ragas's coroutines to its end in this thread."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(task)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        said = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise Unscorable(f"ragas failed: {said}") from None
    finally:
        loop.close()


def _llm(asker: Asker) -> Any:
    """ragas's idea of a language model over our Asker; a prompt repeated on purpose is asked again."""
    from ragas.llms.base import InstructorBaseRagasLLM

    class AskerLLM(InstructorBaseRagasLLM):  # type: ignore[misc]
        def __init__(self) -> None:
            self.asked: dict[str, int] = {}

        def generate(self, prompt: str, response_model: type[T]) -> T:
            repeat = self.asked[prompt] = self.asked.get(prompt, -1) + 1
            return asker.read(prompt, response_model, repeat=repeat)

        async def agenerate(self, prompt: str, response_model: type[T]) -> T:
            return self.generate(prompt, response_model)

    return AskerLLM()


def _embeddings(encoder: TextEncoder) -> Any:
    """ragas's idea of embeddings over our encoder."""
    from ragas.embeddings.base import BaseRagasEmbedding

    class EncoderEmbedding(BaseRagasEmbedding):  # type: ignore[misc]
        def embed_text(self, text: str, **_: Any) -> list[float]:
            return [float(x) for x in encoder.encode([text])[0]]

        async def aembed_text(self, text: str, **_: Any) -> list[float]:
            return self.embed_text(text)

    return EncoderEmbedding()
