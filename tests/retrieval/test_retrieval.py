from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA, build_tiny
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ragtune.corpus.chunking import ChunkSettings, chunk_document
from ragtune.errors import ExperimentError, ModelError, StoreError
from ragtune.models.encoder import CachedEncoder, SentenceEncoder, unit
from ragtune.models.names import resolve
from ragtune.models.tokens import token_spans
from ragtune.records import Chunk, Document, Evidence, Hit, Question
from ragtune.retrieval import lexical
from ragtune.retrieval.dense import DenseIndex, choose_kind, gpu_count
from ragtune.retrieval.fuse import fuse, reciprocal_rank, weighted
from ragtune.retrieval.lexical import build_lexical
from ragtune.retrieval.measure import measure_retrieval
from ragtune.retrieval.parts import FusionSettings, IndexSettings, LexicalSettings, RerankSettings
from ragtune.retrieval.rerank import CrossEncoderReranker, LateInteraction
from ragtune.retrieval.retriever import Retriever
from ragtune.retrieval.settings import RetrievalSettings
from ragtune.store import Store, digest
from ragtune.text.languages import language
from ragtune.text.words import search_terms

TEXTS = [
    "The cat sleeps on the red sofa.",
    "Invoices are paid on day 30.",
    "Ferries leave at noon.",
    "The dog sleeps in the garden.",
    "今天的会议在三点开始。",
    "我们去公园散步。",
]


def chunks(texts: list[str] = TEXTS) -> list[Chunk]:
    return [
        Chunk(f"c{i}", f"d{i}", 0, len(t), t, "", {"team": "pets" if i in (0, 3) else "office", "tags": ["x", str(i)]})
        for i, t in enumerate(texts)
    ]


def asked(*texts: str) -> list[Question]:
    return [Question(str(n), text) for n, text in enumerate(texts)]


# --- encoder -------------------------------------------------------------------------------------------------


def test_vectors_are_unit_and_do_not_depend_on_company(minilm: SentenceEncoder) -> None:
    together = minilm.encode(TEXTS)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for i in (0, 4):
        assert np.array_equal(minilm.encode([TEXTS[i]])[0], together[i])
    assert minilm.encode([]).shape == (0, 0)


def test_vectors_are_those_of_sentence_transformers(minilm: SentenceEncoder) -> None:
    theirs = minilm.model.encode(TEXTS, normalize_embeddings=True)
    assert np.abs(minilm.encode(TEXTS) - theirs).max() < 1e-5


def test_each_distinct_text_is_embedded_once_ever(minilm: SentenceEncoder, tmp_path: Path) -> None:
    cache = CachedEncoder(minilm, tmp_path)
    first = cache.encode([*TEXTS, TEXTS[0]])
    assert cache.computed == len(TEXTS)
    again = CachedEncoder(minilm, tmp_path)
    assert again.missing([*TEXTS, "new"]) == 1
    assert np.array_equal(again.encode(TEXTS), first[:-1])
    assert (again.computed, again.reused) == (0, len(TEXTS))
    again.encode(TEXTS[:1], "query")
    assert again.computed == 1  # queries may carry another prompt


def test_tokens_and_vectors_come_from_one_reading(minilm: SentenceEncoder, tmp_path: Path) -> None:
    texts = [*TEXTS, " ".join(f"Cat number {n} sleeps." for n in range(200))]  # the last is read in windows
    wanted, tokens = minilm.encode(texts), minilm.encode_tokens(texts)
    cache = CachedEncoder(minilm, tmp_path)
    before = minilm.texts_encoded
    assert all(np.array_equal(a, b) for a, b in zip(cache.encode_tokens(texts), tokens, strict=True))
    read = minilm.texts_encoded - before
    assert np.array_equal(cache.encode(texts), wanted)
    assert minilm.texts_encoded == before + read  # their vectors came with the tokens
    assert cache.computed == len(texts)
    cache.encode_tokens(texts[:1], "query")
    assert cache.missing(texts[:1], "query") == 1  # a query is another text
    assert [len(rows) for rows in minilm.encode_both([])] == [0, 0]


