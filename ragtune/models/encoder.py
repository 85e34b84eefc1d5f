"""Text encoders through sentence-transformers: one vector per text, or one per token.

On CPU every batch has the same shape for texts of one length class (``ROWS`` rows, padded to a multiple of
``STEP`` tokens), so a text's vector does not depend on what is encoded with it: resumed and undisturbed runs
agree bit for bit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from ragtune.models.adapters import merged
from ragtune.models.devices import best_device, quiet
from ragtune.models.names import ModelRef, load_failure
from ragtune.models.vectors import VectorFile
from ragtune.models.windows import pooled, windows
from ragtune.store import digest

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Array = npt.NDArray[np.float32]
Kind = Literal["document", "query"]
Progress = Callable[[int], None]
#: what a tokenizer makes of one text: token ids, attention mask and the like by name
Features = dict[str, list[int]]
ROWS, STEP = 8, 16
#: raise it when a text's vector changes, so that kept ones are made anew
VERSION = 2


class TextEncoder(Protocol):
    """What retrieval and judges need of an embedder. Vectors are float32, unit length, shape (texts, dim)."""

    @property
    def fingerprint(self) -> str: ...

    def encode(self, texts: Sequence[str], kind: Kind = "document", progress: Progress | None = None) -> Array: ...

    def encode_tokens(self, texts: Sequence[str], kind: Kind = "document") -> list[Array]: ...


class ReadingEncoder(TextEncoder, Protocol):
    """One that has a text's vector and those of its tokens from one reading."""

    def encode_both(self, texts: Sequence[str], kind: Kind = "document") -> tuple[Array, list[Array]]: ...


#: a bundled model that was loaded on the CPU last: that takes seconds, and whatever comes next mostly wants it again
_KEPT: dict[str, SentenceTransformer] = {}
#: it is used by one at a time: a tokenizer keeps how it pads
_ALONE = threading.RLock()


def load(ref: ModelRef, device: str) -> SentenceTransformer:
    """The library's model, with the adapter that it may have in its weights.

    Raises:
        ModelError: it would not load.
    """
    quiet()
    from sentence_transformers import SentenceTransformer

    loading = ref.loading
    precision = {"dtype": "float32"} if device == "cpu" else {}  # halves are slow there, whatever was saved
    try:
        made = SentenceTransformer(
            ref.location, device=device, **loading, model_kwargs={"use_safetensors": True, **precision}
        )
    except Exception as error:  # the library raises many kinds for one problem: it did not load
        raise load_failure(ref, error) from error
    if ref.adapter:
        first: Any = made[0]
        first.model = merged(first.auto_model, ref)  # what auto_model reads
    return made


def prompt_of(model: SentenceTransformer, kind: Kind) -> str:
    """What the model wants before a text of that kind; "" for most."""
    prompts: dict[str, str] = dict(model.prompts or {})
    return prompts.get(kind) or (prompts.get("passage", "") if kind == "document" else "") or ""


