"""The loss of a training: over the tokens of answers alone."""

from __future__ import annotations

import inspect
from typing import Any

from ragtune.tuning.method import Fitted


def keeps(fitted: Fitted) -> bool:
    """Whether the model can leave out the logits of the first tokens."""
    return "logits_to_keep" in inspect.signature(fitted.base.forward).parameters


def answer_loss(model: Any, inputs: dict[str, Any], return_outputs: bool, items: Any, can_keep: bool) -> Any:
    """Mean cross-entropy over answer tokens."""
    from torch.nn.functional import cross_entropy

    logits, wanted, out = answer_logits(model, inputs, can_keep)
    total = cross_entropy(logits.float().flatten(0, 1), wanted.flatten(), ignore_index=-100, reduction="sum")
    loss = total / (items if items is not None else (wanted != -100).sum().clamp(min=1))
    return (loss, out) if return_outputs else loss


def answer_logits(model: Any, inputs: dict[str, Any], can_keep: bool) -> tuple[Any, Any, Any]:
    """Logits of the answer tokens, these tokens (-100 where there is none), and what the model gave. Rows are left-padded, so logits
    are only computed for the last tokens."""
    labels = inputs["labels"]
    keep = int((labels != -100).sum(dim=1).max()) + 1
    positions = (inputs["attention_mask"].cumsum(-1) - 1).clamp(min=0)
    extra = {"logits_to_keep": keep} if can_keep else {}
    out = model(
        input_ids=inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        position_ids=positions,
        use_cache=False,
        **extra,
    )
    return out.logits[:, -keep:-1], labels[:, -keep:][:, 1:], out
