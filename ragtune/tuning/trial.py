"""What a training will take, before it starts: a few of its own batches, forward, backward and stepped, on the model as it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from ragtune.models.causal import LanguageModel
from ragtune.models.devices import quiet, seeded
from ragtune.models.memory import own_peak
from ragtune.tuning.batches import batches_of, collate, dataset, refuse_long
from ragtune.tuning.job import TuneJob
from ragtune.tuning.loss import answer_loss, keeps
from ragtune.tuning.methods import method_of
from ragtune.tuning.placing import on

#: batches that are timed, after one that warms up
TIMED = 3


@dataclass(frozen=True)
class Expected:
    """Seconds of the whole training, and the most memory it will hold, in MB (as `models.memory` measures both)."""

    seconds: float
    memory_mb: float


def trial(job: TuneJob, model: LanguageModel) -> Expected:
    """Time a few batches of ``job`` and reckon the rest by their padded tokens; nothing of it is kept.

    The first is the largest: it warms up, and its peak is the training's. The others stand at even steps between the smallest and
    the largest. Evaluations on the dev split count as forward passes, a third of a training step's work. With ``early_stop`` this is what it
    takes at most. Batches are timed in the model's own precision: where a GPU trains in mixed precision it may be faster.

    Raises:
        RagtuneError: what `train_adapter` would refuse.
    """
    import torch
    from torch.optim import AdamW

    settings = job.settings
    method = method_of(settings)
    refuse_long(job.train, model.window - (settings.virtual_tokens if method.virtual else 0))
    quiet()
    lengths = [len(e) for e in job.train]
    batches = sorted(batches_of(lengths, settings, job.seed), key=lambda b: _padded(b, lengths))
    rows = dataset(job.train, model.seq2seq)
    together = collate(model.pad, model.seq2seq)
    base = method.base(model)
    device = next(base.parameters()).device
    with own_peak(model.placement.device) as peak, seeded(job.seed), on(device):
        fitted = method.fit(model, base, settings)
        try:
            wrapped = fitted.model
            wrapped.train()
            optimiser = AdamW(fitted.trained.values(), lr=settings.learning_rate)
            can_keep = keeps(fitted)

            def step(batch: list[int]) -> float:
                inputs = {k: v.to(device) for k, v in together([rows[i] for i in batch]).items()}
                start = time.perf_counter()
                _loss(wrapped, inputs, model.seq2seq, can_keep).backward()
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
                if device.type == "cuda":
                    torch.cuda.synchronize(device)
                return time.perf_counter() - start

            step(batches[-1])
            step(batches[-1])
            chosen = [batches[round((n + 0.5) / TIMED * (len(batches) - 1))] for n in range(TIMED)]
            spent = sum(step(batch) for batch in chosen)
        finally:
            fitted.remove()
    rate = spent / sum(_padded(batch, lengths) for batch in chosen)
    whole = sum(_padded(batch, lengths) for batch in batches) * settings.epochs
    rounds = settings.epochs / settings.evaluate_every if settings.evaluate_every else 0
    dev = sum(map(len, job.dev)) * (rounds + 1) / 3
    return Expected(rate * (whole + dev), peak.mb)


def _padded(batch: list[int], lengths: list[int]) -> int:
    return len(batch) * max(lengths[i] for i in batch)


def _loss(model: Any, inputs: dict[str, Any], seq2seq: bool, can_keep: bool) -> Any:
    return model(**inputs).loss if seq2seq else answer_loss(model, inputs, False, None, can_keep)
