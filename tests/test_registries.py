"""One conformance test per registry, run over every entry: what a new entry must do to be one."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from ragtune.corpus.chunking import CHUNKERS, ChunkSettings, chunk_document
from ragtune.corpus.formats import READERS
from ragtune.corpus.importers import IMPORTERS, import_corpus
from ragtune.corpus.load import CorpusSettings, load_corpus
from ragtune.errors import ExperimentError, RagtuneError
from ragtune.generation.generator import Request
from ragtune.generation.generators import GENERATORS, Named, Parts
from ragtune.generation.prompts import load_prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.judging.judges import JUDGES, make_judge, refuse_incomplete
from ragtune.judging.metrics import METRICS
from ragtune.judging.settings import JudgeSettings
from ragtune.judging.witness import NEEDS_LLM
from ragtune.models.causal import LanguageModel
from ragtune.models.encoder import SentenceEncoder, unit
from ragtune.models.names import resolve
from ragtune.models.tokens import token_spans
from ragtune.records import Answer, Chunk, Document, Evidence, Hit, Question, Row
from ragtune.retrieval import rerank, source
from ragtune.retrieval.dense import INDEXES, DenseIndex
from ragtune.retrieval.lexical import ENGINES
from ragtune.retrieval.parts import IndexSettings, LexicalSettings, RerankSettings
from ragtune.retrieval.settings import RetrievalSettings
from ragtune.store import Store
from ragtune.text.words import search_terms
from ragtune.tuning.batches import Encoded
from ragtune.tuning.job import TuneJob
from ragtune.tuning.recipes import RECIPES, Lesson
from ragtune.tuning.runners import RUNNERS
from ragtune.tuning.settings import LoraSettings, TuningSettings
from ragtune.tunings import TuneCost
from tests.judging.test_judges import cross_encoder
from tests.servers import Server

TEXTS = ["Tea is served at 15:30.", "The boat Sprat carries 12 people.", "Biscuits cost 2 euros."]
CHUNKS = [Chunk(f"c{n}", f"d{n}", 0, len(t), t) for n, t in enumerate(TEXTS)]
HITS = tuple(Hit(c, 1.0 / n, n) for n, c in enumerate(CHUNKS, 1))
ASKED = Question("q", "When is tea served?", ("15:30",), (Evidence("d0", 14, 22),), "train")
NONE = Question("n", "Who runs the moon?", (), (), "train")


# --- corpus ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", READERS)
def test_readers_give_documents_and_refuse_what_is_broken_in_one_line(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    text = {
        ".jsonl": '{"id": "x", "text": "Tea at noon."}\n',
        ".csv": "drink,time\nTea,noon\n",
        ".tsv": "drink\ttime\nTea\tnoon\n",
        ".html": "<p>Tea at noon.</p>",
        ".htm": "<p>Tea at noon.</p>",
    }.get(suffix, "Tea at noon.")
    if suffix == ".docx":
        import docx

        made = docx.Document()
        made.add_paragraph(text)
        made.save(str(path))
    elif suffix == ".pdf":
        path.write_bytes(b"no PDF at all")
        with pytest.raises(RagtuneError) as caught:
            READERS[suffix](path, "a")
        assert "\n" not in str(caught.value)
        return
    else:
        path.write_text(text, "utf-8")
    [document] = READERS[suffix](path, "a").documents
    assert "noon" in document.text
    json.dumps(dict(document.metadata))


@pytest.mark.parametrize("name", CHUNKERS)
def test_chunks_are_spans_of_their_document(name: str) -> None:
    document = Document("d", "# Tea\n\n" + "\n\n".join(f"{t} Again and again." for t in TEXTS * 5))
    tokens = token_spans(resolve("bundled:minilm"))
    found = chunk_document(document, ChunkSettings(by=name, size=24), tokens)  # type: ignore[arg-type]
    assert found
    assert all(c.text == document.text[c.start : c.end] for c in found)
    assert len({c.id for c in found}) == len(found)


def _sources(folder: Path) -> dict[str, Path]:
    rows = [{"question": "When is tea?", "answer": "15:30", "context": TEXTS[0]}]
    (folder / "q.jsonl").write_text(json.dumps(rows[0]) + "\n", "utf-8")
    with (folder / "q.csv").open("w", newline="", encoding="utf-8") as out:
        sheet = csv.DictWriter(out, rows[0])
        sheet.writeheader()
        sheet.writerows(rows)
    answer = {"text": "15:30", "answer_start": 17}
    paragraph = {"context": TEXTS[0], "qas": [{"id": "1", "question": "When is tea?", "answers": [answer]}]}
    (folder / "s.json").write_text(json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]}), "utf-8")
    (folder / "b" / "qrels").mkdir(parents=True)
    (folder / "b" / "corpus.jsonl").write_text('{"_id": "d", "text": "Tea is at noon."}\n', "utf-8")
    (folder / "b" / "queries.jsonl").write_text('{"_id": "q", "text": "When is tea?"}\n', "utf-8")
    (folder / "b" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n", "utf-8")
    (folder / "f").mkdir()
    (folder / "f" / "a.txt").write_text("Tea is at noon.", "utf-8")
    names = {"jsonl": "q.jsonl", "csv": "q.csv", "squad": "s.json", "beir": "b", "folder": "f"}
    return {kind: folder / name for kind, name in names.items()}


@pytest.mark.parametrize("kind", IMPORTERS)
def test_importers_make_a_corpus_that_loads(kind: str, tmp_path: Path) -> None:
    import_corpus(kind, _sources(tmp_path)[kind], tmp_path / "c")
    corpus = load_corpus(CorpusSettings(path=str(tmp_path / "c")))
    assert corpus.documents
    assert bool(corpus.questions) == (kind != "folder")
    assert all(q.evidence for q in corpus.questions)


# --- retrieval -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", INDEXES)
def test_indexes_find_what_was_put_in(kind: str, tmp_path: Path) -> None:
    data = unit(np.random.default_rng(0).normal(size=(400, 16)).astype(np.float32))
    settings = IndexSettings(kind=kind, probes=50)  # type: ignore[arg-type]
    DenseIndex.build(data, [str(i) for i in range(len(data))], settings).save(tmp_path)
    _, rows = DenseIndex.load(tmp_path).search(data[:50], 10)
    assert np.mean([i in row for i, row in enumerate(rows)]) >= 0.6


@pytest.mark.parametrize("engine", ENGINES)
def test_lexical_engines_score_every_text(engine: str) -> None:
    index = ENGINES[engine](list(map(search_terms, TEXTS)), LexicalSettings(engine=engine))  # type: ignore[arg-type]
    assert index.scores("When is tea served?").argmax() == 0
    assert index.scores("zebra").tolist() == [0.0] * len(TEXTS)


@pytest.mark.parametrize("kind", rerank.RERANKERS)
def test_rerankers_score_each_text_in_its_order(kind: str, minilm: SentenceEncoder, tmp_path: Path) -> None:
    model = "bundled:late-interaction" if kind == "late-interaction" else str(cross_encoder(tmp_path / "m", 1))
    settings = RerankSettings(model=model)
    assert settings.kind == kind
    assert (rerank.own_model(settings) is None) == (kind == "late-interaction")
    made = rerank.RERANKERS[kind](rerank.Parts(settings, TEXTS, minilm, Store(tmp_path / "s"), resolve))
    made.warm(["tea"])
    scores = made.score("tea", TEXTS)
    assert len(scores) == len(TEXTS)
    assert made.score("tea", TEXTS[::-1]) == pytest.approx(scores[::-1], abs=1e-4)


class _Search:
    reranking = 0.0

    def __init__(self, chunks: Sequence[Chunk] = CHUNKS) -> None:
        self._hits = [Hit(c, 1.0 / n, n) for n, c in enumerate(chunks, 1)]

    def hits(self, questions: list[Question], passages: object = ()) -> list[list[Hit]]:
        return [list(self._hits) for _ in questions]


@pytest.mark.parametrize("name", source.SOURCES)
def test_sources_turn_questions_into_ranked_hits(name: str) -> None:
    own = {"oracle": {"oracle": {"distractors": 2}}, "corpus": {"corpus": "other"}}.get(name, {})
    settings = RetrievalSettings.model_validate({"source": name, "top_k": 3, **own})
    chunks = [Chunk(f"c{n}", f"d{n}", 0, len(t), t) for n, t in enumerate([*TEXTS, "The captain is Ida Moen."])]
    tables = [Document("keys", "key: K-1; copies: 3\nkey: K-2; copies: 5")]
    parts = source.Parts(settings, chunks, _Search, _Search, documents=tables)  # type: ignore[arg-type]
    made = source.SOURCES[name](parts)
    found = made.hits([ASKED, NONE])
    assert len(found) == 2
    for hits in found:
        assert [h.rank for h in hits] == list(range(1, len(hits) + 1))
    assert made.hits([]) == []
    assert made.reranking >= 0


# --- generation ------------------------------------------------------------------------------------------------------


def _generators(folder: Path, tiny: Path, url: str) -> dict[str, GeneratorSettings]:
    row = {"id": "q", "question": ASKED.text, "answer": "15:30", "contexts": TEXTS[:1]}
    (folder / "a.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    (folder / "bot.py").write_text(
        "def answer(question):\n    return {'answer': '15:30', 'contexts': ['Tea is at 15:30.']}\n"
    )
    return {
        "local": GeneratorSettings(model=str(tiny), max_new_tokens=4),
        "endpoint": GeneratorSettings(model="m", endpoint=url, retries=0),
        "extractive": GeneratorSettings(model="extractive"),
        "given": GeneratorSettings(model="given", answers=str(folder / "a.jsonl")),
        "system": GeneratorSettings(system=f"{folder / 'bot.py'}:answer"),
    }


@pytest.mark.parametrize("kind", GENERATORS)
def test_generators_answer_each_request_once_and_name_what_they_depend_on(
    kind: str, tmp_path: Path, tiny_models: dict[str, Path]
) -> None:
    server = Server(lambda message: "15:30 [1]")
    settings = _generators(tmp_path, tiny_models["llama"], server.url)[kind]
    assert settings.kind == kind
    about = GENERATORS[kind]
    ref = resolve(settings.model) if kind == "local" else None
    made = about.make(Parts(settings, load_prompt("cited"), lambda: LanguageModel(ref, "cpu")))  # type: ignore[arg-type]
    requests = [Request("a", ASKED, HITS), Request("b", replace(ASKED, tags=("x",)), HITS[:1])]
    batches = made.batches(requests, 0)
    assert sorted(r.key for batch in batches for r in batch) == ["a", "b"]
    replies = dict(pair for batch in batches for pair in made.answer(batch, None, 0))
    assert set(replies) == {"a", "b"}
    assert all(reply.finish and reply.seconds >= 0 for reply in replies.values())
    assert (replies["a"].brought is not None) == about.brings_hits
    named = Named(settings, load_prompt("cited"), resolve)
    assert json.dumps(about.identity(named)) == json.dumps(about.identity(named))
    assert (about.covers(settings) is None) == (kind != "given")
    server.http.shutdown()


# --- tuning ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_teach_the_answer_or_to_abstain(name: str) -> None:
    recipe = RECIPES[name]
    settings = TuningSettings(train_on=name, without_right=0.0)  # type: ignore[arg-type]

    def teach(question: Question, right: tuple[Chunk, ...]) -> list[tuple[str, int]]:
        lesson = Lesson(
            question, HITS, len(HITS), lambda q, hits: hits, right, CHUNKS, {}, settings, "I don't know.", Random(0)
        )
        return [(item.target, len(item.hits)) for item in recipe.teach(lesson)]

    known, unknown = teach(ASKED, (CHUNKS[0],)), teach(NONE, ())
    assert all(target.startswith("15:30") for target, _ in known)
    assert all(target == "I don't know." for target, _ in unknown)
    assert all(bool(shown) == recipe.sees_contexts for _, shown in [*known, *unknown])


@pytest.mark.parametrize("name", RUNNERS)
def test_runners_store_every_adapter(name: str, tiny_models: dict[str, Path], tmp_path: Path) -> None:
    base = str(tiny_models["llama"])
    model = LanguageModel(resolve(base), "cpu")
    card = {"base": model.ref.fingerprint, "base_name": "tiny", "data": "x", "tuning": "closed-book"}
    settings = TuningSettings(train_on="closed-book", epochs=1, lora=LoraSettings(r=2))
    items = tuple(Encoded(tuple(range(10, 16)), (30 + n, 2)) for n in range(3))
    costs: list[TuneCost] = []

    def storing(folder: Path) -> Callable[[Callable[[Path, Path], TuneCost]], None]:
        def store(train: Callable[[Path, Path], TuneCost]) -> None:
            (folder / "scratch").mkdir(parents=True)
            costs.append(train(folder / "out", folder / "scratch"))

        return store

    jobs = [
        (TuneJob(model.ref, "cpu", "float32", settings, n, items, (), card), storing(tmp_path / str(n))) for n in (0, 1)
    ]
    ticks: list[int] = []
    RUNNERS[name](jobs, 2, lambda job: model, ticks.append)
    assert sum(ticks) == sum(job.steps for job, _ in jobs)
    assert len(costs) == 2
    for n in (0, 1):
        assert (tmp_path / str(n) / "out" / "adapter_model.safetensors").exists()


# --- judging ---------------------------------------------------------------------------------------------------------


def _plain(message: str) -> object:
    if "Break the answer" in message or "understandable statements" in message:
        return {"statements": ["Tea is served at 15:30."]}
    if "inferred directly" in message:
        return {"verdicts": [{"verdict": 1}]}
    if "faithfulness of a series" in message:
        return {"statements": [{"statement": "s", "reason": "r", "verdict": 1}]}
    if "question" in message and ("Write the" in message or "Generate a" in message):
        return {"question": ASKED.text, "noncommittal": 0}
    if "useful in arriving" in message:
        return {"reason": "r", "verdict": 1}
    if "attributed to" in message:
        return {"classifications": [{"statement": "s", "reason": "r", "attributed": 1}]}
    return {"TP": [{"statement": "s", "reason": "r"}], "FP": [], "FN": []}


@pytest.mark.parametrize("name", JUDGES)
def test_judges_score_every_metric_or_say_why_not(name: str, minilm: SentenceEncoder, tmp_path: Path) -> None:
    if JUDGES[name].library:
        pytest.importorskip(JUDGES[name].library)
    server = Server(_plain)
    chosen: dict[str, object] = {"name": name, "retries": 0}
    if name == "nli":
        chosen["model"] = str(cross_encoder(tmp_path / "m", {0: "contradiction", 1: "entailment"}))
    elif JUDGES[name].model:
        with pytest.raises(ExperimentError, match="needs a model"):
            refuse_incomplete(JudgeSettings(name=name))
        chosen |= {"model": "m", "endpoint": server.url, "concurrency": 1}
    judge = make_judge(JudgeSettings.model_validate(chosen), minilm, resolve, Store(tmp_path / "s"))
    rows = [
        Row("s", 0, ASKED, Answer("Tea is served at 15:30.", (1,), HITS)),
        Row("s", 0, NONE, Answer("I don't know.", (), HITS, outcome="abstained")),
        Row("s", 0, Question("u", "When is tea?"), Answer("At 15:30.")),
    ]
    found = judge.score(rows)
    assert [list(scores) for scores in found] == [[m.name for m in judge.metrics]] * 3
    for scores in found:
        for metric, score in scores.items():
            assert score.metric == metric
            assert score.reason if score.value is None else 0 <= score.value <= 1
    assert found[0]["faithfulness"].scored
    assert all(found[2][m].value is None for m in ("answer_correctness", "context_recall", "abstention"))
    assert judge.score(rows) == found
    assert all(0 <= value <= 1 for value in judge.support(rows))
    server.http.shutdown()


@pytest.mark.parametrize("name", METRICS)
def test_metrics_score_or_say_why_not(name: str, minilm: SentenceEncoder, tmp_path: Path) -> None:
    metric = METRICS[name]
    assert metric.name == name
    witness = make_judge(JudgeSettings(), minilm, resolve, Store(tmp_path)).witness
    bare = Row("s", 0, Question("u", "When is tea?"), Answer("At 15:30."))
    full = Row("s", 0, ASKED, Answer("Tea is served at 15:30.", (1,), HITS))
    if "llm" in metric.needs:  # scored by judges that ask one
        assert metric.score(witness, full).reason == NEEDS_LLM
        return
    assert metric.score(witness, full).value is not None
    for missing in metric.needs & {"reference", "contexts"}:
        row = replace(full, question=bare.question) if missing == "reference" else replace(full, answer=bare.answer)
        score = metric.score(witness, row)
        assert score.value is None
        assert score.reason
