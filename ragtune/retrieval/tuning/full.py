"""``full`` and ``lora``: the weights of an embedder, or adapters in it, trained by the loss of multiple negatives, or by what a generator finds useful."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from pathlib import Path
from typing import Any

from ragtune.models.encoder import load, prompt_of
from ragtune.models.names import ModelRef
from ragtune.retrieval.tuning.lessons import Lesson
from ragtune.retrieval.tuning.query_map import TEMPERATURE
from ragtune.retrieval.tuning.settings import DenseTuning
from ragtune.retrieval.tuning.training import Ids, Trained, adapted, batches_of, counted, merged, train


def rows_of(lessons: Sequence[Lesson], supervised: bool) -> tuple[list[list[str]], list[Ids], list[list[float]]]:
    """Rows of texts (a question, then chunks), the ids of their chunks, and the targets of ``supervised`` rows.

    By evidence a row is a question and one of its right chunks before the wrong ones, of which each row has as many.
    """
    texts: list[list[str]] = []
    ids: list[Ids] = []
    targets: list[list[float]] = []
    if supervised:
        for lesson in lessons:
            texts.append([lesson.query, *map(lesson.text, lesson.chunks)])
            ids.append(Ids())
            targets.append([log(max(share, 1e-12)) for share in lesson.target])
        return texts, ids, targets
    fewest = min((lesson.target.count(0.0) for lesson in lessons), default=0)
    for lesson in lessons:
        shares = list(zip(lesson.chunks, lesson.target, strict=True))
        wrong = [c for c, share in shares if not share][:fewest]
        for chunk, share in shares:
            if share:
                own = [chunk, *wrong]
                texts.append([lesson.query, *map(lesson.text, own)])
                ids.append(Ids(lesson.also, frozenset(c.id for c in own)))
    return texts, ids, targets


def steps(lessons: Sequence[Lesson], settings: DenseTuning, seed: int) -> int:
    return len(batches_of(rows_of(lessons, settings.supervise == "generator")[1], settings, seed))


def tune(
    ref: ModelRef,
    lessons: Sequence[Lesson],
    dev: Sequence[Lesson],
    settings: DenseTuning,
    seed: int,
    device: str,
    out: Path,
    progress: Callable[[int], None] | None = None,
) -> Trained:
    """Train a copy of the embedder, all its weights or adapters, and save it to ``out``.

    By evidence: multiple negatives ranking (Henderson et al. 2017, arXiv:1705.00652), where the right chunks of the other
    questions of a batch are wrong ones too. ``supervise: generator``: the Kullback-Leibler divergence between what the generator
    finds useful and the embedder's softmax over the same chunks (LSR in RA-DIT, arXiv:2310.01352, in the direction that
    sentence-transformers' DistillKLDivLoss has).
    """
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.sentence_transformer.losses import DistillKLDivLoss, MultipleNegativesRankingLoss
    from sentence_transformers.util import pairwise_cos_sim

    supervised = settings.supervise == "generator"
    model: Any = load(ref, device).float()
    inner = adapted(model[0].auto_model, settings)
    sizes = counted(model)
    texts, ids, targets = rows_of(lessons, supervised)
    batches = batches_of(ids, settings, seed)
    loss: Any = MultipleNegativesRankingLoss(model, scale=1 / TEMPERATURE)
    if supervised:
        loss = DistillKLDivLoss(
            model, similarity_fct=pairwise_cos_sim, student_temperature=TEMPERATURE, teacher_temperature=1.0
        )
    tested, _, wanted = rows_of(dev, supervised)
    curves = train(
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
        model,
        loss,
        _columns(model, texts, targets),
        _columns(model, tested, wanted) if tested else None,
        batches,
        settings,
        seed,
        device,
        progress,
    )
    model[0].model = merged(inner)
    model.save_pretrained(str(out), create_model_card=False, safe_serialization=True)
    return Trained(*curves, *sizes, sum(map(len, texts)))


def _columns(model: Any, texts: Sequence[Sequence[str]], targets: Sequence[Sequence[float]]) -> dict[str, list[Any]]:
    """The texts by column with the prompts that the embedder puts before questions and documents."""
    query, document = prompt_of(model, "query"), prompt_of(model, "document")
    found: dict[str, list[Any]] = {
        f"text {n}": [(query if n == 0 else document) + text for text in column]
        for n, column in enumerate(zip(*texts, strict=True))
    }
    return {**found, "label": [list(t) for t in targets]} if targets else found
