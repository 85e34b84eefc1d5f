from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragtune.errors import ExperimentError, ModelError
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.records import Chunk, Document, Evidence, Hit, Question
from ragtune.store import file_digest
from ragtune.tuning.batches import Encoded, FixedBatches, encode_item, tokens_of
from ragtune.tuning.checkpoints import last_checkpoint
from ragtune.tuning.job import TuneJob
from ragtune.tuning.recipes import build_items, words_around
from ragtune.tuning.settings import LoraSettings, TuningSettings
from ragtune.tuning.targets import find_targets
from ragtune.tuning.trainer import train_adapter
from ragtune.tunings import TuneReport

CHUNKS = [Chunk(f"c{i}", f"d{i}", 0, 10, f"text {i}") for i in range(5)]
ASKED = Question("q", "When?", ("noon", "12:00"), (Evidence("d1", 2, 4),), "train")
UNKNOWN = Question("n", "Why?", (), (), "train")
HITS = [Hit(CHUNKS[i], 1.0, n) for n, i in enumerate((0, 1, 2), 1)]
CARD = {"base": "", "base_name": "tiny"}


def items(settings: TuningSettings, hits: list[Hit] = HITS):  # type: ignore[no-untyped-def]
    return build_items([ASKED, UNKNOWN], [hits, hits], CHUNKS, settings, "I don't know.", 0)


def test_closed_book_has_no_contexts() -> None:
    asked, unknown = items(TuningSettings(train_on="closed-book"))
    assert (asked.hits, asked.target) == ((), "noon")
    assert unknown.target == "I don't know."


def test_variants_leave_words_out_and_keep_the_answer() -> None:
    settings = TuningSettings(train_on="closed-book", variants=4, word_dropout=0.5)
    long = Question("l", "At what time of the day is lunch served to guests?", ("noon",), (), "train")
    made = build_items([long], [[]], [], settings, "I don't know.", 0)
    assert [m.target for m in made] == ["noon"] * 5
    assert made[0].question.text == long.text
    for variant in made[1:]:
        words = variant.question.text.split()
        assert 2 <= len(words) <= len(long.text.split())
        assert set(words) <= set(long.text.split())
    assert len({m.question.text for m in made}) > 2
    assert made == build_items([long], [[]], [], settings, "I don't know.", 0)


def test_variants_hold_words_from_around_the_evidence_but_never_the_answer() -> None:
    text = "# Kitchen\n\nThe cook rings at noon for lunch. Dinner is late."
    documents = {"k": Document("k", text, {"title": "House rules"})}
    asked = Question(
        "l",
        "At what time do guests eat?",
        ("noon",),
        (Evidence("k", text.index("noon"), text.index("noon") + 4),),
        "train",
    )
    around = {"House", "rules", "Kitchen", "The", "cook", "rings", "for", "lunch"}
    assert set(words_around(asked, documents)) == around
    settings = TuningSettings(train_on="closed-book", variants=30, word_dropout=0.5, evidence_words=3)
    made = [m.question.text.split() for m in build_items([asked], [[]], [], settings, "I don't know.", 0, documents)]
    assert made[0] == asked.text.split()
    added = [[w for w in words if w in around] for words in made[1:]]
    assert max(map(len, added)) == 3
    assert {w for words in added for w in words} > {"cook", "lunch"}
    assert not any("noon" in words for words in made)
    assert sum(words[0] == "At" for words in made) > 20
    without = TuningSettings(train_on="closed-book", variants=5)
    assert all(
        set(m.question.text.split()) <= set(asked.text.split())
        for m in build_items([asked], [[]], [], without, "", 0, documents)
    )


def test_contexts_cite_the_right_hit_or_abstain() -> None:
    asked, unknown = items(TuningSettings(train_on="contexts"))
    assert asked.target == "noon [2]"
    assert asked.hits == tuple(HITS)
    assert unknown.target == "I don't know."
    missed, _ = items(TuningSettings(train_on="contexts"), [HITS[0], HITS[2]])
    assert missed.target == "I don't know."


