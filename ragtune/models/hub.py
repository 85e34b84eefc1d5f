"""The Hugging Face hub: which commit a name means, and whether the local cache holds that commit's weights."""

from __future__ import annotations

from pathlib import Path

#: what is asked for to learn the commit: a few hundred bytes that loading needs anyway
_CARD = "config.json"
#: seconds that the hub may take to answer
_PATIENCE = 10.0


def _folder(name: str) -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / ("models--" + name.replace("/", "--"))


def cached_commit(name: str) -> str:
    """The commit of ``main`` that the local cache knows, "" where it knows none."""
    ref = _folder(name) / "refs" / "main"
    return ref.read_text("utf-8").strip() if ref.is_file() else ""


def commit_of(name: str) -> str:
    """The commit that ``name`` stands for: the cached one, else the hub's newest, which is cached from now on; "" where
    neither can be had."""
    from huggingface_hub import constants

    if found := cached_commit(name):
        return found
    if not constants.HF_HUB_OFFLINE:
        _ask(name)
    return cached_commit(name)


def _ask(name: str) -> None:
    """Let the hub's client write into the cache which commit ``main`` is now."""
    from huggingface_hub import hf_hub_download

    try:
        hf_hub_download(name, _CARD, etag_timeout=_PATIENCE)
    except Exception:  # no network, no such model, no such file: what the client learned is in the cache either way
        return


def downloaded(name: str, commit: str) -> bool:
    """Whether the local cache holds weights of this commit."""
    folder = _folder(name) / "snapshots" / commit
    return bool(commit) and any(folder.rglob("*.safetensors"))