def test_a_fresh_query_is_embedded_past_the_cache_and_not_kept(minilm: SentenceEncoder, tmp_path: Path) -> None:
    cache = CachedEncoder(minilm, tmp_path)
    wanted = cache.encode(TEXTS[:1], "query")
    before = minilm.texts_encoded
    with cache.fresh():
        assert np.array_equal(cache.encode(TEXTS[:1], "query"), wanted)
        assert minilm.texts_encoded == before + 1
        cache.encode(["Which walrus sings?"], "query")
        cache.encode(["The walrus sings."], "document")
    assert cache.missing(["Which walrus sings?"], "query") == 1
    assert cache.missing(["The walrus sings."], "document") == 0  # documents are kept as ever
    cache.encode(TEXTS[:1], "query")
    assert minilm.texts_encoded == before + 3


def test_a_damaged_vector_file_is_made_anew(minilm: SentenceEncoder, tmp_path: Path) -> None:
    cache = CachedEncoder(minilm, tmp_path)
    wanted = cache.encode(TEXTS)
    [file] = tmp_path.glob("*.sqlite")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    again = CachedEncoder(minilm, tmp_path)
    assert np.array_equal(again.encode(TEXTS), wanted)
    file.write_bytes(b"not a database at all" * 100)
    assert np.array_equal(CachedEncoder(minilm, tmp_path).encode(TEXTS), wanted)


def test_an_embedder_that_does_not_load_is_one_line(tmp_path: Path) -> None:
    folder = build_tiny("t5", tmp_path / "m")
    (folder / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="could not be loaded"):
        _ = SentenceEncoder(resolve(str(folder))).model
    with pytest.raises(ModelError, match="not in the local cache"):
        _ = SentenceEncoder(resolve("nobody/nothing-here")).model


# --- dense ---------------------------------------------------------------------------------------------------


def vectors(n: int = 400, dim: int = 16) -> np.ndarray:
    return unit(np.random.default_rng(0).normal(size=(n, dim)).astype(np.float32))


@pytest.mark.parametrize("kind", ["exact", "hnsw", "ivf", "ivfpq"])
def test_indexes_find_neighbours_and_survive_saving(kind: str, tmp_path: Path) -> None:
    data = vectors()
    index = DenseIndex.build(data, [str(i) for i in range(len(data))], IndexSettings(kind=kind, probes=50))  # type: ignore[arg-type]
    index.save(tmp_path)
    loaded = DenseIndex.load(tmp_path)
    _, rows = loaded.search(data[:50], 10)
    found = np.mean([i in r for i, r in enumerate(rows)])
    assert found >= (0.9 if kind != "ivfpq" else 0.6)
    allowed = np.arange(0, 400, 2)
    _, rows = loaded.search(data[:20], 5, allowed)
    assert all(r % 2 == 0 for row in rows for r in row if r >= 0)


def test_exact_search_is_inner_product() -> None:
    data = vectors(50)
    scores, rows = DenseIndex.build(data, list(map(str, range(50))), IndexSettings()).search(data[:5], 3)
    truth = data[:5] @ data.T
    assert np.array_equal(rows, np.argsort(-truth, axis=1)[:, :3])
    assert np.allclose(scores[:, 0], 1, atol=1e-5)


def test_kind_follows_size_unless_set() -> None:
    assert [choose_kind(n, IndexSettings()) for n in (10, 100_000, 1_000_000, 10_000_000)] == [
        "exact",
        "hnsw",
        "ivf",
        "ivfpq",
    ]
    assert choose_kind(10, IndexSettings(kind="ivf")) == "ivf"


def test_a_damaged_index_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "index.faiss").write_bytes(b"junk")
    (tmp_path / "ids.json").write_text("[]")
    with pytest.raises(StoreError, match="damaged"):
        DenseIndex.load(tmp_path)


@pytest.mark.gpu
@pytest.mark.skipif(gpu_count() == 0, reason="no GPU, or faiss without GPU support")
def test_gpu_search_agrees_with_cpu(tmp_path: Path) -> None:
    data = vectors(1000)
    index = DenseIndex.build(data, list(map(str, range(1000))), IndexSettings())
    index.save(tmp_path)
    assert np.array_equal(DenseIndex.load(tmp_path).search(data[:50], 5)[1], index.search(data[:50], 5)[1])


# --- lexical and fusion --------------------------------------------------------------------------------------


