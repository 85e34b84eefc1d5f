"""A training stays where its model is, in the precision that was asked for: on that device, on it alone.

The trainer would choose by itself: the first GPU, all of them at once, or the CPU where a GPU is not NVIDIA's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def options(device: torch.device, dtype: torch.dtype) -> dict[str, bool]:
    """Arguments of the trainer for a model on ``device`` with weights of ``dtype``: what is asked for in float32 is computed
    in it."""
    import torch

    on_gpu = device.type == "cuda"
    return {
        "use_cpu": device.type == "cpu",
        "bf16": on_gpu and dtype == torch.bfloat16 and torch.cuda.is_bf16_supported(),
        "fp16": on_gpu and dtype == torch.float16,
    }


@contextmanager
def on(device: torch.device) -> Iterator[None]:
    """A block after which the current GPU is the one that it was before."""
    import torch

    with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
        yield


def placed(args: Any, device: torch.device) -> Any:
    """Training arguments (transformers) that leave the model on ``device`` and use no other."""
    import torch

    own = args.device  # what it chose; setting it up makes the state that is changed here
    if own != device:
        args.__dict__["_setup_devices"] = device
        args.distributed_state.device = device  # the accelerator's, which batches are put on
    args._n_gpu = int(device.type == "cuda")  # more than one and the trainer wraps the model in DataParallel
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return args
