"""Direct preference optimisation: the formula, a training, and pairs from a model's own answers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from conftest import write_corpus

import ragtune
from ragtune.errors import RagtuneError
from ragtune.experiment.progress import Silent
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.store import file_digest
from ragtune.tuning.batches import Encoded, encode_item
from ragtune.tuning.loss import keeps
from ragtune.tuning.methods import METHODS
from ragtune.tuning.preference import collate_pairs, log_probabilities, paired, preference_loss, reference
from ragtune.tuning.settings import TuningSettings
from ragtune.tuning.trainer import train_adapter


def pairs(model: LanguageModel) -> list[Encoded]:
    asked = [[{"role": "user", "content": f"Question: what is number {n}{' again' * n}?"}] for n in range(4)]
    return [encode_item(model, messages, said) for messages in asked for said in ("it is one", "no, two by now")]


def settings(**more: object) -> TuningSettings:
    plain = {"train_on": "closed-book", "from": "a", "preference": {"beta": 0.5}, "lora": {"r": 4}, "batch_tokens": 128}
    return TuningSettings.model_validate({**plain, "learning_rate": 0.01, "epochs": 6, **more})


@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_the_loss_is_that_of_the_paper(kind: str, tiny_models: dict[str, Path]) -> None:
    import torch

    model = LanguageModel(resolve(str(tiny_models[kind])), "cpu")
    fitted = METHODS["lora"].fit(model, model.plain(), settings())
    items = pairs(model)
    before = reference(fitted.model, items, model.pad, model.seq2seq, keeps(fitted))
    right, wrong = items[0], items[1]
    inputs = (
        {"input_ids": torch.tensor([right.prompt]), "labels": torch.tensor([right.target])}
        if model.seq2seq
        else {"input_ids": torch.tensor([right.prompt + right.target])}
    )
    with torch.no_grad():
        scores = model.base(**inputs).logits.log_softmax(-1)[0]
    begin = 0 if model.seq2seq else len(right.prompt) - 1
    assert before[0] == pytest.approx(sum(float(scores[begin + n, t]) for n, t in enumerate(right.target)), abs=1e-3)
    shifted = [was - 1.0 * (n % 2 == 0) for n, was in enumerate(before)]  # as if the right ones had gained 1
    batch = collate_pairs(model.pad, model.seq2seq)(list(paired(items, shifted, model.seq2seq)))
    with torch.no_grad():
        loss = float(preference_loss(fitted.model, batch, 0.5, model.seq2seq, keeps(fitted)))
        own = log_probabilities(fitted.model, batch, model.seq2seq, keeps(fitted))
    assert loss == pytest.approx(-math.log(1 / (1 + math.exp(-0.5))), abs=1e-4)
    assert own.tolist() == pytest.approx([*before[::2], *before[1::2]], abs=1e-3)
    assert wrong.target != right.target
    fitted.remove()


@pytest.mark.parametrize("method", ["lora", "prefix", "bottleneck"])
def test_training_begins_at_even_odds_prefers_the_right_answer_and_survives_a_kill(
    method: str, tiny_models: dict[str, Path], tmp_path: Path
) -> None:
    def trained(name: str, stop_at: int | None = None) -> tuple[tuple[tuple[int, float], ...], str]:
        model, steps = LanguageModel(resolve(str(tiny_models["llama"])), "cpu"), 0

        def tick(n: int) -> None:
            nonlocal steps
            steps += n
            if steps == stop_at:
                raise KeyboardInterrupt

        card = {"base": model.ref.fingerprint, "base_name": "tiny", "data": "x", "tuning": "closed-book"}
        own = settings(method=method, save_seconds=0.001, virtual_tokens=3)
        scratch = tmp_path / f"{name}.part"
        report, _ = train_adapter(model, pairs(model), [], own, 0, tmp_path / name, scratch, card, tick)
        assert report.examples == 4
        return report.curve, file_digest(tmp_path / name / "adapter_model.safetensors")

    curve, whole = trained("whole")
    assert curve[0][1] == pytest.approx(math.log(2), abs=1e-3)
    assert curve[-1][1] < 0.6
    with pytest.raises(KeyboardInterrupt):
        trained("killed", stop_at=4)
    assert trained("killed")[1] == whole


EXPERIMENT = """\
name: prefers
corpus: {path: ROOT/corpus}
generator: {model: ROOT/llama, max_new_tokens: 6}
tuning: {train_on: closed-book, lora: {r: 4}}
latency: {sample: 1}
setups:
  first: {tuning: {epochs: 25, learning_rate: 0.02}}
  preferred: {tuning: {from: first, epochs: 4, learning_rate: 0.01, preference: {samples: 30, temperature: 1.2}}}
