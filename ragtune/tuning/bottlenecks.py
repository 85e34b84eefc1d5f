"""Tuning of bottleneck adapters (Houlsby et al. 2019, arXiv:1902.00751)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtune.models.adapters import WEIGHTS
from ragtune.models.bottleneck import Bottlenecks, places
from ragtune.tuning.method import Fitted, skeleton, unfit

if TYPE_CHECKING:
    from ragtune.models.causal import LanguageModel
    from ragtune.tuning.settings import TuningSettings


def fit_bottlenecks(model: LanguageModel, base: Any, settings: TuningSettings) -> Fitted:
    """Two small layers behind every attention and feed-forward part of ``base``."""
    behind = places(base)
    if not behind:
        raise unfit(model, "bottleneck", "its blocks have no parts of a known name")
    made = Bottlenecks(base, behind, settings.bottleneck)

    def load(folder: Path) -> None:
        from safetensors.torch import load_file

        made.layers.load_state_dict(load_file(folder / WEIGHTS))

    def remove() -> None:
        made.remove()
        base.eval()
        for name in ("forward", "_original_forward"):  # mixed precision wraps it
            base.__dict__.pop(name, None)

    return Fitted(base, base, made.save, load, remove)


def check_bottlenecks(model: LanguageModel, settings: TuningSettings) -> None:
    if not places(skeleton(model)):
        raise unfit(model, "bottleneck", "its blocks have no parts of a known name")
