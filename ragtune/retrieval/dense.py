"""FAISS indexes over unit vectors with inner product (cosine similarity)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ragtune.errors import StoreError
from ragtune.models.encoder import Array
from ragtune.retrieval.parts import IndexSettings

Ids = npt.NDArray[np.int64]


def choose_kind(size: int, settings: IndexSettings) -> str:
    if settings.kind != "auto":
        return settings.kind
    if size <= 50_000:
        return "exact"
    if size <= 500_000:
        return "hnsw"
    return "ivf" if size <= 5_000_000 else "ivfpq"


def gpu_count() -> int:
    """GPUs that this build of FAISS can use."""
    import faiss

    return int(faiss.get_num_gpus()) if hasattr(faiss, "get_num_gpus") and hasattr(faiss, "StandardGpuResources") else 0


def _exact(vectors: Array, settings: IndexSettings, seed: int) -> Any:
    import faiss

    return faiss.IndexFlatIP(vectors.shape[1])


def _hnsw(vectors: Array, settings: IndexSettings, seed: int) -> Any:
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], settings.hnsw_links, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 200
    index.hnsw.efSearch = settings.ef_search
    return index


def _ivf(vectors: Array, settings: IndexSettings, seed: int) -> Any:
    import faiss

    lists = _lists(len(vectors))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(vectors.shape[1]), vectors.shape[1], lists, faiss.METRIC_INNER_PRODUCT)
    return _trained(index, vectors, settings, seed)


def _ivfpq(vectors: Array, settings: IndexSettings, seed: int) -> Any:
    import faiss

    n, dim = vectors.shape
    parts = next(m for m in (64, 48, 32, 24, 16, 8, 4, 2, 1) if dim % m == 0)
    bits = 8 if n >= 256 * 39 else 4
    index = faiss.IndexIVFPQ(faiss.IndexFlatIP(dim), dim, _lists(n), parts, bits, faiss.METRIC_INNER_PRODUCT)
    return _trained(index, vectors, settings, seed)


def _lists(n: int) -> int:
    return max(1, min(int(4 * n**0.5), n // 39 or 1))


def _trained(index: Any, vectors: Array, settings: IndexSettings, seed: int) -> Any:
    index.cp.seed = seed + 1
    index.cp.min_points_per_centroid = 1
    index.nprobe = settings.probes
    index.train(vectors)
    return index


#: an empty FAISS index for vectors of shape (n, dim), by `IndexSettings.kind`
INDEXES: dict[str, Callable[[Array, IndexSettings, int], Any]] = {
    "exact": _exact,
    "hnsw": _hnsw,
    "ivf": _ivf,
    "ivfpq": _ivfpq,
}


#: so many allowed rows are all compared: a graph or lists that are walked for the near ones may meet few of them, or none
EXACTLY, EXACTLY_PER_HIT = 20_000, 50


class DenseIndex:
    """A FAISS index with the ids of its vectors; saved as ``index.faiss`` and ``ids.json``.

    ``on_gpu`` is a copy of it on GPUs, which searches among all vectors; some allowed rows are chosen on the CPU, since an
    index on a GPU takes no selector and gives single vectors back slowly or not at all.
    """

    def __init__(self, index: Any, ids: Sequence[str], on_gpu: Any = None) -> None:
        self._index, self._on_gpu = index, on_gpu
        self.ids = list(ids)

    @classmethod
    def build(cls, vectors: Array, ids: Sequence[str], settings: IndexSettings, seed: int = 0) -> DenseIndex:
        """Index ``vectors``, shape (n, dim), float32, unit length; ``ids[i]`` names row i."""
        index = INDEXES[choose_kind(len(vectors), settings)](vectors, settings, seed)
        index.add(np.ascontiguousarray(vectors))
        return cls(index, ids)

    def save(self, folder: Path) -> None:
        import faiss

        faiss.write_index(self._index, str(folder / "index.faiss"))
        (folder / "ids.json").write_text(json.dumps(self.ids), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> DenseIndex:
        """Open a saved index, memory-mapped; on a GPU where faiss-gpu finds one.

        Raises:
            StoreError: the files are missing or damaged.
        """
        import faiss

        try:
            index = faiss.read_index(str(folder / "index.faiss"), faiss.IO_FLAG_MMAP)
            ids = json.loads((folder / "ids.json").read_text("utf-8"))
        except (RuntimeError, OSError, ValueError) as error:
            raise StoreError(
                "this index is damaged.", where=folder, fix="Run the experiment again; it is made anew."
            ) from error
        on_gpu = None
        if gpu_count() and not isinstance(index, faiss.IndexHNSW):
            on_gpu = faiss.index_cpu_to_all_gpus(faiss.read_index(str(folder / "index.faiss")))
        return cls(index, ids, on_gpu)

    def search(self, queries: Array, k: int, allowed: Ids | None = None) -> tuple[Array, Ids]:
        """(scores, rows), each of shape (queries, k); row -1 where there are fewer than k."""
        import faiss as library

        faiss: Any = library  # its type stubs lack the search parameters
        k = min(k, len(self.ids))
        if allowed is None:
            index = self._index if self._on_gpu is None else self._on_gpu
            scores, rows = index.search(np.ascontiguousarray(queries), k)
            return scores, rows
        if len(allowed) <= max(EXACTLY, k * EXACTLY_PER_HIT):
            found = self._exactly(queries, k, allowed)
            if found is not None:
                return found
        selector = faiss.IDSelectorBatch(np.ascontiguousarray(allowed, dtype=np.int64))
        if isinstance(self._index, faiss.IndexIVF):
            params: Any = faiss.SearchParametersIVF(sel=selector, nprobe=self._index.nprobe)
        elif isinstance(self._index, faiss.IndexHNSW):
            params = faiss.SearchParametersHNSW(sel=selector, efSearch=max(self._index.hnsw.efSearch, k))
        else:
            params = faiss.SearchParameters(sel=selector)
        scores, rows = self._index.search(np.ascontiguousarray(queries), k, params=params)
        return scores, rows

    def _exactly(self, queries: Array, k: int, allowed: Ids) -> tuple[Array, Ids] | None:
        """As `search`, by comparing every allowed row; None where the index cannot give its vectors back."""
        kept = np.sort(np.asarray(allowed, np.int64))
        try:
            if hasattr(self._index, "make_direct_map"):
                self._index.make_direct_map()
            vectors = np.stack([self._index.reconstruct(int(row)) for row in kept])
        except (RuntimeError, AttributeError):
            return None
        scores = np.full((len(queries), k), -np.inf, np.float32)
        rows = np.full((len(queries), k), -1, np.int64)
        found = np.asarray(queries, np.float32) @ vectors.T
        order = np.argsort(-found, axis=1, kind="stable")[:, :k]
        most = order.shape[1]
        scores[:, :most], rows[:, :most] = np.take_along_axis(found, order, axis=1), kept[order]
        return scores, rows
