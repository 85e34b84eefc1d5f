"""What a hub id stands for: one commit, in the key and on loading, whether it was here before or is downloaded now."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from ragtune.errors import ModelError
from ragtune.models.causal import LanguageModel
from ragtune.models.names import ModelRef, check_at_hand, must_download, resolve

NAME, OLD, NEW = "someone/tiny", "a" * 40, "b" * 40


class Hub:
    """A hub cache in a folder, and a hub whose `main` may move."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.model = folder / "models--someone--tiny", model
        self.main, self.asked = NEW, 0

    def cached(self, commit: str) -> None:
        (self.folder / "refs").mkdir(parents=True, exist_ok=True)
        (self.folder / "refs" / "main").write_text(commit)

    def download(self, commit: str) -> None:
        shutil.copytree(self.model, self.folder / "snapshots" / commit)

    def client(self, name: str, file: str, **how: object) -> None:
        assert (name, file) == (NAME, "config.json")
        self.asked += 1
        self.cached(self.main)


@pytest.fixture
def hub(tmp_path: Path, tiny_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Hub:
    found = Hub(tmp_path / "hub", tiny_models["llama"])
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", found.client)
    return found


def test_the_key_before_a_download_is_the_key_after_it(hub: Hub) -> None:
    before = resolve(NAME)
    assert (before.commit, before.loading["revision"], hub.asked) == (NEW, NEW, 1)
    assert must_download(before)
    check_at_hand(before)
    hub.download(NEW)
    hub.main = OLD  # whatever the hub calls main by now
    after = resolve(NAME)
    assert after == before
    assert hub.asked == 1
    assert not must_download(after)


def test_another_commit_is_another_key(hub: Hub) -> None:
    hub.cached(OLD)
    old = resolve(NAME)
    hub.cached(NEW)
    assert (old.commit, resolve(NAME).commit) == (OLD, NEW)
    assert old.fingerprint != resolve(NAME).fingerprint


def test_what_is_loaded_is_the_commit_of_the_key(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.cached(OLD)
    hub.download(OLD)
    model = LanguageModel(resolve(NAME), "cpu")
    hub.cached(NEW)  # `main` moves between the key and the loading; nothing of NEW is here
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert model.base.config.hidden_size == 32
    assert model.tokenizer.eos_token_id is not None
    with pytest.raises(ModelError, match="could not be loaded"):
        _ = LanguageModel(resolve(NAME), "cpu").base


def test_every_loader_is_told_the_commit(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from ragtune.models.encoder import SentenceEncoder
    from ragtune.models.pairs import PairModel
    from ragtune.models.tokens import token_spans

    told: list[Any] = []

    def loader(*args: object, **how: object) -> None:
        told.append(how["revision"])
        raise OSError("that is enough")

    for place in (
        "sentence_transformers.SentenceTransformer.__init__",
        "sentence_transformers.CrossEncoder.__init__",
        "transformers.AutoTokenizer.from_pretrained",
        "transformers.AutoConfig.from_pretrained",
    ):
        monkeypatch.setattr(place, loader)
    ref = resolve(NAME)
    for load in (
        lambda: SentenceEncoder(ref).model,
        lambda: PairModel(ref).model,
        lambda: token_spans(ref),
        lambda: LanguageModel(ref).tokenizer,
        lambda: LanguageModel(ref).base,
    ):
        with pytest.raises(ModelError, match="that is enough"):
            load()
    assert told == [NEW] * 5


def test_without_its_commit_nothing_is_loaded(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*args: object, **how: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", nothing)
    ref = resolve(NAME)
    assert ref.commit == ""
    for use in (check_at_hand, lambda r: r.loading, lambda r: LanguageModel(r).base):
        with pytest.raises(ModelError, match="not in the local cache, and the hub does not give it"):
            use(ref)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="switched off"):
        check_at_hand(ref)


def test_a_tuned_model_keeps_the_commit_of_its_base(hub: Hub, tmp_path: Path) -> None:
    ref = resolve(NAME)
    tuned = ref.tuned(tmp_path, "k")
    assert tuned.commit == NEW
    assert tuned.fingerprint != ref.fingerprint


def test_a_folder_is_loaded_from_the_disk_alone(tiny_models: dict[str, Path]) -> None:
    ref: ModelRef = resolve(str(tiny_models["llama"]))
    assert ref.loading == {"trust_remote_code": False, "local_files_only": True}
