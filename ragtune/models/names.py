"""What a model name means: ``bundled:…``, a folder, or a hub id; and the fingerprint that identifies it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ragtune.digests import Digests, user_cache
from ragtune.errors import ModelError
from ragtune.models.bundled import BUNDLED
from ragtune.models.gguf import refuse_foreign
from ragtune.models.hub import commit_of, downloaded
from ragtune.models.packages import PACKAGED, prepared
from ragtune.store import digest, file_digest

#: what lies beside an adapter's weights and says what they were made for
ADAPTER_CARD = "ragtune.json"
#: joins a base model and the folder of its adapter in one name
PLUS = " + "
#: owner/name: letters, digits and ._- inside, 96 characters at most
_HUB_ID = re.compile(r"(?=.{3,96}$)\w(?:[\w.-]*\w)?/\w(?:[\w.-]*\w)?", re.ASCII)
#: what the cards of models that write text call them
_WRITES = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
#: bytes from which a file's digest is remembered: a smaller one is read in no time
_LARGE = 16e6


@dataclass(frozen=True)
class ModelRef:
    """A resolved name: ``location`` is what loaders take, ``fingerprint`` goes into stage keys.

    ``commit`` is that of a model on the hub: the one its fingerprint is made of, and the one that is loaded, whether it is
    downloaded yet or not ("" where it could not be learned). A tuned model is a model: with ``adapter``, loaders merge that
    folder's weights into the base's.
    """

    name: str
    kind: Literal["bundled", "folder", "gguf", "hub"]
    location: str
    fingerprint: str
    adapter: Path | None = None
    commit: str = ""

    @property
    def local(self) -> bool:
        return self.kind != "hub"

    @property
    def place(self) -> str:
        """What libraries are told to load from: a folder or a hub id."""
        return str(Path(self.location).parent) if self.kind == "gguf" else self.location

    @property
    def loading(self) -> dict[str, Any]:
        """How every library is told to load it: no code of its author, nothing but this commit.

        Raises:
            ModelError: it lies on the hub, and which commit that is could not be learned.
        """
        if self.local:
            file = {"gguf_file": Path(self.location).name} if self.kind == "gguf" else {}
            return {"trust_remote_code": False, "local_files_only": True, **file}
        if not self.commit:
            raise _unreachable(self)
        return {"trust_remote_code": False, "local_files_only": False, "revision": self.commit}

    def tuned(self, adapter: Path, key: str) -> ModelRef:
        """This model with the adapter in the folder ``adapter``; ``key`` identifies the tuning."""
        made = digest(self.fingerprint, key)
        return replace(self, name=f"{self.name}{PLUS}{adapter}", fingerprint=made, adapter=adapter)


def _content(file: Path) -> str:
    """The SHA-256 of a file, remembered."""
    large = Digests(user_cache() / "models.json")
    found = large.of(file)
    large.save()
    return found


def folder_fingerprint(folder: Path) -> str:
    """What identifies a model's folder: the content of its files, whatever their size."""
    files = sorted(
        p
        for p in folder.rglob("*")
        if p.suffix in {".safetensors", ".json", ".txt", ".jinja", ".model"} and p.is_file()
    )
    large = Digests(user_cache() / "models.json")
    found = [
        (p.relative_to(folder).as_posix(), large.of(p) if p.stat().st_size > _LARGE else file_digest(p)) for p in files
    ]
    large.save()
    return digest(found)


def resolve(name: str, *, base: Path | None = None) -> ModelRef:
    """Resolve a model name. Relative folders are looked up from ``base`` (default: the working folder).

    ``MODEL + FOLDER`` is the model with the adapter that lies in the folder.

    Raises:
        ModelError: unknown bundled name; a folder without ``config.json`` or without safetensors weights;
            bundled weights that are not the published ones; neither a folder nor a hub id.
    """
    if PLUS in name:
        first, _, adapter = name.partition(PLUS)
        return _with_adapter(resolve(first.strip(), base=base), (base or Path()) / Path(adapter.strip()).expanduser())
    if name in PACKAGED:
        return ModelRef(name, "bundled", str(prepared(name)), PACKAGED[name].identity)
    if name.startswith("bundled:"):
        if name not in BUNDLED:
            known = ", ".join([*BUNDLED, *PACKAGED])
            raise ModelError(f'unknown bundled model "{name}".', fix=f"Bundled are: {known}.")
        folder = BUNDLED[name]()
        return ModelRef(name, "bundled", str(folder), folder_fingerprint(folder))
    folder = (base or Path()) / Path(name).expanduser()
    if folder.is_file() and folder.suffix.lower() == ".gguf":
        refuse_foreign(folder)
        return ModelRef(name, "gguf", str(folder), _content(folder))
    if folder.is_dir():
        if (folder / "adapter_config.json").exists() and not (folder / "config.json").exists():
            raise ModelError(
                "this folder holds an adapter, not a model.",
                where=folder,
                fix="Name its base model before it: MODEL + FOLDER.",
            )
        if not any((folder / f).exists() for f in ("config.json", "modules.json")):
            raise ModelError(
                "this folder holds no model (no config.json).",
                where=folder,
                fix="Point at a folder saved with save_pretrained.",
            )
        if not any(folder.rglob("*.safetensors")):
            raise ModelError(
                "this model folder has no safetensors weights.",
                where=folder,
                fix="Save it with safe serialization; pickled weights are never loaded.",
            )
        return ModelRef(name, "folder", str(folder), folder_fingerprint(folder))
    if _HUB_ID.fullmatch(name) and "--" not in name and ".." not in name:
        commit = commit_of(name)
        return ModelRef(name, "hub", name, digest(name, commit), commit=commit)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ModelError(
            f'unknown model "{name}": there is no such folder.', fix="Mend the path, or give a hub id like owner/name."
        )
    raise ModelError(
        f'unknown model "{name}".',
        fix="Use bundled:minilm, bundled:reader, a model folder, a .gguf file, or a hub id like owner/name.",
    )


