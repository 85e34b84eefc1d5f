"""How likely a model takes a target to be after a prompt."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from ragtune.models.causal import LanguageModel
from ragtune.tuning.batches import Encoded, collate


def likelihoods(model: LanguageModel, items: Sequence[Encoded]) -> list[float]:
    """The probability of each target's tokens by the base model, their geometric mean, in (0, 1]; one item at a time, so that it
    does not depend on its company."""
    import torch
    from torch.nn.functional import cross_entropy

    base: Any = model.plain()
    rows = collate(model.pad, model.seq2seq)
    keeps = "logits_to_keep" in inspect.signature(base.forward).parameters
    found = []
    for item in items:
        if model.seq2seq:
            batch = rows([{"input_ids": item.prompt, "labels": item.target}])
        else:
            ids = (*item.prompt, *item.target)
            batch = rows([{"input_ids": ids, "labels": (-100,) * len(item.prompt) + item.target}])
        batch = {name: tensor.to(base.device) for name, tensor in batch.items()}
        labels = batch.pop("labels")
        with torch.inference_mode():
            if model.seq2seq:
                logits, wanted = base(**batch, labels=labels).logits, labels
            else:
                keep = len(item.target) + 1
                logits = base(**batch, use_cache=False, **({"logits_to_keep": keep} if keeps else {})).logits
                logits, wanted = logits[:, -keep:-1], labels[:, -len(item.target) :]
            loss = cross_entropy(logits.float().flatten(0, 1), wanted.flatten(), ignore_index=-100)
        found.append(float((-loss).exp()))
    return found
