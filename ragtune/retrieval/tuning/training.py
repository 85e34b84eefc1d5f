"""The one loop that both embedders and re-rankers are trained by: sentence-transformers' trainer, fed batches drawn beforehand."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ragtune.retrieval.tuning.settings import PairSettings

#: (step, loss) on the pairs that are trained on, and on those of dev
Curves = tuple[list[tuple[int, float]], list[tuple[int, float]]]
_WARMUP = 0.1


@dataclass(frozen=True)
class Trained:
    """How a training went: its losses, how many ``parameters`` there are and how many were ``trained``, texts read an epoch."""

    curve: list[tuple[int, float]]
    dev_curve: list[tuple[int, float]]
    trained: int
    parameters: int
    texts: int


@dataclass(frozen=True)
class Ids:
    """Of one row the ids of all chunks that are ``right`` for its question, and of those ``shown`` in it."""

    right: frozenset[str] = frozenset()
    shown: frozenset[str] = frozenset()


def batches_of(rows: Sequence[Ids], settings: PairSettings, seed: int) -> list[list[int]]:
    """The batches of a training, as places of rows, drawn by the seed.

    In a batch the chunks of the others are wrong ones for each question, so none of them may be right for it.
    """
    random, found = Random(f"{seed}/pairs"), list[list[int]]()
    whole, part = int(settings.epochs), settings.epochs % 1
    for epoch in range(whole + bool(part)):
        left = list(range(len(rows)))
        random.shuffle(left)
        left = left[: max(1, round(part * len(left)))] if epoch == whole else left
        while left:
            taken: list[int] = []
            right: set[str] = set()
            shown: set[str] = set()
            for n in left:
                if len(taken) < settings.batch and not shown & rows[n].right and not right & rows[n].shown:
                    taken.append(n)
                    right |= rows[n].right
                    shown |= rows[n].shown
            found.append(taken)
            left = [n for n in left if n not in set(taken)]
    return found


def adapted(inner: Any, settings: PairSettings, head: bool = False) -> Any:
    """A transformers model to train: itself, or with ``method: lora`` adapters in all its linear layers (and its ``head``).

    The adapters stand in the given model itself; what is returned is what `merged` takes.
    """
    if settings.method != "lora":
        return inner
    from peft import LoraConfig, TaskType, get_peft_model

    task = TaskType.SEQ_CLS if head else TaskType.FEATURE_EXTRACTION
    wanted = LoraConfig(r=settings.rank, lora_alpha=2 * settings.rank, target_modules="all-linear", task_type=task)
    return get_peft_model(inner, wanted)


def merged(inner: Any) -> Any:
    """The model with what it was `adapted` by in its weights."""
    return inner.merge_and_unload() if hasattr(inner, "merge_and_unload") else inner


def counted(model: Any) -> tuple[int, int]:
    """How many of the model's parameters are trained, and how many there are."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trains in sizes if trains), sum(n for n, _ in sizes)


def train(
    trainer_of: Any,
    arguments_of: Any,
    model: Any,
    loss: Any,
    rows: dict[str, list[Any]],
    dev: dict[str, list[Any]] | None,
    batches: Sequence[Sequence[int]],
    settings: PairSettings,
    seed: int,
    device: str,
    progress: Callable[[int], None] | None = None,
) -> Curves:
    """Train ``model`` in place on ``rows`` (a column each) in these batches; the loss on ``dev`` is measured before and after.

    It begins anew if it is killed: what is trained here takes minutes.
    """
    from datasets import Dataset
    from torch.utils.data import DataLoader
    from transformers import PrinterCallback, TrainerCallback

    class Told(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if progress:
                progress(1)

    class Drawn(trainer_of):  # type: ignore[misc]
        """The library's trainer, fed the batches that were drawn."""

        def get_train_dataloader(self) -> Any:
            loader: Any = DataLoader(
                self.train_dataset, batch_sampler=[list(b) for b in batches], collate_fn=self.data_collator
            )
            return self.accelerator.prepare(loader)

        def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
            """No card is written, so nothing is collected for one."""

    with tempfile.TemporaryDirectory(prefix="ragtune-") as scratch:
        arguments = arguments_of(
            output_dir=scratch,
            max_steps=len(batches),
            per_device_train_batch_size=settings.batch,
            per_device_eval_batch_size=settings.batch,
            learning_rate=settings.rate,
            lr_scheduler_type="linear",
            warmup_steps=round(_WARMUP * len(batches)),
            seed=seed,
            logging_steps=max(1, len(batches) // 50),
            logging_first_step=True,
            save_strategy="no",
            eval_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_num_workers=0,
            dataloader_pin_memory=False,
            use_cpu=device == "cpu",
        )
        trainer = Drawn(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_dict(rows),
            eval_dataset=Dataset.from_dict(dev) if dev else None,
            loss=loss,
            callbacks=[Told()],
        )
        trainer.remove_callback(PrinterCallback)
        seen = [(0, trainer.evaluate()["eval_loss"])] if dev else []
        trainer.train()
        if dev:
            seen.append((trainer.state.global_step, trainer.evaluate()["eval_loss"]))
        logged = [(h["step"], h["loss"]) for h in trainer.state.log_history if "loss" in h]
    model.eval()
    return [(step, round(y, 5)) for step, y in logged], [(step, round(y, 5)) for step, y in seen]