def test_both_bm25_engines_rank_alike() -> None:
    texts = [*TEXTS, "The red cat and the red dog.", "Ferries, ferries, ferries leave.", "Nothing in common"]
    fast, plain = (build_lexical(texts, LexicalSettings(engine=e)) for e in ("bm25s", "rank-bm25"))  # type: ignore[arg-type]
    for query in ("red cat", "when do ferries leave", "sleeping dogs", "会议几点开始", "公园"):
        a, b = fast.scores(query), plain.scores(query)
        assert list(np.argsort(-a, kind="stable")) == list(np.argsort(-b, kind="stable"))
        assert (a > 0).tolist() == (b > 0).tolist()
        assert a.max() > 0


def test_unknown_and_empty_queries_score_nothing() -> None:
    for engine in ("bm25s", "rank-bm25"):
        index = build_lexical(["", "the of"], LexicalSettings(engine=engine))  # type: ignore[arg-type]
        assert index.scores("zebra").tolist() == [0, 0]
        assert index.scores("").tolist() == [0, 0]


def test_chinese_is_cut_into_characters_and_pairs() -> None:
    assert search_terms("我爱猫 Running") == ["我", "爱", "我爱", "猫", "爱猫", "run"]
    assert search_terms("Running", stems=False) == ["running"]


rankings = st.lists(
    st.lists(st.integers(0, 20), unique=True, max_size=10).map(lambda r: [(i, float(-n)) for n, i in enumerate(r)]),
    min_size=1,
    max_size=3,
)


@given(rankings)
def test_fusion_keeps_exactly_the_rows_and_ignores_order_of_rankings(lists: list[list[tuple[int, float]]]) -> None:
    rows = {i for r in lists for i, _ in r}
    fused = reciprocal_rank(lists)
    assert {i for i, _ in fused} == rows
    again = dict(reciprocal_rank(lists[::-1]))
    assert all(abs(score - again[i]) < 1e-12 for i, score in fused)
    mixed = weighted(lists, [1.0] * len(lists))
    assert {i for i, _ in mixed} == rows
    assert all(0 <= s <= len(lists) for _, s in mixed)


def test_rrf_by_hand_and_settings() -> None:
    a, b = [(1, 9.0), (2, 8.0)], [(2, 0.9), (3, 0.1)]
    assert reciprocal_rank([a, b], 60) == [(2, 1 / 62 + 1 / 61), (1, 1 / 61), (3, 1 / 62)]
    assert fuse(a, b, FusionSettings())[0][0] == 2
    assert fuse(a, b, FusionSettings(by="weighted", dense_weight=1.0))[0][0] == 1


# --- rerank and retriever ------------------------------------------------------------------------------------


def test_late_interaction_is_maxsim_and_is_stored(minilm: SentenceEncoder, tmp_path: Path) -> None:
    store = Store(tmp_path)
    ranker = LateInteraction(minilm, store)
    ranker.prepare(TEXTS)
    scores = ranker.score("Where does the cat sleep?", TEXTS)
    assert int(np.argmax(scores)) == 0
    query, text = minilm.encode_tokens(["Where does the cat sleep?"], "query")[0], minilm.encode_tokens([TEXTS[0]])[0]
    assert scores[0] == pytest.approx(float((query @ text.T).max(axis=1).mean()), abs=2e-3)  # float16 in the store
    before = minilm.texts_encoded
    again = LateInteraction(minilm, store)
    again.prepare(TEXTS)
    assert minilm.texts_encoded == before
    assert again.score("Where does the cat sleep?", TEXTS) == scores


def test_cross_encoder_from_a_folder(tmp_path: Path) -> None:
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    tokenizer = AutoTokenizer.from_pretrained(resolve("bundled:minilm").location)
    for labels in (1, 3):
        folder = tmp_path / f"ce{labels}"
        BertForSequenceClassification(
            BertConfig(
                vocab_size=len(tokenizer),
                hidden_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=16,
                num_labels=labels,
            )
        ).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        ranker = CrossEncoderReranker(resolve(str(folder)))
        ranker.warm(["q"])
        scores = ranker.score("cat", TEXTS[:3])
        assert len(scores) == 3
        assert all(np.isfinite(scores))
        long = " ".join(f"cat number {n} sleeps" for n in range(400))
        parts = ranker._pairs.windows(long, beside="cat")
        assert len(parts) > 1
        assert " ".join(parts).split() == long.split()
        assert ranker.score("cat", [long]) == pytest.approx([max(ranker.score("cat", parts))], abs=1e-5)
    with pytest.raises(ModelError, match="not in the local cache"):
        CrossEncoderReranker(resolve("nobody/none")).score("a", ["b"])