"""


def test_pairs_come_from_the_models_own_answers_and_are_sampled_once(
    tmp_path: Path, tiny_models: dict[str, Path]
) -> None:
    write_corpus(tmp_path / "corpus")
    (tmp_path / "llama").symlink_to(tiny_models["llama"])
    (tmp_path / "e.yaml").write_text(EXPERIMENT.replace("ROOT", str(tmp_path)), "utf-8")

    def run(name: str, *overrides: str) -> ragtune.Run:
        return ragtune.run(
            tmp_path / "e.yaml", overrides=overrides, out=tmp_path / name, store=tmp_path / "store", progress=Silent()
        )

    made = run("run")
    preferred = next(t for t in made.tunings if t.setup == "preferred")
    assert 1 <= preferred.report.examples <= 3
    assert preferred.report.curve[0][1] == pytest.approx(math.log(2), abs=1e-3)
    assert preferred.report.curve[-1][1] < math.log(2)
    assert made.work.stages["sample"].computed == 30 * 3
    first = next(t for t in made.tunings if t.setup == "first")
    assert preferred.cost.before.seconds > first.cost.seconds
    assert 0 < preferred.cost.before.answer <= 30 * 3 * 6
    more = run("more", "setups.preferred.tuning.epochs=2")
    assert more.work.stages["sample"].computed == 0
    assert more.work.stages["tune"].computed == 1
    with pytest.raises(RagtuneError, match=r'setup "preferred": of no train question .* Raise samples') as caught:
        run("none", "setups.preferred.tuning.preference.temperature=0.0001")
    assert "\n" not in str(caught.value)
    with pytest.raises(RagtuneError, match=r"preference needs from"):
        run("none", "setups.preferred.tuning.from=null")


def test_the_loss_is_that_of_trl(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    import torch
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    model = LanguageModel(resolve(str(tiny_models["llama"])), "cpu")
    fitted = METHODS["lora"].fit(model, model.plain(), settings())
    rows = [{"prompt": f"what is number {n}? ", "chosen": "it is one", "rejected": "no, two by now"} for n in range(3)]
    trainer = DPOTrainer(
        fitted.model,
        args=DPOConfig(
            str(tmp_path), beta=0.5, report_to="none", bf16=False, use_cpu=True, gradient_checkpointing=False
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=model.tokenizer,
    )
    items = [
        Encoded(tuple(row["prompt_ids"]), tuple(row[side]))
        for row in trainer.train_dataset
        for side in ("chosen_ids", "rejected_ids")
    ]
    before = reference(fitted.model, items, model.pad, model.seq2seq, keeps(fitted))
    torch.manual_seed(0)
    for name, weights in fitted.model.named_parameters():
        if "lora_B.default" in name:  # the model has moved away from what it was (which TRL keeps as another adapter)
            torch.nn.init.normal_(weights, std=0.5)
    fitted.model.eval()
    batch = collate_pairs(model.pad, model.seq2seq)(list(paired(items, before, model.seq2seq)))
    with torch.no_grad():
        own = float(preference_loss(fitted.model, batch, 0.5, model.seq2seq, keeps(fitted)))
        theirs = float(trainer.compute_loss(fitted.model, trainer.data_collator(list(trainer.train_dataset))))
    assert own == pytest.approx(theirs, abs=1e-4)
    assert own != pytest.approx(math.log(2), abs=1e-3)