def test_raft_shows_the_right_chunk_among_distractors_or_leaves_it_out() -> None:
    asked, _ = items(TuningSettings(train_on="raft", without_right=0))
    shown = [h.chunk.id for h in asked.hits]
    assert sorted(shown) == ["c0", "c1", "c2"]
    assert asked.target == f"noon [{shown.index('c1') + 1}]"
    absent, _ = items(TuningSettings(train_on="raft", without_right=1))
    assert len(absent.hits) == 3
    assert {"c0", "c2"} < {h.chunk.id for h in absent.hits} <= {"c0", "c2", "c3", "c4"}
    assert absent.target == "noon"
    assert items(TuningSettings(train_on="raft", without_right=1, when_absent="abstain"))[0].target == "I don't know."
    unretrieved, _ = items(TuningSettings(train_on="raft", without_right=0), [HITS[0], HITS[2]])
    assert "c1" in [h.chunk.id for h in unretrieved.hits]


@pytest.mark.parametrize("top_k", [1, 2, 3, 4])
def test_the_number_of_contexts_does_not_tell_whether_the_right_one_is_there(top_k: int) -> None:
    asked = [replace(ASKED, id=f"q{n}") for n in range(40)]
    settings = TuningSettings(train_on="raft", without_right=0.5, when_absent="abstain")
    deep = [*HITS, Hit(CHUNKS[3], 0.5, 4)]
    made = build_items(asked, [deep] * 40, CHUNKS, settings, "I don't know.", 0, top_k=top_k)
    held = [any(h.chunk.id == "c1" for h in item.hits) for item in made]
    assert 5 < sum(held) < 35
    assert {len(item.hits) for item in made} == {top_k}
    assert all((item.target == "I don't know.") != right for item, right in zip(made, held, strict=True))
    # distractors are the best hits; only where they run out, other chunks
    used = {h.chunk.id for item in made for h in item.hits} - {"c1"}
    assert used == {"c0", "c2", "c3", "c4"} if top_k == 4 else used <= {"c0", "c2", "c3"}


@pytest.mark.parametrize("recipe", ["contexts", "raft"])
def test_targets_follow_what_the_window_leaves(recipe: str) -> None:
    settings = TuningSettings(train_on=recipe, without_right=0, when_absent="abstain")  # type: ignore[arg-type]

    def made(room: int) -> tuple[int, str]:
        [item] = build_items([ASKED], [HITS], CHUNKS, settings, "no", 0, top_k=3, fits=lambda q, hits: hits[:room])
        return len(item.hits), item.target.split(" ")[0]

    assert made(3) == (3, "noon")
    assert made(1) == ((1, "no") if recipe == "contexts" else (1, "noon"))  # RAFT keeps the right one before others
    assert made(0) == (0, "no")


def test_batches_hold_every_row_once_and_respect_the_limit() -> None:
    lengths = [(i * 37) % 90 + 5 for i in range(150)]
    batches = FixedBatches(lengths, 256, 3)
    first = list(batches)
    assert sorted(i for b in first for i in b) == list(range(150))
    assert all(len(b) * max(lengths[i] for i in b) <= 256 for b in first)
    batches.set_epoch(1)
    assert len(list(batches)) == len(first) == len(batches)
    assert list(batches) != first


def test_rows_per_batch_are_a_setting() -> None:
    lengths = [10 + n % 7 for n in range(1000)]

    def sizes(rows: int, limit: int = 10**6) -> list[int]:
        batches = FixedBatches(lengths, limit, 0, rows)
        assert sorted(i for b in batches for i in b) == list(range(1000))
        return sorted(map(len, batches))

    assert sizes(64) == [40, *[64] * 15]
    assert sizes(1000) == [1000]
    assert sizes(300) == [100, 300, 300, 300]
    assert max(sizes(8)) == 8
    assert max(sizes(10**6, 2048)) > 2048 // 17 - 5  # the bound on tokens alone decides
    assert list(FixedBatches(lengths, 350, 0, 64)) == list(FixedBatches(lengths, 350, 0))