def build(minilm: SentenceEncoder, settings: RetrievalSettings, texts: list[str] = TEXTS) -> Retriever:
    made = chunks(texts)
    dense = (
        DenseIndex.build(minilm.encode(texts), [c.id for c in made], settings.dense.index) if settings.dense else None
    )
    lexical = build_lexical(texts, settings.lexical) if settings.lexical else None
    reranker = LateInteraction(minilm) if settings.rerank else None
    return Retriever(made, settings, encoder=minilm, dense=dense, lexical=lexical, reranker=reranker)


@pytest.mark.parametrize(
    "settings",
    [
        RetrievalSettings(top_k=2),
        RetrievalSettings(dense=None, lexical=LexicalSettings(), top_k=2),
        RetrievalSettings(lexical=LexicalSettings(), top_k=2),
        RetrievalSettings(
            lexical=LexicalSettings(),
            fusion=FusionSettings(by="weighted"),
            rerank=RerankSettings(candidates=3),
            top_k=2,
        ),
    ],
)
def test_every_composition_finds_the_right_chunk(minilm: SentenceEncoder, settings: RetrievalSettings) -> None:
    found = build(minilm, settings).hits(asked("Where does the cat sleep?", "When do the ferries leave?"))
    assert [h[0].chunk.id for h in found] == ["c0", "c2"]
    assert [h.rank for h in found[0]] == list(range(1, len(found[0]) + 1))
    assert build(minilm, settings).hits([]) == []


def test_what_several_queries_find_is_ranked_by_the_question(minilm: SentenceEncoder) -> None:
    question, other = "Where does the cat sleep?", "When do the ferries leave?"
    settings = RetrievalSettings(lexical=LexicalSettings(), rerank=RerankSettings(candidates=6), top_k=2)
    ranked = build(minilm, settings)
    [alone] = ranked.hits(asked(question))
    [several] = ranked.hits_by(asked(question), [[question, other, other + " Where?"]])
    assert several[0].chunk.id == "c0"
    assert several[0].score == alone[0].score
    plain = build(minilm, RetrievalSettings(lexical=LexicalSettings(), top_k=2))
    [fused] = plain.hits_by(asked(question), [[other, question]])
    assert {h.chunk.id for h in fused} == {"c2", "c0"}
    [rewritten] = plain.hits_by(asked(question), [[other]])
    assert rewritten[0].chunk.id == "c2"


def test_metadata_filters_hold_for_dense_and_lexical(minilm: SentenceEncoder) -> None:
    settings = RetrievalSettings(lexical=LexicalSettings(), top_k=6, where={"team": ["office", "lab"], "tags": "2"})
    [hits] = build(minilm, settings).hits(asked("Where does the cat sleep?"))
    assert [h.chunk.id for h in hits] == ["c2"]
    with pytest.raises(ExperimentError, match="no chunk matches"):
        build(minilm, RetrievalSettings(where={"team": "none"}))


def test_settings_need_some_way_to_search() -> None:
    with pytest.raises(ValidationError, match="needs dense, lexical, or both"):
        RetrievalSettings.model_validate({"dense": False})
    assert RetrievalSettings.model_validate({"lexical": True, "rerank": "none"}).lexical == LexicalSettings()


# --- measures ------------------------------------------------------------------------------------------------


def test_measures_by_hand() -> None:
    document = Document("d", "alpha beta gamma delta")
    parts = [
        Chunk("a", "d", 0, 10, document.text[:10]),
        Chunk("b", "d", 11, 16, "gamma"),
        Chunk("c", "d", 17, 22, "delta"),
    ]
    two = Question("q", "?", ("x",), (Evidence("d", 12, 14), Evidence("d", 18, 20)))
    none = Question("n", "?", ())
    hits = [Hit(parts[0], 3, 1), Hit(parts[1], 2, 2), Hit(parts[2], 1, 3)]
    values = measure_retrieval([two, none], [hits, hits], parts)
    assert values["recall@1"] == [0.0]
    assert values["recall@3"] == [1.0]
    assert values["success@1"] == [0.0]
    assert values["RR@10"] == [0.5]
    ideal = 1 + 1 / np.log2(3)
    assert values["nDCG@10"][0] == pytest.approx((1 / np.log2(3) + 0.5) / ideal)
    assert measure_retrieval([two], [[]], parts)["recall@10"] == [0.0]


