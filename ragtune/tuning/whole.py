"""Tuning of all weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragtune.models.adapters import put_in, save_whole
from ragtune.tuning.method import Fitted

if TYPE_CHECKING:
    from ragtune.models.causal import LanguageModel
    from ragtune.tuning.settings import TuningSettings


def fit_whole(model: LanguageModel, base: Any, settings: TuningSettings) -> Fitted:
    """All weights of ``base``, trained in float32 and stored in the model's own precision."""
    own = [(p, p.detach().to("cpu", copy=True)) for p in base.parameters()]
    dtype = own[0][1].dtype
    for parameter, _ in own:
        parameter.data = parameter.data.float()
        parameter.requires_grad_(True)

    def remove() -> None:
        for parameter, before in own:
            parameter.requires_grad_(False)
            parameter.grad = None
            parameter.data = before.to(parameter.device)
        base.eval()
        for name in ("forward", "_original_forward"):  # mixed precision wraps it
            base.__dict__.pop(name, None)

    return Fitted(base, base, lambda out: save_whole(base, out, dtype), lambda folder: put_in(base, folder), remove)


def check_whole(model: LanguageModel, settings: TuningSettings) -> None:
    """Every model can."""
