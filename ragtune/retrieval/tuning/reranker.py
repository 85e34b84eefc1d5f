"""A re-ranker: a CrossEncoder, or an encoder with a fresh head, taught to tell chunks with evidence from hits without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ragtune.models.devices import seeded
from ragtune.models.names import ModelRef
from ragtune.models.pairs import load
from ragtune.retrieval.tuning.lessons import Lesson
from ragtune.retrieval.tuning.settings import RerankTuning
from ragtune.retrieval.tuning.training import Ids, Trained, adapted, batches_of, counted, merged, train


def pairs_of(lessons: Sequence[Lesson]) -> list[tuple[str, str, float]]:
    """(question, text, 1 or 0) for every chunk of every lesson."""
    return [
        (lesson.query, lesson.text(chunk), float(share > 0))
        for lesson in lessons
        for chunk, share in zip(lesson.chunks, lesson.target, strict=True)
    ]


def steps(lessons: Sequence[Lesson], settings: RerankTuning, seed: int) -> int:
    return len(batches_of([Ids()] * len(pairs_of(lessons)), settings, seed))


def tune(
    ref: ModelRef,
    lessons: Sequence[Lesson],
    dev: Sequence[Lesson],
    settings: RerankTuning,
    seed: int,
    device: str,
    out: Path,
    progress: Callable[[int], None] | None = None,
) -> Trained:
    """Train a copy of the model by binary cross-entropy and save it to ``out`` (Nogueira and Cho 2019, arXiv:1901.04085)."""
    from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss

    pairs, tested = pairs_of(lessons), pairs_of(dev)
    with seeded(seed):  # a head that the model has not yet starts from it
        model: Any = load(ref, device, labels=1).float()
        inner = adapted(model[0].auto_model, settings, head=True)
    sizes = counted(model)
    curves = train(
        CrossEncoderTrainer,
        CrossEncoderTrainingArguments,
        model,
        BinaryCrossEntropyLoss(model),
        _columns(pairs),
        _columns(tested) if tested else None,
        batches_of([Ids()] * len(pairs), settings, seed),
        settings,
        seed,
        device,
        progress,
    )
    model[0].model = merged(inner)
    model.save_pretrained(str(out), create_model_card=False, safe_serialization=True)
    return Trained(*curves, *sizes, 2 * len(pairs))


def _columns(pairs: Sequence[tuple[str, str, float]]) -> dict[str, list[object]]:
    question, text, label = zip(*pairs, strict=True)
    return {"question": list(question), "text": list(text), "label": list(label)}
