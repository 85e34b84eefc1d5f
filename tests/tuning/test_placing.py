"""Where a training runs, on machines that are not here: GPUs stand in as stubs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState, PartialState
from transformers import TrainingArguments

from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.tuning.batches import encode_item
from ragtune.tuning.placing import on, options, placed
from ragtune.tuning.settings import LoraSettings, TuningSettings


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[torch.device]]:
    """Four GPUs that nothing can be put on; the devices that were chosen."""
    chosen: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    yield chosen
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.parametrize(
    ("device", "dtype", "wanted"),
    [
        ("cuda:1", torch.float32, {"use_cpu": False, "bf16": False, "fp16": False}),
        ("cuda:0", torch.bfloat16, {"use_cpu": False, "bf16": True, "fp16": False}),
        ("cuda:0", torch.float16, {"use_cpu": False, "bf16": False, "fp16": True}),
        ("mps", torch.float32, {"use_cpu": False, "bf16": False, "fp16": False}),
        ("cpu", torch.bfloat16, {"use_cpu": True, "bf16": False, "fp16": False}),
    ],
)
def test_a_training_computes_in_the_precision_that_was_asked_for(
    device: str, dtype: torch.dtype, wanted: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert options(torch.device(device), dtype) == wanted


@pytest.mark.parametrize("name", ["cuda:1", "cuda:0", "mps"])
def test_a_training_stays_on_the_device_of_its_model(gpus: list[torch.device], tmp_path: Path, name: str) -> None:
    device = torch.device(name)
    args = TrainingArguments(output_dir=str(tmp_path), use_cpu=False, report_to="none")
    assert args.n_gpu == 4  # it would wrap the model in DataParallel
    assert placed(args, device) is args
    assert args.device == PartialState().device == device
    assert args.n_gpu == (1 if device.type == "cuda" else 0)
    assert gpus == ([device] if device.type == "cuda" else [])


def test_a_training_on_the_cpu_uses_no_gpu(
    gpus: list[torch.device], tiny_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ragtune.tuning import trainer

    model = LanguageModel(resolve(str(tiny_models["llama"])), "cpu")
    seen: list[Any] = []
    monkeypatch.setattr(trainer, "placed", lambda args, device: seen.append((placed(args, device), device)) or args)  # type: ignore[func-returns-value]
    items = [encode_item(model, [{"role": "user", "content": f"Why {n}?"}], "noon") for n in range(3)]
    settings = TuningSettings(train_on="closed-book", epochs=1, lora=LoraSettings(r=2))
    card = {"base": "", "base_name": "tiny"}
    trainer.train_adapter(model, items, [], settings, 0, tmp_path / "o", tmp_path / "s", card)
    [(args, device)] = seen
    assert (args.device, args.n_gpu, args.use_cpu, device) == (torch.device("cpu"), 0, True, torch.device("cpu"))
    assert model.base.device == torch.device("cpu")
    assert gpus == []


def test_the_current_gpu_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    current = [0]

    def exchange(index: int) -> int:
        before, current[0] = current[0], index
        return before

    monkeypatch.setattr(torch.cuda, "_exchange_device", exchange)
    monkeypatch.setattr(torch.cuda, "_maybe_exchange_device", exchange)
    with on(torch.device("cuda:1")):
        assert current == [1]
    assert current == [0]
    with on(torch.device("mps")):
        assert current == [0]
