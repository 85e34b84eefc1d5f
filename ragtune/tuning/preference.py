"""Direct preference optimisation: of two answers to one prompt the right one is made likelier than it was, against the wrong one.

Rafailov et al. 2023, arXiv:2305.18290, equation 7: the loss of a pair is
-log sigmoid(beta (log p(right) / q(right) - log p(wrong) / q(wrong))), with q the model that training begins with. It is computed here,
and not by TRL's DPOTrainer, so that batches by tokens, checkpoints and every tuning method are those of all other trainings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ragtune.tuning.batches import Encoded, collate, dataset
from ragtune.tuning.loss import answer_logits


def pairs_of(items: Sequence[Encoded]) -> list[tuple[Encoded, Encoded]]:
    """(right, wrong) of items that stand in turns."""
    return list(zip(items[::2], items[1::2], strict=True))


def lengths_of(items: Sequence[Encoded]) -> list[int]:
    """Tokens of each pair."""
    return [len(right) + len(wrong) for right, wrong in pairs_of(items)]


def log_probabilities(model: Any, inputs: dict[str, Any], seq2seq: bool, can_keep: bool) -> Any:
    """The log probability of each row's answer (rows,)."""
    from torch.nn.functional import cross_entropy

    labels = inputs["labels"]
    if seq2seq:
        own = {name: inputs[name] for name in ("input_ids", "attention_mask", "labels")}
        logits, wanted = model(**own).logits, labels
    else:
        logits, wanted, _ = answer_logits(model, inputs, can_keep)
    lost = cross_entropy(logits.float().flatten(0, 1), wanted.flatten(), ignore_index=-100, reduction="none")
    return -lost.view(len(labels), -1).sum(-1)


def reference(model: Any, items: Sequence[Encoded], pad: int, seq2seq: bool, can_keep: bool) -> list[float]:
    """The log probability of each item under ``model`` as it is, one at a time."""
    import torch

    together, rows = collate(pad, seq2seq), dataset(items, seq2seq)
    device = next(model.parameters()).device
    model.eval()
    found = []
    with torch.no_grad():
        for row in rows:
            inputs = {name: part.to(device) for name, part in together([row]).items()}
            found.append(float(log_probabilities(model, inputs, seq2seq, can_keep)[0]))
    return found


def paired(items: Sequence[Encoded], before: Sequence[float], seq2seq: bool) -> Any:
    """The pairs as a data set: a row's right and wrong answer, each with its log probability before training."""
    from datasets import Dataset

    rows = [{**row, "before": was} for row, was in zip(dataset(items, seq2seq), before, strict=True)]
    return Dataset.from_list([{"right": a, "wrong": b} for a, b in zip(rows[::2], rows[1::2], strict=True)])


def collate_pairs(pad: int, seq2seq: bool) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    """Batches whose first half are the right answers, in the order of the wrong ones in the second."""
    import torch

    together = collate(pad, seq2seq)

    def made(batch: list[dict[str, Any]]) -> dict[str, Any]:
        rows = [pair[side] for side in ("right", "wrong") for pair in batch]
        return {**together(rows), "before": torch.tensor([row["before"] for row in rows])}

    return made


def preference_loss(model: Any, inputs: dict[str, Any], beta: float, seq2seq: bool, can_keep: bool) -> Any:
    """The mean loss of the pairs of a batch."""
    from torch.nn.functional import logsigmoid

    moved = log_probabilities(model, inputs, seq2seq, can_keep) - inputs["before"]
    right, wrong = moved.chunk(2)
    return -logsigmoid(beta * (right - wrong)).mean()
