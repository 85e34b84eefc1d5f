"""Re-rankers: score (query, text) pairs again, better and slower."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ragtune.models.encoder import Array, TextEncoder
from ragtune.models.names import ModelRef
from ragtune.models.pairs import PairModel
from ragtune.retrieval.parts import RerankSettings
from ragtune.store import Store, digest

#: (what is done, of how many) -> a block of work that tells how many are done
Stage = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
#: texts whose tokens are embedded in one go
PART = 256


class Reranker(Protocol):
    """Scores of texts for one query, in their order; higher is better."""

    def warm(self, queries: Sequence[str]) -> None:
        """Do work that many queries can share, before they are scored one by one."""
        ...

    def score(self, query: str, texts: Sequence[str]) -> list[float]: ...


class LateInteraction:
    """MaxSim over the embedder's token vectors (Khattab and Zaharia, ColBERT, SIGIR 2020).

    The score is the mean over query tokens of the best cosine similarity with any token of the text. Token
    vectors of texts are kept in the store as one memory-mapped float16 artifact per set of texts.
    """

    def __init__(self, encoder: TextEncoder, store: Store | None = None) -> None:
        self._encoder = encoder
        self._store = store
        self._tokens: dict[str, Array] = {}
        self._queries: dict[str, Array] = {}

    def warm(self, queries: Sequence[str]) -> None:
        new = [q for q in dict.fromkeys(queries) if q not in self._queries]
        self._queries = {q: v for q, v in self._queries.items() if q in set(queries)}  # only the batch at hand is kept
        self._queries.update(zip(new, self._encoder.encode_tokens(new, "query"), strict=True))

    def prepare(self, texts: Sequence[str], stage: Stage | None = None) -> None:
        """Embed the tokens of all ``texts``, or map them from the store if that was done before. ``stage`` is told how far that is."""
        distinct = list(dict.fromkeys(texts))
        key = digest(self._encoder.fingerprint, distinct)
        folder = self._store.find("tokens", key) if self._store else None
        if folder is None:
            vectors: list[npt.NDArray[np.float16]] = []
            with (
                stage("embed chunks and their tokens", len(distinct)) if stage else nullcontext(lambda n: None) as tick
            ):
                for at in range(0, len(distinct), PART):
                    made_of = self._encoder.encode_tokens(distinct[at : at + PART])
                    vectors += [v.astype(np.float16) for v in made_of]
                    tick(len(made_of))
            if self._store:
                with self._store.create("tokens", key) as made:
                    np.save(made / "vectors.npy", np.concatenate(vectors))
                    np.save(made / "lengths.npy", np.array([len(v) for v in vectors]))
                folder = self._store.path("tokens", key)
            self._tokens.update({t: np.asarray(v, np.float32) for t, v in zip(distinct, vectors, strict=True)})
        if folder is not None:
            self._map(folder, distinct)

    def _map(self, folder: Path, texts: Sequence[str]) -> None:
        flat = np.load(folder / "vectors.npy", mmap_mode="r")
        ends = np.cumsum(np.load(folder / "lengths.npy"))
        for text, start, end in zip(texts, [0, *ends[:-1]], ends, strict=True):
            self._tokens[text] = flat[start:end]

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        unknown = [t for t in texts if t not in self._tokens]
        if unknown:
            self.prepare(unknown)
        if query not in self._queries:
            self.warm([query])
        wanted = self._queries[query]
        return [float((wanted @ np.asarray(self._tokens[t], np.float32).T).max(axis=1).mean()) for t in texts]


class CrossEncoderReranker:
    """Any sentence-transformers CrossEncoder; of several labels the last is the most relevant."""

    def __init__(self, ref: ModelRef, device: str = "auto") -> None:
        self._pairs = PairModel(ref, device)

    def warm(self, queries: Sequence[str]) -> None:
        """Nothing is shared: every pair is scored on its own."""

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        return self._pairs.relevance([(query, t) for t in texts])


@dataclass(frozen=True)
class Parts:
    """What a re-ranker may be made of: its settings, the texts it will score, the embedder, the store, model names, and what is
    told how far long work is."""

    settings: RerankSettings
    texts: Sequence[str]
    encoder: TextEncoder
    store: Store
    ref: Callable[[str], ModelRef]
    stage: Stage | None = None


def _late_interaction(parts: Parts) -> Reranker:
    made = LateInteraction(parts.encoder, parts.store)
    made.prepare(parts.texts, parts.stage)
    return made


def _cross_encoder(parts: Parts) -> Reranker:
    return CrossEncoderReranker(parts.ref(parts.settings.model))


#: by `RerankSettings.kind`
RERANKERS: dict[str, Callable[[Parts], Reranker]] = {
    "late-interaction": _late_interaction,
    "cross-encoder": _cross_encoder,
}


def own_model(settings: RerankSettings) -> str | None:
    """The model that the re-ranker loads beside the embedder, if any."""
    return None if settings.kind == "late-interaction" else settings.model
