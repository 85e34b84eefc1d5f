"""The tuning methods, by ``tuning.method``: what is trained, which settings it heeds, whether it merges, and who can do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragtune.tuning.bottlenecks import check_bottlenecks, fit_bottlenecks
from ragtune.tuning.layers import check_ia3, check_lora, check_qlora, fit_ia3, fit_lora, quantised
from ragtune.tuning.method import Method
from ragtune.tuning.settings import TuningSettings
from ragtune.tuning.soft import check_virtual, fit_virtual
from ragtune.tuning.whole import check_whole, fit_whole

if TYPE_CHECKING:
    from ragtune.models.causal import LanguageModel

_LORA = frozenset({f"lora.{name}" for name in ("r", "alpha", "dropout", "targets", "upper", "rank_stabilised")})
_VIRTUAL = frozenset({"virtual_tokens"})

#: by ``tuning.method``
METHODS: dict[str, Method] = {
    "lora": Method(fit_lora, check_lora, _LORA | {"lora.init"}),
    "dora": Method(fit_lora, check_lora, _LORA),
    "qlora": Method(fit_lora, check_qlora, _LORA, optimiser="paged_adamw_32bit", cuda=True, base=quantised),
    "ia3": Method(fit_ia3, check_ia3, frozenset()),
    "prompt": Method(fit_virtual, check_virtual, _VIRTUAL | {"virtual_text"}, merges=False, virtual=True),
    "p-tuning": Method(fit_virtual, check_virtual, _VIRTUAL, merges=False, virtual=True),
    "prefix": Method(fit_virtual, check_virtual, _VIRTUAL | {"virtual_text"}, merges=False, virtual=True),
    "bottleneck": Method(fit_bottlenecks, check_bottlenecks, frozenset({"bottleneck"}), merges=False),
    "full": Method(fit_whole, check_whole, frozenset(), beside=False),
}
_ALL = frozenset(name for method in METHODS.values() for name in method.reads)


def method_of(settings: TuningSettings) -> Method:
    return METHODS[settings.method]


def check(model: LanguageModel, settings: TuningSettings) -> None:
    """Look at a model's configuration, before its weights are loaded.

    Raises:
        ModelError: the model, or this machine, cannot do what ``settings.method`` asks for.
    """
    method_of(settings).check(model, settings)


def unread(settings: TuningSettings) -> dict[str, str]:
    """The settings of other methods, each with the methods that it needs."""
    reads = method_of(settings).reads
    found = {}
    for name in sorted(_ALL - reads):
        needs = ", ".join(kind for kind, method in METHODS.items() if name in method.reads)
        found[name] = f"it needs method: {needs}"
    if not any(name.startswith("lora.") for name in reads):
        found["lora"] = f"it needs method: {', '.join(k for k, m in METHODS.items() if 'lora.r' in m.reads)}"
    return found