@pytest.mark.skipif(not (DATA / "xquad").exists(), reason="XQuAD is not at hand")
def test_chinese_questions_find_their_paragraph_lexically() -> None:
    data = json.loads((DATA / "xquad" / "xquad.zh.json").read_text("utf-8"))
    paragraphs = [p for a in data["data"] for p in a["paragraphs"]]
    index = build_lexical([p["context"] for p in paragraphs], LexicalSettings())
    asked = [(q["question"], i) for i, p in enumerate(paragraphs) for q in p["qas"]]
    right = sum(int(np.argmax(index.scores(q))) == i for q, i in asked)
    assert right / len(asked) > 0.85


def test_token_offsets_without_the_model(tiny_models: dict[str, Path]) -> None:
    text = "Head keeper: 27 days."
    for ref in (resolve("bundled:minilm"), resolve(str(tiny_models["qwen2"]))):
        spans = token_spans(ref).spans(text)
        assert "".join(text[a:b] for a, b in spans).replace(" ", "") == text.replace(" ", "")
    assert chunk_document(Document("d", text), ChunkSettings(), token_spans(resolve("bundled:minilm")))[0].text == text


@pytest.mark.parametrize("kind", ["exact", "hnsw", "ivf", "ivfpq"])
@pytest.mark.parametrize("allowed", [1, 5, 40, 1000])
def test_under_a_filter_all_that_is_allowed_is_found(kind: str, allowed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    vectors = unit(rng.standard_normal((4000, 16)))
    queries = unit(rng.standard_normal((200, 16)))
    index = DenseIndex.build(vectors, [str(n) for n in range(4000)], IndexSettings(kind=kind))
    kept = rng.choice(4000, allowed, replace=False).astype(np.int64)
    scores, rows = index.search(queries, 5, kept)
    wanted = min(5, allowed)
    assert (rows[:, :wanted] >= 0).all()
    assert (rows[:, wanted:] == -1).all()
    assert np.isin(rows[:, :wanted], kept).all()
    assert (np.diff(scores[:, :wanted], axis=1) <= 1e-6).all()
    best = np.sort(kept)[np.argsort(-(queries @ vectors[np.sort(kept)].T), axis=1)[:, :wanted]]
    recall = np.mean([len(set(a) & set(b)) / wanted for a, b in zip(rows[:, :wanted], best, strict=True)])
    assert recall >= (0.6 if kind == "ivfpq" else 1.0)


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_under_a_wide_filter_the_index_itself_is_walked(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragtune.retrieval.dense.EXACTLY", 0)
    monkeypatch.setattr("ragtune.retrieval.dense.EXACTLY_PER_HIT", 50)
    rng = np.random.default_rng(0)
    vectors, queries = unit(rng.standard_normal((4000, 16))), unit(rng.standard_normal((100, 16)))
    index = DenseIndex.build(vectors, [str(n) for n in range(4000)], IndexSettings(kind=kind))
    kept = np.arange(0, 4000, 2, dtype=np.int64)
    rows = index.search(queries, 5, kept)[1]
    best = kept[np.argsort(-(queries @ vectors[kept].T), axis=1)[:, :5]]
    recall = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(rows, best, strict=True)])
    assert (rows >= 0).all()
    assert recall > 0.6


