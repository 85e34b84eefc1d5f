"""One trainer for every method: on the answer tokens, through TRL's SFT (causal) or transformers' trainer (seq2seq)."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ragtune.errors import ExperimentError
from ragtune.models.causal import LanguageModel
from ragtune.models.devices import quiet, seeded
from ragtune.models.memory import own_peak
from ragtune.models.names import ADAPTER_CARD
from ragtune.store import encode
from ragtune.tuning.batches import DEV_ROWS, Encoded, batches_of, dataset, evaluated_every, refuse_long, tokens_of
from ragtune.tuning.batches import collate as collate_rows
from ragtune.tuning.checkpoints import Held, earlier_seconds, last_checkpoint, patience_used, watcher
from ragtune.tuning.loss import answer_loss, keeps
from ragtune.tuning.method import Fitted
from ragtune.tuning.methods import method_of
from ragtune.tuning.placing import on, options, placed
from ragtune.tuning.preference import collate_pairs, lengths_of, paired, preference_loss, reference
from ragtune.tuning.settings import TuningSettings
from ragtune.tunings import TuneCost, TuneReport


def _trainer(
    fitted: Fitted,
    tokenizer: Any,
    pad: int,
    train: Any,
    dev: Any,
    lengths: list[int],
    settings: TuningSettings,
    seed: int,
    scratch: Path,
    seq2seq: bool,
    watch: Any,
    dtype: Any,
) -> Any:
    from torch.utils.data import DataLoader
    from transformers import EarlyStoppingCallback, PrinterCallback, Seq2SeqTrainer, Seq2SeqTrainingArguments
    from trl import SFTConfig, SFTTrainer

    batches = batches_of(lengths, settings, seed)
    per_epoch = max(1, -(-len(batches) // settings.accumulate))
    total = max(1, round(per_epoch * settings.epochs))
    every = evaluated_every(per_epoch, settings) if dev is not None else None
    can_keep = keeps(fitted)
    weights = next(fitted.base.parameters())
    optimiser = method_of(settings).optimiser
    wish = settings.preference
    collate = collate_pairs(pad, seq2seq) if wish else collate_rows(pad, seq2seq)
    common: dict[str, Any] = {
        "output_dir": str(scratch),
        "max_steps": total,
        "per_device_train_batch_size": 1,
        "per_device_eval_batch_size": DEV_ROWS,
        "gradient_accumulation_steps": settings.accumulate,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.schedule,
        "warmup_steps": round(settings.warmup * total),
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "seed": seed,
        "logging_steps": max(1, total // 50),
        "logging_first_step": True,
        "save_strategy": "steps",
        "save_steps": every or 10**9,
        "save_total_limit": 2,
        "eval_strategy": "steps" if every else "no",
        "eval_steps": every,
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
        "remove_unused_columns": False,
        "gradient_checkpointing": False,
        "load_best_model_at_end": bool(settings.early_stop and every),
        "metric_for_best_model": "eval_loss",
        "dataloader_pin_memory": False,
        **({"optim": optimiser} if optimiser else {}),
        **options(weights.device, dtype),
    }
    callbacks = [watch, *([EarlyStoppingCallback(settings.early_stop)] if settings.early_stop and every else [])]
    base: Any = Seq2SeqTrainer if seq2seq else SFTTrainer
    held = Held(fitted)
    seen: list[tuple[float, int]] = []  # of each batch of an evaluation: the sum of losses, and of how many tokens

    class TokenBatchTrainer(base):  # type: ignore[misc]
        """The library's trainer, fed batches by tokens instead of by rows."""

        def get_train_dataloader(self) -> Any:
            loader: Any = DataLoader(self.train_dataset, batch_sampler=batches, collate_fn=collate)
            return self.accelerator.prepare(loader)

        def compute_loss(
            self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            if wish:
                loss = preference_loss(model, inputs, wish.beta, seq2seq, can_keep) / settings.accumulate
                return (loss, {}) if return_outputs else loss
            if seq2seq:
                found = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            else:
                found = answer_loss(model, inputs, return_outputs, num_items_in_batch, can_keep)
            if not model.training:
                tokens = int((inputs["labels"] != -100).sum())
                seen.append((float(found[0] if return_outputs else found) * tokens, tokens))
            return found

        def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
            if fitted.checkpoints:
                super()._save(output_dir, state_dict)
            else:
                held.save(Path(output_dir or self.args.output_dir))

        def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
            if fitted.checkpoints:
                super()._load_from_checkpoint(resume_from_checkpoint, model)
            else:
                held.load(Path(resume_from_checkpoint))

        def _load_best_model(self) -> None:
            if fitted.checkpoints:
                super()._load_best_model()
            else:
                held.load(Path(self.state.best_model_checkpoint))

        def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
            """The library's, with the mean over answer tokens in place of the mean over batches."""
            seen.clear()
            out = super().evaluation_loop(*args, **kwargs)
            if "eval_loss" in out.metrics:
                out.metrics["eval_loss"] = sum(loss for loss, _ in seen) / max(1, sum(tokens for _, tokens in seen))
            return out

    if seq2seq:
        args: Any = Seq2SeqTrainingArguments(**common)
    else:
        args = SFTConfig(
            **common,
            max_length=None,
            packing=False,
            dataset_kwargs={"skip_prepare_dataset": True},
            completion_only_loss=False,
        )
    trainer = TokenBatchTrainer(
        model=fitted.model,
        args=placed(args, weights.device),
        train_dataset=train,
        eval_dataset=dev,
        processing_class=tokenizer,
        data_collator=collate,
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _train(trainer: Any, last: Path | None, settings: TuningSettings) -> None:
    """Train on from the checkpoint ``last``, with the patience that was left then."""
    from transformers import EarlyStoppingCallback, TrainerState

    used = patience_used(last) if last and settings.early_stop else 0
    for callback in trainer.callback_handler.callbacks:
        if isinstance(callback, EarlyStoppingCallback):
            callback.early_stopping_patience_counter = used
    if (
        last and settings.early_stop and used >= settings.early_stop
    ):  # it had stopped, and was killed before it was written
        trainer.state = TrainerState.load_from_json(str(last / "trainer_state.json"))
        trainer._load_best_model()
    else:
        trainer.train(resume_from_checkpoint=str(last) if last else None)


def _data(model: LanguageModel, fitted: Fitted, items: Sequence[Encoded], settings: TuningSettings) -> Any:
    """The items as a data set; of pairs, with how likely they are before training."""
    if not settings.preference:
        return dataset(items, model.seq2seq)
    before = reference(fitted.model, items, model.pad, model.seq2seq, keeps(fitted))
    return paired(items, before, model.seq2seq)


def train_adapter(
    model: LanguageModel,
    items: Sequence[Encoded],
    dev: Sequence[Encoded],
    settings: TuningSettings,
    seed: int,
    out: Path,
    scratch: Path,
    card: dict[str, str],
    progress: Callable[[int], None] | None = None,
    start: Path | None = None,
) -> tuple[TuneReport, TuneCost]:
    """Train what ``settings.method`` says on ``items`` and write it, with its card, to ``out``; resumes from ``scratch``.
    Goes on from the adapter in ``start``, where one is given.

    Raises:
        ExperimentError: nothing to train on, or the items do not fit the window.
    """
    if not items:
        raise ExperimentError(
            "there is nothing to train on: the train split is empty, or nothing of what was taught is right.",
            where="tuning",
            fix="Give questions the split train.",
        )
    method = method_of(settings)
    refuse_long(items, model.window - (settings.virtual_tokens if method.virtual else 0))
    quiet()
    begun = time.perf_counter()
    seq2seq = model.seq2seq
    base = method.base(model)  # loaded before the seed is set
    dtype = next(base.parameters()).dtype
    with own_peak(model.placement.device) as peak, seeded(seed), on(next(base.parameters()).device):
        fitted = method.fit(model, base, settings)
        try:
            if start is not None:
                fitted.load(start)
            last = last_checkpoint(scratch)
            earlier = earlier_seconds(scratch) if last else 0.0
            watch = watcher(progress, settings.save_seconds, earlier)
            lengths = lengths_of(items) if settings.preference else [len(e) for e in items]
            train = _data(model, fitted, items, settings)
            trainer = _trainer(
                fitted,
                model.tokenizer,
                model.pad,
                train,
                dataset(dev, seq2seq) if dev else None,
                lengths,
                settings,
                seed,
                scratch,
                seq2seq,
                watch,
                dtype,
            )
            _train(trainer, last, settings)
            if dev:
                trainer.evaluate()
            history = trainer.state.log_history
            fitted.model.eval()
            out.mkdir(parents=True, exist_ok=True)
            fitted.save(out)
            trainable, total = fitted.sizes()
        finally:
            fitted.remove()
    for junk in ("README.md", "training_args.bin"):
        (out / junk).unlink(missing_ok=True)
    adapter = json.loads((out / "adapter_config.json").read_text("utf-8"))
    adapter["base_model_name_or_path"] = card["base_name"]  # not this machine's folder
    (out / "adapter_config.json").write_text(json.dumps(adapter, indent=1, sort_keys=True), "utf-8")
    report = TuneReport(
        trainer.state.global_step,
        tuple((h["step"], round(h["loss"], 5)) for h in history if "loss" in h),
        tuple((h["step"], round(h["eval_loss"], 5)) for h in history if "eval_loss" in h),
        trainable,
        total,
        tokens_of(lengths, settings, trainer.state.global_step, seed),
        len(lengths),
    )
    (out / ADAPTER_CARD).write_text(
        json.dumps(
            {**card, "seed": seed, "settings": settings.model_dump(mode="json"), "report": encode(report)}, indent=1
        ),
        "utf-8",
    )
    shutil.rmtree(scratch, ignore_errors=True)
    seconds = earlier + time.perf_counter() - begun
    return report, TuneCost(seconds, report.tokens / seconds, peak.mb)