def _architectures(config: Path) -> list[str]:
    """What a model's own card says it is; nothing where the card cannot be read."""
    try:
        found = json.loads(config.read_text("utf-8")).get("architectures")
    except (OSError, ValueError, AttributeError, RecursionError):
        return []
    return [kind for kind in found if isinstance(kind, str)] if isinstance(found, list) else []


def check_embedder(ref: ModelRef) -> None:
    """Raises ModelError where the model's own card says that it generates text."""
    config = Path(ref.location) / "config.json"
    if ref.kind == "gguf" or (ref.local and config.exists()):
        kinds = _architectures(config)
        if ref.kind == "gguf" or any(k.endswith(_WRITES) for k in kinds):
            raise ModelError(
                "this is a language model, not an embedder.", where=ref.name, fix="Name one such as bundled:minilm."
            )


def check_writes(ref: ModelRef) -> None:
    """Raises ModelError where the model's own card says that it generates no text."""
    config = Path(ref.location) / "config.json"
    kinds = _architectures(config) if ref.local and ref.kind != "gguf" else []
    if kinds and not any(kind.endswith(_WRITES) for kind in kinds):
        raise ModelError(
            f"this model ({kinds[0]}) writes no text; it is no language model.",
            where=ref.name,
            fix="Name one by its hub id, folder or .gguf file.",
        )


def check_pairs(ref: ModelRef) -> None:
    """Raises ModelError where the model's own card says that it cannot score pairs of texts."""
    config = Path(ref.location) / "config.json"
    embeds = ref.kind != "gguf" and ref.local and (Path(ref.location) / "1_Pooling").is_dir()
    if ref.kind in ("bundled", "gguf") or embeds:
        what = "an embedder" if embeds else "a language model"
        raise ModelError(
            f"this is {what}, not a CrossEncoder.", where=ref.name, fix="Name one by its hub id or folder."
        )
    if ref.kind == "folder" and config.exists():
        kinds = _architectures(config)
        if kinds and all(k.endswith("Model") and not k.endswith("LMHeadModel") for k in kinds):
            raise ModelError(
                f"this model ({kinds[0]}) has no head that scores pairs; it is no CrossEncoder.",
                where=ref.name,
                fix="Name a CrossEncoder, by its hub id or folder.",
            )


def must_download(ref: ModelRef) -> bool:
    """Whether it is a hub id whose weights the local cache does not hold."""
    return ref.kind == "hub" and not downloaded(ref.location, ref.commit)


def check_at_hand(ref: ModelRef) -> None:
    """Raises ModelError for a hub id that is not in the local cache while the hub is switched off or does not know it."""
    from huggingface_hub import constants

    if must_download(ref) and (constants.HF_HUB_OFFLINE or not ref.commit):
        raise _unreachable(ref)


def _unreachable(ref: ModelRef) -> ModelError:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return ModelError(
            "this model is not in the local cache, and the hub is switched off (HF_HUB_OFFLINE).",
            where=ref.name,
            fix="Mend the path if a folder is meant; else download it first, or use a bundled model.",
        )
    return ModelError(
        "this model is not in the local cache, and the hub does not give it.",
        where=ref.name,
        fix="Check the id, the network and, for a gated model, the login; or use a bundled model.",
    )


def _with_adapter(ref: ModelRef, folder: Path) -> ModelRef:
    if (folder / ADAPTER_CARD).exists():
        check_adapter_folder(folder, ref)
    elif not _holds_adapter(folder):
        raise ModelError(
            "this folder holds no adapter (it lacks adapter_config.json or adapter_model.safetensors).",
            where=folder,
            fix="Mend its path.",
        )
    return ref.tuned(folder, folder_fingerprint(folder))


def _holds_adapter(folder: Path) -> bool:
    return (folder / "adapter_config.json").exists() and (folder / "adapter_model.safetensors").exists()


def check_adapter_folder(adapter: Path, base: ModelRef) -> None:
    """Raises ModelError unless ``adapter`` is a ragtune adapter for ``base``."""
    if not _holds_adapter(adapter):
        raise ModelError(
            "this folder is no adapter (it lacks adapter_config.json or adapter_model.safetensors).",
            where=adapter,
            fix="Tune again.",
        )
    try:
        card = json.loads((adapter / ADAPTER_CARD).read_text("utf-8"))
    except (OSError, ValueError):
        raise ModelError(
            f"this adapter has no {ADAPTER_CARD} saying what it was made for.", where=adapter, fix="Tune again."
        ) from None
    check_adapter(adapter, base, card)


def load_failure(ref: ModelRef, error: BaseException) -> ModelError:
    """The one line for a model that would not load."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if ref.kind == "hub":
        return ModelError(
            f"the model could not be loaded ({text[:160]}).",
            where=ref.name,
            fix="Check the id; without network, download it first or use a bundled model.",
        )
    return ModelError(
        f"the model could not be loaded ({text[:160]}).",
        where=ref.name,
        fix="Check that the folder is complete and fits this version of transformers.",
    )


def check_adapter(folder: Path, base: ModelRef, recorded: Mapping[str, str]) -> None:
    """Raises ModelError if an adapter was made for another base than ``base``."""
    if recorded.get("base") != base.fingerprint:
        raise ModelError(
            f"this adapter was made for {recorded.get('base_name', 'another base')}, not for {base.name}.",
            where=folder,
            fix="Tune again or name the right base.",
        )
