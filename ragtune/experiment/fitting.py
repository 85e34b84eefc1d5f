"""Whether a model can be tuned as a setup says, before any work, and what virtual tokens leave of its window."""

from __future__ import annotations

from ragtune.errors import ModelError
from ragtune.experiment.spec import Setup
from ragtune.experiment.workbench import Workbench
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.adapters import kind_of
from ragtune.models.names import must_download
from ragtune.models.virtual import VIRTUAL
from ragtune.tuning.methods import check, method_of


def refuse_unfit(bench: Workbench, setup: Setup) -> None:
    """Look at the model's configuration, where it lies here or in the cache.

    Raises:
        ModelError: the model, or this machine, cannot do what the tuning asks for.
    """
    if setup.tuning is None:
        return
    ref = bench.ref(setup.generator.model)
    if ref.adapter and kind_of(ref.adapter) in VIRTUAL:
        raise ModelError(
            "a model with virtual tokens cannot be tuned on.",
            where=ref.name,
            fix="Name its base, or tune with from: that adapter's folder.",
        )
    # plain LoRA suits every model: a configuration need not be read for it, nor is one downloaded for any but a GPU's sake
    special = setup.tuning.method != "lora" or setup.tuning.lora.targets == ("attention",)
    if special and (method_of(setup.tuning).cuda or not must_download(ref)):
        generator = setup.generator
        check(bench.language_model(generator.model, generator.device, generator.dtype), setup.tuning)


def spoken_with(bench: Workbench, setup: Setup) -> GeneratorSettings:
    """The setup's generator, its window as virtual tokens of its tuning leave it."""
    generator = setup.answering
    if setup.tuning is None or not method_of(setup.tuning).virtual:
        return generator
    left = bench.language_model(generator.model, generator.device, generator.dtype).window - setup.tuning.virtual_tokens
    return generator.model_copy(update={"window": min(generator.window or left, left)})
