"""Tokens a second of LoRA on ``bundled:smollm2``, all blocks and the upper ones alone, beside a forward pass and SGEMM.

``python -m benchmarks.train_speed``: six rows of 400 tokens, three steps each after one to warm up; random tokens, so that nothing
is learned. Work per token is counted as two operations a weight forward and as much again backward for what gradients go through.
"""

from __future__ import annotations

import time

import torch
from peft import get_peft_model
from torch.nn.functional import cross_entropy

from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.tuning.settings import LoraSettings
from ragtune.tuning.targets import places

ROWS, LENGTH, TARGET, STEPS = 6, 400, 20, 3


def sgemm(size: int = 2048, times: int = 10) -> float:
    """GFLOP/s of a square product in float32."""
    a = torch.randn(size, size)
    start = time.perf_counter()
    for _ in range(times):
        a @ a
    return times * 2 * size**3 / (time.perf_counter() - start) / 1e9


def trained(model: LanguageModel, ids: torch.Tensor, upper: int | None) -> float:
    """Tokens a second of LoRA steps."""
    from peft import LoraConfig

    base = model.plain()
    config = LoraConfig(r=16, lora_alpha=32, task_type="CAUSAL_LM", **places(base, LoraSettings(upper=upper)))
    wrapped = get_peft_model(base, config).train()
    steps = torch.optim.AdamW([p for p in wrapped.parameters() if p.requires_grad], 1e-4)
    start = 0.0
    for step in range(STEPS + 1):
        if step == 1:
            start = time.perf_counter()
        logits = wrapped(input_ids=ids, use_cache=False, logits_to_keep=TARGET).logits
        cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1 - TARGET :].flatten()).backward()
        steps.step()
        steps.zero_grad()
    seconds = (time.perf_counter() - start) / STEPS
    wrapped.unload()
    return ids.numel() / seconds


def main() -> int:
    torch.manual_seed(0)
    model = LanguageModel(resolve("bundled:smollm2"), "cpu")
    ids = torch.randint(10, 40_000, (ROWS, LENGTH))
    print(f"SGEMM                {sgemm():6.0f} GFLOP/s on {torch.get_num_threads()} threads")
    for upper in (None, 15, 10):
        print(f"LoRA, {f'upper {upper}' if upper else 'all':<14} {trained(model, ids, upper):6.0f} tokens/s")
    with torch.inference_mode():
        start = time.perf_counter()
        model.base(input_ids=ids, logits_to_keep=1)
    print(f"forward              {ids.numel() / (time.perf_counter() - start):6.0f} tokens/s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
