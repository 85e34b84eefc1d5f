"""Bottleneck adapters: two small layers behind the attention and the feed-forward part of every block.

Houlsby et al. 2019, Parameter-Efficient Transfer Learning for NLP, arXiv:1902.00751. Stored as PEFT stores its adapters.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: the kind that stands in an adapter's configuration
BOTTLENECK = "BOTTLENECK"
#: how architectures call the parts of a block that an adapter stands behind
_PARTS = frozenset(
    {"self_attn", "attn", "attention", "self_attention", "SelfAttention", "EncDecAttention", "encoder_attn"}
    | {"mlp", "ffn", "feed_forward", "DenseReluDense", "block_sparse_moe"}
)
#: under which the layers stand in a model
_NAME = "bottlenecks"


def places(model: Any) -> list[str]:
    """Names of the modules that an adapter stands behind: attention and feed-forward parts of the blocks."""
    import torch

    rows = [name for name, module in model.named_modules() if isinstance(module, torch.nn.ModuleList)]
    return [
        name
        for name, _ in model.named_modules()
        if name.rpartition(".")[2] in _PARTS and any(name.startswith(f"{row}.") for row in rows)
    ]


class Bottlenecks:
    """The adapters of ``model``, put behind its parts ``behind``; they do nothing until they are trained or loaded."""

    def __init__(self, model: Any, behind: list[str], size: int) -> None:
        import torch

        width, first = model.config.hidden_size, next(model.parameters())

        def layer(wide: int, narrow: int) -> Any:  # in float32 beside weights of any precision, as small steps need
            return torch.nn.Linear(wide, narrow, device=first.device)

        self._model, self.size = model, size
        self.layers = torch.nn.ModuleDict(
            {
                name.replace(".", "/"): torch.nn.ModuleDict({"down": layer(width, size), "up": layer(size, width)})
                for name in behind
            }
        )
        with torch.no_grad():
            for pair in self.layers.values():
                pair["down"].weight.normal_(std=0.01)  # type: ignore[index]
                for whole in (pair["down"].bias, pair["up"].weight, pair["up"].bias):  # type: ignore[index]
                    whole.zero_()
        model.add_module(_NAME, self.layers)
        self._hooks = [
            model.get_submodule(name.replace("/", ".")).register_forward_hook(_behind(pair))
            for name, pair in self.layers.items()
        ]

    def remove(self) -> None:
        """Take them away: the model is as it was."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        self._model._modules.pop(_NAME, None)

    def save(self, folder: Path) -> None:
        from safetensors.torch import save_file

        held = {name: tensor.detach().cpu().contiguous() for name, tensor in self.layers.state_dict().items()}
        save_file(held, folder / "adapter_model.safetensors", metadata={"format": "pt"})
        behind = [name.replace("/", ".") for name in self.layers]
        config = {"peft_type": BOTTLENECK, "size": self.size, "behind": behind}
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=1), "utf-8")


def _behind(pair: Any) -> Any:
    from torch.nn.functional import gelu

    def hook(module: Any, args: Any, out: Any) -> Any:
        whole = isinstance(out, tuple)
        made = out[0] if whole else out
        made = made + pair["up"](gelu(pair["down"](made.float()))).to(made.dtype)
        return (made, *out[1:]) if whole else made

    return hook


def put_behind(model: Any, folder: Path) -> Bottlenecks:
    """The adapters in ``folder``, put behind the parts of ``model``."""
    from safetensors.torch import load_file

    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    made = Bottlenecks(model, list(config["behind"]), int(config["size"]))
    made.layers.load_state_dict(load_file(folder / "adapter_model.safetensors"))
    made.layers.requires_grad_(False)
    return made