class SentenceEncoder:
    """A sentence-transformers model, loaded when first used."""

    def __init__(self, ref: ModelRef, device: str = "auto") -> None:
        self.ref = ref
        self.fingerprint = ref.fingerprint
        self._wanted = device
        self._model: SentenceTransformer | None = None
        self.texts_encoded = 0
        self.in_windows = 0  # texts longer than the model's window

    @property
    def model(self) -> SentenceTransformer:
        with _ALONE:
            if self._model is None:
                self._model = _KEPT.get(self.fingerprint) if best_device(self._wanted) == "cpu" else None
            return self._loaded()

    def _loaded(self) -> SentenceTransformer:
        if self._model is None:
            device = best_device(self._wanted)
            self._model = load(self.ref, device)
            self._model.eval()
            if self.ref.kind == "bundled" and device == "cpu":
                _KEPT.clear()
                _KEPT[self.fingerprint] = self._model
        return self._model

    def _forward(self, rows: Sequence[Features], take: Callable[[int, dict[str, Any], int], None]) -> None:
        """Run all rows in batches of fixed shape; ``take(row's index, model output, row in it)`` gets each result."""
        import torch

        with _ALONE:
            model, tokenizer = self.model, self.model.tokenizer
            limit = self._limit
            blank = self._tokens([""])[0]
            classes: dict[int, list[int]] = {}
            for i, row in enumerate(rows):
                classes.setdefault(min(limit, -(-len(row["input_ids"]) // STEP) * STEP), []).append(i)
            for length, members in sorted(classes.items()):
                for at in range(0, len(members), ROWS):
                    group = members[at : at + ROWS]
                    batch = [rows[i] for i in group] + [blank] * (ROWS - len(group))
                    features = tokenizer.pad(batch, padding="max_length", max_length=length, return_tensors="pt")
                    with torch.inference_mode():
                        out = model({k: v.to(model.device) for k, v in features.items()})
                    for at_row, i in enumerate(group):
                        take(i, out, at_row)
                    self.texts_encoded += len(group)

    @property
    def _limit(self) -> int:
        return int(self.model.max_seq_length or 512)

    def _tokens(self, texts: Sequence[str], limit: int | None = None) -> list[Features]:
        """What the model reads of each text, cut to ``limit`` tokens."""
        cut = {"truncation": True, "max_length": limit} if limit else {"truncation": False}
        found = self.model.tokenizer(list(texts), padding=False, **cut)
        return [{name: column[n] for name, column in found.items()} for n in range(len(texts))]

    def _windows(self, texts: Sequence[str], kind: Kind) -> list[list[tuple[Features, int]]]:
        """Each text in the windows that the model can read at once, with how much of it each window holds."""
        prompt, limit = prompt_of(self.model, kind), self._limit
        with _ALONE:
            whole = self._tokens([prompt + t for t in texts])
            found = [[(row, 1)] for row in whole]
            long = [n for n, row in enumerate(whole) if len(row["input_ids"]) > limit]
            taken = len(self._tokens([prompt])[0]["input_ids"]) if long else 0  # special tokens, and the prompt's own
            for n in long:
                parts = windows(texts[n], max(8, limit - taken), self.spans)
                rows = self._tokens([prompt + text for text, _ in parts], limit)
                found[n] = list(zip(rows, [count for _, count in parts], strict=True))
        self.in_windows += sum(len(parts) > 1 for parts in found)
        return found

    def encode(self, texts: Sequence[str], kind: Kind = "document", progress: Progress | None = None) -> Array:
        """Texts longer than the model's window are read in windows; the mean of these, by tokens, stands for them."""
        if not texts:
            return np.empty((0, 0), np.float32)
        parts = self._windows(texts, kind)
        found: list[Array] = [np.empty(0, np.float32)] * sum(map(len, parts))
        first = set(np.cumsum([0, *map(len, parts)]).tolist())

        def take(i: int, out: dict[str, Any], row: int) -> None:
            found[i] = out["sentence_embedding"][row].float().cpu().numpy()
            if progress and i in first:
                progress(1)

        self._forward([row for own in parts for row, _ in own], take)
        return _of_windows(found, parts)

    def encode_tokens(self, texts: Sequence[str], kind: Kind = "document") -> list[Array]:
        """One unit vector per token (special tokens and padding left out), shape (tokens, dim) for each text."""
        return self.encode_both(texts, kind)[1]

    def encode_both(self, texts: Sequence[str], kind: Kind = "document") -> tuple[Array, list[Array]]:
        """What `encode` gives, and what `encode_tokens` gives, from reading each text once."""
        if not texts:
            return np.empty((0, 0), np.float32), []
        parts = self._windows(texts, kind)
        flat = [row for own in parts for row, _ in own]
        whole: list[Array] = [np.empty(0, np.float32)] * len(flat)
        found: list[Array] = [np.empty(0, np.float32)] * len(flat)
        special = set(self.model.tokenizer.all_special_ids)

        def take(i: int, out: dict[str, Any], row: int) -> None:
            keep = [
                bool(m) and int(t) not in special
                for t, m in zip(out["input_ids"][row], out["attention_mask"][row], strict=True)
            ]
            vectors = out["token_embeddings"][row].float().cpu().numpy()[keep]
            found[i] = unit(vectors) if len(vectors) else np.zeros((1, vectors.shape[1]), np.float32)
            whole[i] = out["sentence_embedding"][row].float().cpu().numpy()

        self._forward(flat, take)
        rows = iter(found)
        return _of_windows(whole, parts), [np.concatenate([next(rows) for _ in own]) for own in parts]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Token offsets of ``text`` (for chunk sizes), by the model's own fast tokenizer."""
        encoded = self.model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, truncation=False)
        return [(int(a), int(b)) for a, b in encoded["offset_mapping"]]


def _of_windows(vectors: Sequence[Array], parts: Sequence[Sequence[tuple[Features, int]]]) -> Array:
    """The unit vector of each text from those of its windows, which come in order."""
    rows = iter(vectors)
    return unit(np.stack([pooled([next(rows) for _ in own], [count for _, count in own]) for own in parts]))


def unit(rows: npt.NDArray[Any]) -> Array:
    """Rows scaled to length 1 (zero rows stay zero)."""
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)


class CachedEncoder:
    """An encoder whose vectors are kept in a file: each distinct text is embedded once ever.

    ``computed`` and ``reused`` count texts.
    """

    def __init__(self, inner: ReadingEncoder, folder: Path) -> None:
        self.inner = inner
        self.fingerprint = inner.fingerprint
        self._file = VectorFile(folder / f"{inner.fingerprint}.v{VERSION}.sqlite")
        self.computed = self.reused = 0
        self._fresh = False

    @contextmanager
    def fresh(self) -> Iterator[None]:
        """For the length of the block queries are embedded anew and not kept, as a user's question is."""
        before, self._fresh = self._fresh, True
        try:
            yield
        finally:
            self._fresh = before

    def encode(self, texts: Sequence[str], kind: Kind = "document", progress: Progress | None = None) -> Array:
        if not texts:
            return np.empty((0, 0), np.float32)
        if self._fresh and kind == "query":
            return self.inner.encode(texts, kind, progress)
        keys = [digest(kind, t) for t in texts]
        known = self._file.known(list(dict.fromkeys(keys)))
        todo = {k: t for k, t in zip(keys, texts, strict=True) if k not in known}
        self.reused += len(set(keys)) - len(todo)
        held = len(texts) - len(todo)

        def tick(n: int) -> None:
            """What was known counts with the first text that is embedded, when the model is there: rates begin then."""
            nonlocal held
            if progress:
                progress(n + held)
            held = 0

        names = list(todo)
        for at in range(0, len(names), 256):
            part = names[at : at + 256]
            made = dict(zip(part, self.inner.encode([todo[k] for k in part], kind, tick), strict=True))
            self._file.keep(made)
            known.update(made)
            self.computed += len(part)
        if held:
            tick(0)
        return np.stack([known[k] for k in keys])

    @property
    def in_windows(self) -> int:
        """How many texts were longer than the model's window when they were embedded."""
        return int(getattr(self.inner, "in_windows", 0))

    def missing(self, texts: Sequence[str], kind: Kind = "document") -> int:
        """How many distinct texts would have to be embedded."""
        if not self._file.path.exists():
            return len(set(texts))
        keys = list({digest(kind, t) for t in texts})
        return len(keys) - len(self._file.known(keys))

    def encode_tokens(self, texts: Sequence[str], kind: Kind = "document") -> list[Array]:
        """As the encoder gives them; vectors of whole documents, which come with them, are kept."""
        if kind == "query" or not texts:
            return self.inner.encode_tokens(texts, kind)
        vectors, tokens = self.inner.encode_both(texts, kind)
        made = {digest(kind, t): v for t, v in zip(texts, vectors, strict=True)}
        known = self._file.known(list(made))
        new = {key: vector for key, vector in made.items() if key not in known}
        self._file.keep(new)
        self.computed += len(new)
        return tokens