@pytest.mark.parametrize("kind", ["exact", "ivf", "ivfpq"])
@pytest.mark.parametrize("allowed", [40, 3000])
def test_a_filter_reaches_no_index_on_a_gpu(
    kind: str, allowed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import faiss

    from ragtune.retrieval import dense

    class OnGpu:
        """As FAISS's own on a GPU: it searches, takes no selector and gives no vectors back."""

        def __init__(self, index: object) -> None:
            self.index, self.searched = index, 0

        def search(self, queries: object, k: int, params: object = None) -> object:
            if params is not None:
                raise RuntimeError("GpuIndex does not support search parameters with a selector")
            self.searched += 1
            return self.index.search(queries, k)  # type: ignore[attr-defined]

    vectors = unit(np.random.default_rng(0).normal(size=(4000, 16)).astype(np.float32))
    built = DenseIndex.build(vectors, [str(n) for n in range(4000)], IndexSettings(kind=kind))  # type: ignore[arg-type]
    built.save(tmp_path)
    monkeypatch.setattr(dense, "EXACTLY", 100)
    monkeypatch.setattr(dense, "EXACTLY_PER_HIT", 1)
    monkeypatch.setattr(dense, "gpu_count", lambda: 1)
    made: list[OnGpu] = []
    monkeypatch.setattr(
        faiss, "index_cpu_to_all_gpus", lambda index: made.append(OnGpu(index)) or made[-1], raising=False
    )
    loaded, rows = DenseIndex.load(tmp_path), np.arange(0, allowed)
    for a, b in zip(loaded.search(vectors[:5], 4, rows), built.search(vectors[:5], 4, rows), strict=True):
        assert np.allclose(a, b, atol=1e-5)
    assert made[0].searched == 0
    assert np.array_equal(loaded.search(vectors[:5], 4)[1], built.search(vectors[:5], 4)[1])
    assert made[0].searched == 1


def test_terms_are_kept_and_scores_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, settings = Store(tmp_path), LexicalSettings()
    fresh = build_lexical(TEXTS, settings, store).scores("Where does the cat sleep?")
    monkeypatch.setattr("ragtune.retrieval.lexical.search_terms", lambda text, stems: pytest.fail("read again"))
    made = build_lexical(TEXTS, settings, store)
    monkeypatch.undo()
    assert np.array_equal(made.scores("Where does the cat sleep?"), fresh)


def test_a_store_that_cannot_be_written_still_answers(tmp_path: Path) -> None:
    (tmp_path / "terms").write_text("a file stands in the way")
    assert build_lexical(TEXTS, LexicalSettings(), Store(tmp_path)).scores("ferries").argmax() == 2


def test_other_terms_need_another_version() -> None:
    """Terms are kept under `TERMS_VERSION`: raise it when these change."""
    texts = ["The gates of 18 harbours aren't open.", "Die Tore der Häfen sind zu.", "港口的大门", "C++ and X-ray"]
    found = [term for text in texts for term in search_terms(text)]
    assert lexical.TERMS_VERSION == 1
    assert found == [
        "gate",
        "18",
        "harbour",
        "aren't",
        "open",
        "tear",
        "hafen",
        "港",
        "口",
        "港口",
        "的",
        "口的",
        "大",
        "的大",
        "门",
        "大门",
        "c",
        "x",
        "ray",
    ]
    lists = [[sorted(language(c).search_stop), sorted(language(c).irregular.items())] for c in ("en", "de")]
    assert digest(lists) == "d5fd6f1a8d24d0b77931"


class Told:
    """A stage that is told how far work is."""

    def __init__(self) -> None:
        self.labels: list[tuple[str, int]] = []
        self.done: list[int] = []

    @contextmanager
    def stage(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        self.labels.append((label, total))
        yield self.done.append


def test_embedding_for_the_first_time_is_told(minilm: SentenceEncoder, tmp_path: Path) -> None:
    told, store = Told(), Store(tmp_path)
    LateInteraction(minilm, store).prepare([*TEXTS, TEXTS[0]], told.stage)
    assert told.labels == [("embed chunks and their tokens", len(TEXTS))]
    assert sum(told.done) == len(TEXTS)
    LateInteraction(minilm, store).prepare([*TEXTS, TEXTS[0]], told.stage)  # stored: nothing to tell
    assert len(told.labels) == 1
    ticks: list[int] = []
    cached = CachedEncoder(minilm, tmp_path / "vectors")
    cached.encode(TEXTS[:2])
    cached.encode(TEXTS, "document", ticks.append)
    assert ticks[0] > 2  # what was known comes with the first that is embedded
    assert sum(ticks) == len(TEXTS)
    cached.encode(TEXTS, "document", ticks.append)
    assert ticks[-1] == len(TEXTS)
