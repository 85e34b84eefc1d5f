"""What a killed training goes on from: checkpoints with a checksum per file, its seconds, the patience of early stopping."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ragtune.store import file_digest
from ragtune.tuning.method import Fitted

_NEEDED = ("trainer_state.json", "optimizer.pt", "scheduler.pt", "rng_state.pth")
_SUMS = "sums.json"
_TRAINED = "trained.safetensors"


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that is whole: every file has the checksum that it had when it was written."""
    return max(filter(_whole, folder.glob("checkpoint-*")), key=lambda p: int(p.name.rsplit("-", 1)[1]), default=None)


def _whole(folder: Path) -> bool:
    try:
        sums: Mapping[str, str] = json.loads((folder / _SUMS).read_text("utf-8"))
        return set(_NEEDED) <= set(sums) and all(file_digest(folder / name) == found for name, found in sums.items())
    except (OSError, ValueError, TypeError, AttributeError):
        return False


def earlier_seconds(folder: Path) -> float:
    """What the training took before it was killed, as far as it is known."""
    try:
        return float((folder / "seconds").read_text("utf-8"))
    except (OSError, ValueError):
        return 0.0


def patience_used(checkpoint: Path) -> int:
    """Evaluations in a row without a better one, up to the checkpoint."""
    held = json.loads((checkpoint / "trainer_state.json").read_text("utf-8")).get("stateful_callbacks") or {}
    found = held.get("EarlyStoppingCallback") or {}
    one = found[0] if isinstance(found, list) else found
    return int(one.get("attributes", {}).get("early_stopping_patience_counter", 0))


class Held:
    """What is trained of a method whose parts the library's trainer does not know, kept beside its checkpoint."""

    def __init__(self, fitted: Fitted) -> None:
        self._fitted = fitted

    def save(self, folder: Path) -> None:
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        own = {name: p.detach().cpu().contiguous() for name, p in self._fitted.trained.items()}
        save_file(own, folder / _TRAINED)

    def load(self, folder: Path) -> None:
        import torch
        from safetensors.torch import load_file

        held = load_file(folder / _TRAINED)
        with torch.no_grad():
            for name, parameter in self._fitted.trained.items():
                parameter.copy_(held[name])


def watcher(progress: Callable[[int], None] | None, save_seconds: float, earlier: float) -> Any:
    """A callback of the trainer that tells of each step and each batch of an evaluation, asks for a checkpoint every ``save_seconds``, and seals it."""
    from transformers import TrainerCallback

    class Watch(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.start = self.saved = time.monotonic()
            self.elapsed = earlier

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            # so that a resumed training knows its whole cost
            (Path(args.output_dir) / "seconds").write_text(str(self.elapsed), "utf-8")
            made = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            if made.is_dir():
                files = (p for p in made.iterdir() if p.is_file() and p.name != _SUMS)
                (made / _SUMS).write_text(json.dumps({p.name: file_digest(p) for p in files}), "utf-8")

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if progress:
                progress(1)
            self.elapsed = earlier + time.monotonic() - self.start
            if time.monotonic() - self.saved > save_seconds and state.global_step < state.max_steps:
                control.should_save = True
                self.saved = time.monotonic()

        def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if progress:
                progress(1)

    return Watch()
