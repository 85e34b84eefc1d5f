"""A tuned setup of a Run as files of its own: its adapter, or the model with the adapter in its weights."""

from __future__ import annotations

import difflib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ragtune.errors import ModelError, RunError
from ragtune.experiment.folder import Run, load_run
from ragtune.experiment.locate import store_of
from ragtune.experiment.places import in_run
from ragtune.experiment.tune_retriever import STAGE_OF
from ragtune.models.adapters import merges
from ragtune.models.causal import LanguageModel
from ragtune.models.joining import cast, join
from ragtune.models.names import ADAPTER_CARD, PLUS, ModelRef, check_adapter_folder, resolve
from ragtune.store import Store, writing


def export(
    target: Path,
    setup: str,
    dest: Path,
    seed: int | None = None,
    merged: bool = False,
    store: Path | None = None,
    dtype: str | None = None,
) -> Path:
    """Write the adapter of a tuned setup to the new folder ``dest`` (with ``merged``: an ordinary model folder).

    ``MODEL + DEST`` names an adapter with its base; a merged model is named by its folder. A tuning on top of
    ``MODEL + ADAPTER`` is written as one adapter of MODEL that holds both. A tuned embedder and re-ranker are written beside it, to
    the folders ``embedder`` and ``re-ranker``: a sentence-transformers model each, of a query map ``map.npy``. ``dtype`` is what weights are kept in: float32,
    float16 or bfloat16 (default: as they were trained, or as the model runs).

    Raises:
        RunError: no such setup, or it is not tuned; its adapter is not in the store; ``dest`` holds something.
        ModelError: the base model is not at hand, or another one than the adapter was made for.
    """
    run = load_run(target)
    refuse_held(dest)
    found = Store(store or store_of(run))
    if store and not store.is_dir():
        raise RunError("there is no store here.", where=store, fix="Mend --store, or leave it out.")
    parts = _retriever(run, setup, seed, found)
    if parts and run.experiment.setups[setup].tuning is None:
        return _written(dest, parts)
    adapter = _adapter(run, setup, seed, found)
    base = resolve(in_run(run.about.places, run.path)(run.experiment.setups[setup].generator.model))
    check_adapter_folder(adapter, base)
    _refuse_unlike(adapter, base, merged)
    with _aside(dest) as scratch:
        if merged:
            import torch

            model = LanguageModel(base)
            whole = model.merge(adapter, keep=False)
            (whole.to(dtype=getattr(torch, dtype)) if dtype else whole).save_pretrained(scratch)
            model.tokenizer.save_pretrained(scratch)
        else:
            if base.adapter:
                join(base.adapter, adapter, resolve(base.name.partition(PLUS)[0]), scratch)
            else:
                shutil.copytree(adapter, scratch, ignore=shutil.ignore_patterns("cost.json", "manifest.json"))
                _name_base(scratch / "adapter_config.json", base.name)
            if dtype:
                cast(scratch, dtype)
        _copied(parts, scratch)
    return dest


@contextmanager
def _aside(dest: Path) -> Iterator[Path]:
    """A place beside ``dest`` that takes its name when the block ends well."""
    scratch = dest.with_name(f".{dest.name}.part")
    with writing(dest):
        shutil.rmtree(scratch, ignore_errors=True)  # of one that was killed
        scratch.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield scratch
            if dest.exists():
                dest.rmdir()
            scratch.rename(dest)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _refuse_unlike(adapter: Path, base: ModelRef, merged: bool) -> None:
    """Raises ModelError where what was tuned cannot be written as it is asked for."""
    if merged and not merges(adapter):
        raise ModelError(
            "this tuning changes no weights, so no model can be written with it.",
            where=base.name,
            fix="Leave --merged out: its adapter alone is exported.",
        )
    if base.adapter and not merged and not merges(adapter):
        raise ModelError(
            "this tuning stands on top of another adapter and cannot be joined with it.",
            where=base.name,
            fix="Export that one with --merged, and tune the model that it makes.",
        )


def _name_base(config: Path, name: str) -> None:
    """The base as users name it, in place of the folder that it was loaded from here."""
    held = json.loads(config.read_text("utf-8"))
    config.write_text(json.dumps({**held, "base_model_name_or_path": name}, indent=1, sort_keys=True) + "\n", "utf-8")


def refuse_held(dest: Path) -> None:
    """Raises RunError where ``dest`` is a file or holds something."""
    if dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise RunError("something stands there already.", where=dest, fix="Name a new folder.")


def _adapter(run: Run, setup: str, seed: int | None, store: Store) -> Path:
    tuned = {t.setup for t in run.tunings if t.kind == "generator"}
    if setup not in run.experiment.setups:
        near = difflib.get_close_matches(setup, run.experiment.setups, 1, 0.4)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        raise RunError(f'there is no setup "{setup}".{hint}', where=run.path, fix=f"Tuned are: {', '.join(tuned)}.")
    if setup not in tuned:
        what = f"Tuned are: {', '.join(sorted(tuned))}." if tuned else "No setup of this Run is tuned."
        raise RunError(f'"{setup}" is not tuned: there is nothing to export.', where=run.path, fix=what)
    keys = {t.seed: t.key for t in run.tunings if t.setup == setup and t.kind == "generator"}
    key = keys.get(min(keys) if seed is None else seed)
    if key is None:
        raise RunError(f'"{setup}" was not tuned with seed {seed}.', where=run.path, fix=f"Seeds: {sorted(keys)}.")
    found = store.find("tune", key)
    if found is None:
        raise RunError("its adapter is not in the store.", where=store.root, fix="Run the experiment again.")
    return found


def _retriever(run: Run, setup: str, seed: int | None, store: Store) -> dict[str, Path]:
    """The folders of the setup's tuned embedder and re-ranker by kind, of one seed."""
    own = [t for t in run.tunings if t.setup == setup and t.kind in STAGE_OF]
    seeds = {t.seed for t in own}
    if seed is not None and own and seed not in seeds:
        raise RunError(f'"{setup}" was not tuned with seed {seed}.', where=run.path, fix=f"Seeds: {sorted(seeds)}.")
    found = {}
    for tuning in own:
        if tuning.seed == (min(seeds) if seed is None else seed):
            folder = store.find(STAGE_OF[tuning.kind], tuning.key)
            if folder is None:
                raise RunError(
                    f"its {tuning.kind} is not in the store.", where=store.root, fix="Run the experiment again."
                )
            found[tuning.kind] = folder
    return found


def _copied(parts: Mapping[str, Path], dest: Path) -> None:
    for kind, folder in parts.items():
        model = folder / "model"
        if model.is_dir():
            shutil.copytree(model, dest / kind)
        else:
            (dest / kind).mkdir()
            shutil.copy(folder / "map.npy", dest / kind)
        shutil.copy(folder / ADAPTER_CARD, dest / kind)


def _written(dest: Path, parts: Mapping[str, Path]) -> Path:
    """The new folder ``dest`` with the parts alone."""
    with _aside(dest) as scratch:
        scratch.mkdir()
        _copied(parts, scratch)
    return dest
