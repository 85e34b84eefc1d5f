"""What a tuning method is: how it makes a model trainable, and what becomes of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtune.errors import ModelError

if TYPE_CHECKING:
    from ragtune.models.causal import LanguageModel
    from ragtune.tuning.settings import TuningSettings


@dataclass(frozen=True)
class Fitted:
    """A base made trainable. ``model`` is what steps and ``base`` the model of transformers in it; ``save`` writes what was trained
    to a folder, ``load`` goes on from such a folder, ``remove`` gives the base back to the bit. ``checkpoints``: the library's
    trainer knows how to keep and reload what is trained."""

    model: Any
    base: Any
    save: Callable[[Path], None]
    load: Callable[[Path], None]
    remove: Callable[[], None]
    checkpoints: bool = False

    @property
    def trained(self) -> dict[str, Any]:
        """The parameters that are trained, by name."""
        return {name: p for name, p in self.model.named_parameters() if p.requires_grad}

    def sizes(self) -> tuple[int, int]:
        """(trained parameters, all parameters)."""
        return sum(p.numel() for p in self.trained.values()), sum(p.numel() for p in self.model.parameters())


def plain(model: LanguageModel) -> Any:
    return model.plain()


@dataclass(frozen=True)
class Method:
    """``fit`` makes a base (that ``base`` gives) trainable; ``check`` raises where a model cannot do it, without its weights.

    ``reads`` are the settings that it heeds, beside those that all do; ``merges``: what is trained can be put into the weights;
    ``beside``: it can also stand beside them; ``virtual``: it is virtual tokens. ``optimiser`` is the trainer's name of another
    than its own, ``cuda``: it needs such a GPU (and bitsandbytes).
    """

    fit: Callable[[LanguageModel, Any, TuningSettings], Fitted]
    check: Callable[[LanguageModel, TuningSettings], None]
    reads: frozenset[str]
    merges: bool = True
    beside: bool = True
    virtual: bool = False
    optimiser: str = ""
    cuda: bool = False
    base: Callable[[LanguageModel], Any] = plain


def skeleton(model: LanguageModel) -> Any:
    """The model without its weights: its modules, for a look at their names."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    kind = AutoModelForSeq2SeqLM if model.seq2seq else AutoModelForCausalLM
    with torch.device("meta"):
        return kind.from_config(model.config)


def unfit(model: LanguageModel, method: str, why: str) -> ModelError:
    """The one line for a model that a method cannot tune."""
    return ModelError(
        f"method: {method} cannot tune {model.ref.name} ({why}).",
        where="tuning.method",
        fix="lora and full tune every model.",
    )