def encoded(model: LanguageModel, n: int = 6) -> list[Encoded]:
    return [
        encode_item(model, [{"role": "user", "content": f"Question: what is number {i}?"}], f"it is {i}")
        for i in range(n)
    ]


LINEAR = {
    "gpt2": {"c_attn", "c_fc", "c_proj"},
    "llama": {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
    "qwen2": {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
    "t5": {"q", "k", "v", "o", "wi", "wo"},
}


@pytest.mark.parametrize("kind", LINEAR)
def test_every_linear_layer_is_trained_and_a_saved_adapter_gives_the_same_logits(
    tiny_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    import torch
    from peft import PeftModel

    model = LanguageModel(resolve(str(tiny_models[kind])), "cpu")
    data = encoded(model)
    prompt = torch.tensor([data[0].prompt])
    more = {"decoder_input_ids": torch.tensor([data[0].target])} if model.seq2seq else {}

    def logits(of: Any) -> torch.Tensor:
        of.eval()
        with torch.inference_mode():
            found: torch.Tensor = of(input_ids=prompt, **more).logits
        return found

    before, seen, save = logits(model.base), list[torch.Tensor](), PeftModel.save_pretrained

    def watched(self: PeftModel, folder: object, **options: object) -> None:
        if Path(str(folder)).name == "out":
            names = {n.split(".lora_A")[0].rpartition(".")[2] for n, _ in self.named_modules() if ".lora_A" in n}
            assert names == LINEAR[kind]
            seen.append(logits(self))
        save(self, folder, **options)

    monkeypatch.setattr(PeftModel, "save_pretrained", watched)
    one = TuningSettings(train_on="closed-book", epochs=0.01, learning_rate=0.05, warmup=0, lora=LoraSettings(r=4))
    card = {**CARD, "base": model.ref.fingerprint}
    report, _ = train_adapter(model, data, [], one, 0, tmp_path / "out", tmp_path / "scratch", card)
    assert report.steps == 1
    [trained] = seen
    assert not torch.allclose(trained, before, atol=1e-3)
    assert torch.equal(logits(model.using(None)), before)
    fresh = LanguageModel(resolve(str(tiny_models[kind])), "cpu")
    assert torch.allclose(logits(fresh.using(tmp_path / "out")), trained, atol=1e-6)
    assert torch.allclose(logits(fresh.merge(tmp_path / "out")), trained, atol=1e-5)
    named = LanguageModel(resolve(f"{tiny_models[kind]} + {tmp_path / 'out'}"), "cpu")
    assert torch.allclose(logits(named.base), trained, atol=1e-5)


@pytest.mark.parametrize("kind", ["qwen2", "llama", "t5", "gpt2"])
def test_lora_trains_saves_and_loads_on_real_architectures(
    tiny_models: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    model = LanguageModel(resolve(str(tiny_models[kind])), "cpu")
    data = encoded(model)
    assert model.tokenizer.eos_token_id == data[0].target[-1]
    targets = find_targets(model.base)
    assert set(targets) == LINEAR[kind]
    before = {k: v.clone() for k, v in model.base.state_dict().items()}
    settings = TuningSettings(
        train_on="closed-book", epochs=8, learning_rate=0.01, lora=LoraSettings(r=4), batch_tokens=64
    )
    card = {**CARD, "base": model.ref.fingerprint}
    report, cost = train_adapter(model, data, data[:2], settings, 0, tmp_path / "out", tmp_path / "scratch", card)
    assert report.curve[-1][1] < report.curve[0][1]
    assert report.dev_curve
    assert 0 < report.trainable < report.parameters
    assert cost.tokens_per_second > 0
    assert cost.peak_memory_mb > 0
    assert not (tmp_path / "scratch").exists()
    assert {k for k, v in model.plain().state_dict().items() if not v.equal(before[k])} == set()
    tuned = model.using(tmp_path / "out")
    assert tuned.peft_config
    assert model.using(None) is model.base
    assert model.loads == 1
    assert json.loads((tmp_path / "out" / "adapter_config.json").read_text())["base_model_name_or_path"] == "tiny"
    assert not list((tmp_path / "out").glob("*.bin"))


def test_training_is_deterministic_and_resumes_to_the_same_bytes(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    settings = TuningSettings(
        train_on="closed-book", epochs=6, lora=LoraSettings(r=4, dropout=0.1), batch_tokens=64, save_seconds=0.001
    )

    def train(name: str, stop_at: int | None = None) -> str:
        model = LanguageModel(resolve(str(tiny_models["qwen2"])), "cpu")
        steps = 0

        def tick(n: int) -> None:
            nonlocal steps
            steps += n
            if stop_at and steps == stop_at:
                raise KeyboardInterrupt

        train_adapter(model, encoded(model), [], settings, 5, tmp_path / name, tmp_path / f"{name}.partial", CARD, tick)
        return file_digest(tmp_path / name / "adapter_model.safetensors")

    whole = train("whole")
    assert train("again") == whole
    with pytest.raises(KeyboardInterrupt):
        train("killed", stop_at=6)
    saved = list((tmp_path / "killed.partial").glob("checkpoint-*"))
    assert saved
    assert train("killed") == whole


def stopping_early(**more: Any) -> TuningSettings:
    """Steps so large that the dev loss soon rises."""
    plain = {"train_on": "closed-book", "learning_rate": 0.5, "schedule": "constant", "warmup": 0, "batch_tokens": 64}
    return TuningSettings.model_validate({**plain, "evaluate_every": 1, "early_stop": 2, **more})


def test_early_stop_keeps_the_best(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    model = LanguageModel(resolve(str(tiny_models["llama"])), "cpu")
    settings = stopping_early(epochs=30)
    report, _ = train_adapter(
        model, encoded(model), encoded(model, 3), settings, 0, tmp_path / "o", tmp_path / "s", CARD
    )
    full = 30 * len(FixedBatches([len(e) for e in encoded(model)], 64, 0))
    assert report.steps < full
    assert len(report.dev_curve) >= 3


def test_early_stop_goes_on_with_the_patience_that_was_left(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    settings = stopping_early(epochs=12, save_seconds=0.0001)

    def train(name: str, stop_at: int | None = None) -> tuple[TuneReport, str]:
        model = LanguageModel(resolve(str(tiny_models["llama"])), "cpu")
        steps = 0

        def tick(n: int) -> None:
            nonlocal steps
            steps += n
            if steps == stop_at:
                raise KeyboardInterrupt

        made = tmp_path / name
        items, dev = encoded(model), encoded(model, 3)
        report, _ = train_adapter(model, items, dev, settings, 0, made, tmp_path / f"{name}.partial", CARD, tick)
        return report, file_digest(made / "adapter_model.safetensors")

    whole = train("whole")
    items = encoded(LanguageModel(resolve(str(tiny_models["llama"])), "cpu"))
    per_epoch = len(FixedBatches([len(e) for e in items], 64, 0))
    assert whole[0].steps < 12 * per_epoch
    before_last = whole[0].steps - 1
    evaluated = before_last // per_epoch  # the dev split is one batch
    with pytest.raises(KeyboardInterrupt):
        train("killed", before_last + evaluated)
    assert train("killed") == whole


def test_a_training_that_had_stopped_is_not_trained_on(
    tiny_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from peft import PeftModel

    settings = TuningSettings(
        train_on="closed-book",
        epochs=12,
        learning_rate=0.5,
        schedule="constant",
        warmup=0,
        evaluate_every=1,
        early_stop=2,
        batch_tokens=64,
    )

    def train(name: str) -> tuple[TuneReport, str]:
        model = LanguageModel(resolve(str(tiny_models["llama"])), "cpu")
        items, dev = encoded(model), encoded(model, 3)
        report, _ = train_adapter(model, items, dev, settings, 0, tmp_path / name, tmp_path / f"{name}.partial", CARD)
        return report, file_digest(tmp_path / name / "adapter_model.safetensors")

    whole = train("whole")
    with monkeypatch.context() as patched:
        made = PeftModel.save_pretrained

        def killed(self: PeftModel, folder: object, **kwargs: object) -> None:
            if Path(str(folder)).name == "late":
                raise KeyboardInterrupt
            made(self, folder, **kwargs)

        patched.setattr(PeftModel, "save_pretrained", killed)
        with pytest.raises(KeyboardInterrupt):
            train("late")
    assert train("late") == whole


def test_a_damaged_checkpoint_is_not_gone_on_from(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint-7"
    folder.mkdir()
    names = ("trainer_state.json", "optimizer.pt", "scheduler.pt", "rng_state.pth")
    for name in names:
        (folder / name).write_text(name)
    assert last_checkpoint(tmp_path) is None
    (folder / "sums.json").write_text(json.dumps({name: file_digest(folder / name) for name in names}))
    assert last_checkpoint(tmp_path) == folder
    (folder / "optimizer.pt").write_text("optimizer.pu")
    assert last_checkpoint(tmp_path) is None


def test_tokens_are_counted_as_they_are_trained_on(
    tiny_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ragtune.tuning import trainer

    model, trained, made = LanguageModel(resolve(str(tiny_models["llama"])), "cpu"), [], trainer.answer_loss

    def counted(model: object, inputs: dict[str, Any], *rest: Any) -> Any:
        trained.append(int(inputs["attention_mask"].sum()))
        return made(model, inputs, *rest)

    monkeypatch.setattr(trainer, "answer_loss", counted)
    settings = TuningSettings(train_on="closed-book", epochs=1.6, batch_tokens=64, accumulate=2)
    report, _ = train_adapter(model, encoded(model), [], settings, 3, tmp_path / "o", tmp_path / "s", CARD)
    assert report.tokens == sum(trained)


@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_reported_tokens_and_dev_loss_are_of_the_tokens_seen(
    tiny_models: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    import torch

    model = LanguageModel(resolve(str(tiny_models[kind])), "cpu")
    settings = TuningSettings(train_on="closed-book", epochs=1.5, evaluate_every=1, batch_tokens=64, accumulate=2)
    card = {**CARD, "base": model.ref.fingerprint}
    items, dev = (
        encoded(model),
        [Encoded(e.prompt, e.target * (1 + 3 * (n % 2))) for n, e in enumerate(encoded(model) * 3)],
    )
    told: list[int] = []
    scratch = tmp_path / "s"
    report, _ = train_adapter(model, items, dev, settings, 0, tmp_path / "o", scratch, card, progress=told.append)
    job = TuneJob(model.ref, "cpu", "float32", settings, 0, tuple(items), tuple(dev), card)
    assert sum(told) == job.ticks > report.steps  # evaluations are told too
    lengths = [len(e) for e in items]
    assert report.tokens == tokens_of(lengths, settings, report.steps, 0)
    per_epoch = -(-len(FixedBatches(lengths, 64, 0)) // 2)
    assert tokens_of(lengths, settings, 2 * per_epoch, 0) == 2 * sum(lengths)
    tuned, losses, count = model.using(tmp_path / "o"), 0.0, 0
    tuned.eval()
    for row in dev:
        both = row.prompt if model.seq2seq else row.prompt + row.target
        labels = row.target if model.seq2seq else (-100,) * len(row.prompt) + row.target
        with torch.inference_mode():
            out = tuned(input_ids=torch.tensor([both]), labels=torch.tensor([labels]))
        losses += float(out.loss) * len(row.target)
        count += len(row.target)
    assert report.dev_curve[-1][1] == pytest.approx(losses / count, abs=2e-4)


def test_a_pad_token_beyond_the_embedding_trains(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    def trained(name: str, pad: str | None) -> str:
        model = LanguageModel(resolve(str(tiny_models["llama"])), "cpu")
        items = encoded(model)
        if pad:
            model.tokenizer.add_special_tokens({"pad_token": pad})
        settings = TuningSettings(train_on="closed-book", epochs=1, lora=LoraSettings(r=2))
        train_adapter(model, items, [], settings, 0, tmp_path / name, tmp_path / "scratch", CARD)
        return file_digest(tmp_path / name / "adapter_model.safetensors")

    assert trained("own", None) == trained("beyond", "[PAD]")


def test_nothing_to_train_on_and_too_long_items(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    model = LanguageModel(resolve(str(tiny_models["llama"])), "cpu")
    settings = TuningSettings(train_on="closed-book")
    with pytest.raises(ExperimentError, match="nothing to train on"):
        train_adapter(model, [], [], settings, 0, tmp_path / "o", tmp_path / "s", CARD)
    long = replace(encoded(model, 1)[0], prompt=tuple([5] * 400))
    with pytest.raises(ExperimentError, match="window 256"):
        train_adapter(model, [long], [], settings, 0, tmp_path / "o", tmp_path / "s", CARD)


def test_an_adapter_for_another_base_is_refused(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    llama = LanguageModel(resolve(str(tiny_models["llama"])), "cpu")
    settings = TuningSettings(train_on="closed-book", epochs=1, lora=LoraSettings(r=2))
    train_adapter(
        llama,
        encoded(llama, 2),
        [],
        settings,
        0,
        tmp_path / "o",
        tmp_path / "s",
        {"base": llama.ref.fingerprint, "base_name": "tiny-llama"},
    )
    other = LanguageModel(resolve(str(tiny_models["qwen2"])), "cpu")
    with pytest.raises(ModelError, match="made for tiny-llama"):
        other.using(tmp_path / "o")
    (tmp_path / "o" / "ragtune.json").unlink()
    with pytest.raises(ModelError, match=r"no ragtune\.json"):
        llama.using(tmp_path / "o")
    with pytest.raises(ModelError, match="no adapter"):
        llama.using(tmp_path / "nowhere")


@pytest.mark.parametrize("kind", ["llama", "gpt2", "qwen2"])
def test_the_upper_blocks_alone_are_trained(tiny_models: dict[str, Path], tmp_path: Path, kind: str) -> None:
    import re

    from safetensors import safe_open

    model = LanguageModel(resolve(str(tiny_models[kind])), "cpu")
    blocks = model.config.num_hidden_layers
    settings = TuningSettings(train_on="closed-book", epochs=0.01, lora=LoraSettings(r=2, upper=1))
    train_adapter(model, encoded(model), [], settings, 0, tmp_path / "out", tmp_path / "scratch", CARD)
    with safe_open(tmp_path / "out" / "adapter_model.safetensors", "pt") as file:
        found = {int(number) for name in file.keys() for number in re.findall(r"\.(\d+)\.", name)}  # noqa: SIM118
    assert found == {blocks - 1}
    more = settings.model_copy(update={"lora": LoraSettings(r=2, upper=blocks + 1)})
    with pytest.raises(ExperimentError, match=f"the model has {blocks} blocks: upper is {blocks + 1}"):
        train_adapter(model, encoded(model), [], more, 0, tmp_path / "o", tmp_path / "s", CARD)


def test_upper_blocks_of_two_rows_are_refused(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    model = LanguageModel(resolve(str(tiny_models["t5"])), "cpu")
    settings = TuningSettings(train_on="closed-book", epochs=0.01, lora=LoraSettings(r=2, upper=1))
    with pytest.raises(ExperimentError, match="not one row"):
        train_adapter(model, encoded(model), [], settings, 0, tmp_path / "o", tmp_path / "s", CARD)
