from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import write_corpus
from servers import Server

import ragtune
from ragtune.analysis.latency import Wait
from ragtune.experiment.folder import Run
from ragtune.experiment.latency import latency_steps, sampled
from ragtune.experiment.plan import make_plan
from ragtune.experiment.progress import Lines, Silent
from ragtune.experiment.run import reanalyse, rejudge
from ragtune.experiment.served import Met, Served
from ragtune.experiment.spec import Setup, load_experiment
from ragtune.experiment.tune import tune_key
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generator import Request
from ragtune.generation.local import LocalGenerator
from ragtune.generation.prompts import load_prompt
from ragtune.judging.settings import JudgeSettings
from ragtune.models.encoder import Array, Kind, SentenceEncoder
from ragtune.records import Question
from ragtune.report.build import render
from ragtune.report.terminal import comparison
from ragtune.store import Store, encode

EXPERIMENT = """\
name: waits
corpus: {path: ROOT/corpus}
seeds: [0, 1]
generator: {model: ROOT/llama, max_new_tokens: 6}
retrieval: {lexical: true, rerank: {candidates: 3}, top_k: 2}
setups:
  plain: {}
  rag: {retrieval: true}
  same: {title: Under another name, retrieval: true}
  tuned: {tuning: {train_on: closed-book, epochs: 8, learning_rate: 0.02, lora: {r: 4}}}
  ceiling: {retrieval: {source: oracle}}
  given: {generator: {model: given, answers: ROOT/given.jsonl}}
"""
GIVEN = [
    {"id": "q1", "question": "When is tea served?", "answer": "15:30", "contexts": []},
    {"id": "q2", "question": "Who is the captain of the boat Sprat?", "answer": "Ida Moen", "contexts": []},
    {"id": "q3", "question": "What does a ticket to the moon cost?", "answer": "I don't know.", "contexts": []},
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, tiny_models: dict[str, Path]) -> Path:
    """A folder with corpus, model, experiment file, store and a finished Run."""
    root = tmp_path_factory.mktemp("waits")
    write_corpus(root / "corpus")
    (root / "llama").symlink_to(tiny_models["llama"])
    (root / "given.jsonl").write_text("".join(json.dumps(row) + "\n" for row in GIVEN), "utf-8")
    (root / "waits.yaml").write_text(EXPERIMENT.replace("ROOT", str(root)), "utf-8")
    run(root, "run")
    return root


def run(root: Path, name: str, *overrides: str, store: str = "store") -> Run:
    return ragtune.run(root / "waits.yaml", overrides=overrides, out=root / name, store=root / store, progress=Silent())


def bench(root: Path, *overrides: str, store: str = "store") -> Workbench:
    return Workbench(load_experiment(root / "waits.yaml", list(overrides)), Store(root / store), Silent())


def latencies(root: Path, store: str = "store") -> int:
    return sum(len(p.read_text("utf-8").splitlines()) for p in (root / store / "latency").glob("*.jsonl"))


def test_each_setup_is_asked_one_at_a_time_and_what_cannot_be_served_is_unknown(root: Path) -> None:
    found = ragtune.load_run(root / "run").costs
    assert set(found.latency) == {"plain", "rag", "same", "tuned"}
    for latency in found.latency.values():
        assert latency.questions == 3
        assert 0 < latency.p50 <= latency.p95
        assert latency.generation > 0
    assert found.latency["rag"].retrieval > 0
    assert found.latency["rag"].reranking > 0
    assert found.latency["plain"].retrieval == found.latency["plain"].reranking == 0
    assert found.latency["tuned"].switched is not None
    assert found.latency["tuned"].switched.questions == 3
    assert found.latency["rag"].switched is None
    assert set(found.throughput) == {"plain", "rag", "same", "tuned", "ceiling"}


def test_equal_setups_have_one_key_and_one_latency(root: Path) -> None:
    one = bench(root)
    setups = one.experiment.setups
    keys = {name: [s.key for s in latency_steps(one, name, setup)] for name, setup in setups.items()}
    assert keys["rag"] == keys["same"]
    assert len({key for own in keys.values() for key in own}) == 4  # plain, rag, tuned, tuned with its adapter switched
    assert keys["ceiling"] == keys["given"] == []
    found = ragtune.load_run(root / "run").costs.latency
    assert found["rag"] == found["same"]
    assert latencies(root) == 4 * 3


def test_the_sample_is_drawn_by_the_questions_alone(root: Path) -> None:
    one, few = bench(root), bench(root, "latency.sample=2", "seeds=[7]")
    drawn = [q.id for q in sampled(one, one.experiment.setups["rag"])]
    assert sorted(drawn) == ["q1", "q2", "q3"]  # all, where there are fewer
    assert [q.id for q in sampled(few, few.experiment.setups["plain"])] == drawn[:2]


def test_a_second_run_measures_nothing_and_keeps_the_figures(root: Path) -> None:
    before = ragtune.load_run(root / "run")
    again = run(root, "again")
    assert again.work.stages["latency"].computed == 0
    assert encode(again.costs.latency) == encode(before.costs.latency)
    assert again.work.generator_loads == 0


def test_a_stopped_measurement_goes_on_where_it_was(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = Served.ask, 0

    def ask(self: Served, question: Question) -> Met:
        nonlocal asked
        asked += 1
        if asked == 4:  # a warm-up and two questions
            raise KeyboardInterrupt
        return real(self, question)

    monkeypatch.setattr(Served, "ask", ask)
    longer = "setups.plain.generator.max_new_tokens=3"
    with pytest.raises(KeyboardInterrupt):
        run(root, "stopped", longer)
    monkeypatch.undo()
    done = run(root, "stopped", longer)
    assert done.work.stages["latency"].computed == 1
    assert done.costs.latency["plain"].questions == 3


def test_measured_times_stay_out_of_answers_and_summary(root: Path) -> None:
    for name in ("answers.jsonl", "summary.json"):
        text = (root / "run" / name).read_text("utf-8")
        assert "reranking" not in text
        assert "p95" not in text
    assert "p95" in (root / "run" / "costs.json").read_text("utf-8")


def test_the_plan_counts_what_is_measured(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned = {s.what: s for s in make_plan(bench(root, store="none")).stages if s.stage == "latency"}
    assert {name: s.total for name, s in planned.items()} == {"plain": 3, "rag": 3, "same": 0, "tuned": 6}
    stored = {s.what: s for s in make_plan(bench(root)).stages if s.stage == "latency"}
    assert all(s.reused == s.total for s in stored.values())
    ragtune.run(
        root / "waits.yaml",
        overrides=["setups.plain.generator.max_new_tokens=2"],
        out=root / "shown",
        store=root / "store",
        progress=Lines(),
    )
    assert "latency plain: 3/3 done" in capsys.readouterr().err


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that are embedded, as they come."""
    seen: list[str] = []
    real = SentenceEncoder.encode

    def encode_(self: SentenceEncoder, texts: Sequence[str], kind: Kind = "document", progress: Any = None) -> Array:
        seen.extend(texts if kind == "query" else ())
        return real(self, texts, kind, progress)

    monkeypatch.setattr(SentenceEncoder, "encode", encode_)
    return seen


def test_each_query_is_embedded_anew_after_a_warm_up(root: Path, queries: list[str]) -> None:
    run(root, "cached", "latency.sample=0", store="anew")
    queries.clear()
    run(root, "measured", store="anew")
    drawn = [q.text for q in sampled(bench(root), bench(root).experiment.setups["rag"])]
    assert [q for q in queries if q in drawn] == drawn  # one by one, whatever the vector cache holds
    assert queries.index(drawn[0]) > 0
    queries.clear()
    run(root, "stored", store="anew")
    assert not queries


def test_every_source_pays_for_embedding_its_own_questions(root: Path, queries: list[str]) -> None:
    """Throughput and cost do not hang on which setup asked first."""
    own = [
        f"setups.{name}.retrieval.fusion={{by: weighted, dense_weight: {share}}}"
        for name, share in (("rag", 0.5), ("same", 0.4))
    ]
    run(root, "sources", "latency.sample=0", *own, store="sources-store")
    assert queries.count("When is tea served?") == 2
    assert queries.index("Is everything there?") == 0  # loading is in nobody's seconds


def test_sample_0_measures_nothing_and_no_limit_is_kept(root: Path) -> None:
    found = run(root, "off", "latency.sample=0", "limits.max_latency=1000", store="off-store")
    assert found.costs.latency == {}
    assert not (root / "off-store" / "latency").exists()
    assert "latency" not in found.work.stages
    assert set(found.summary.decision.excluded) == set(found.summary.setups)
    assert not [s for s in make_plan(bench(root, "latency.sample=0")).stages if s.stage == "latency"]
    assert "unknown" in comparison(found)
    with pytest.raises(ragtune.RagtuneError, match=r"latency\.sample"):
        bench(root, "latency.sample=-1")


def test_a_limit_goes_by_what_one_user_waits(root: Path) -> None:
    found = run(root, "limited", "limits.max_latency=1000")
    assert set(found.summary.decision.excluded) == {"ceiling", "given"}
    assert "unknown" in found.summary.decision.excluded["given"]
    assert "a control" in found.summary.decision.excluded["ceiling"]
    ragtune.api.save_baseline(found, root / "baseline.json")
    gate = ragtune.check(found, root / "baseline.json", max_latency=1e-9, setups=["rag"])
    p50 = found.costs.latency["rag"].p50
    assert gate.broken == (f"rag: median latency {p50:.3f} s is over 1e-09 s",)
    with pytest.raises(ragtune.RagtuneError, match='latency of "given" is unknown'):
        ragtune.check(found, root / "baseline.json", max_latency=1.0, setups=["given"])


def test_merged_and_switched_answer_alike_and_the_base_comes_back(root: Path) -> None:
    import torch

    one = bench(root)
    setup = one.experiment.setups["tuned"]
    adapter = one.store.path("tune", tune_key(one, setup, 0))
    model = one.language_model(setup.generator.model, "cpu", "auto")
    before = {name: p.detach().clone() for name, p in model.base.named_parameters()}
    requests = [Request(q.id, q, ()) for q in one.corpus.questions]

    def replies(tuned: Path | None) -> list[str]:
        generator = LocalGenerator(model, load_prompt("closed"), setup.generator)
        alone = [r for batch in generator.batches(requests, 0) for r in batch]
        found = [next(iter(generator.answer([r], tuned, 0))) for r in alone]
        return [reply.raw for _, reply in sorted(found, key=lambda pair: pair[0])]

    base, switched = replies(None), replies(adapter)
    for keep in (True, False):
        model.merge(adapter, keep)
        assert not any("lora" in name for name, _ in model.base.named_parameters())
        assert replies(adapter) == switched != base
        assert replies(None) == base
        after = dict(model.base.named_parameters())
        assert all(torch.equal(after[name], p) for name, p in before.items())
    model.merge(adapter)
    assert replies(adapter) == switched
    model.plain()
    assert replies(adapter) == switched  # beside the weights again
    assert model.loads == 2  # once more for the base that was not kept


def test_measuring_loads_no_second_model(root: Path) -> None:
    assert ragtune.load_run(root / "run").work.generator_loads == 1


def test_an_endpoint_is_never_asked_again(root: Path) -> None:
    server = Server(lambda message: "Tea is at 15:30 [1].")
    try:
        generator = {"model": "m", "endpoint": server.url, "retries": 0}
        data = {"corpus": {"path": str(root / "corpus")}, "generator": generator}
        setups = {"plain": {}, "rag": {"retrieval": True}}
        (root / "e.yaml").write_text(json.dumps({**data, "setups": setups}), "utf-8")
        found = ragtune.run(root / "e.yaml", out=root / "e", store=root / "e-store", progress=Silent())
        assert len(server.messages) == 6  # three questions, two setups
    finally:
        server.http.shutdown()
    waited = {
        name: {r.question.id: r.times.generation for r in found.rows if r.setup == name}
        for name in found.summary.setups
    }
    plain, rag = found.costs.latency["plain"], found.costs.latency["rag"]
    assert plain.p50 == pytest.approx(sorted(waited["plain"].values())[1])
    assert plain.retrieval == 0
    assert rag.generation == pytest.approx(sorted(waited["rag"].values())[1])
    assert rag.retrieval > 0
    assert rag.p50 > rag.generation
    assert latencies(root, "e-store") == 3  # only finding hits was measured


def test_simpler_questions_are_written_once_and_each_waits_for_its_search(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written takes 5 s (as the run's request did), a search for the question 1 s, one for all of the queries 3 s."""
    from ragtune.experiment import latency
    from ragtune.experiment.query import Written

    class Timed:
        def __init__(self, bench: Workbench, setup: Setup, measuring: bool = False) -> None:
            self.queried = setup.queried

        def find(self, question: Question) -> tuple[tuple[()], Wait, Written]:
            texts = () if question.text == "?" else ("Who pours tea?", "When?")
            return (), Wait(5 + 3, 0.5) if self.queried else Wait(1, 0.25), Written(texts)

    monkeypatch.setattr(latency, "Finder", Timed)
    setup = Setup.model_validate({"retrieval": {"lexical": True, "query": {"by": "decompose"}}})
    wait = latency._finding(bench(root), setup)
    assert wait(Question("q", "Who?")) == Wait(5 + 3 + 2 * 1, 0.5 + 2 * 0.25)
    assert wait(Question("q", "?")) == Wait(5 + 3, 0.5)


def test_report_and_table_say_how_it_was_measured(root: Path) -> None:
    found = ragtune.load_run(root / "run")
    table = comparison(found)
    for text in (table, render(found)):
        assert "one question at a time, as served" in text
        assert "unknown" in text
    assert "With switched adapters: tuned" in render(found)
    assert "answers/s" in render(found)


def test_conclusions_drawn_anew_keep_the_latency(root: Path) -> None:
    found = ragtune.load_run(root / "run")
    assert encode(reanalyse(found).costs) == encode(found.costs)
    place = rejudge(found, JudgeSettings(support=0.9), Store(root / "store"), root / "rejudged", Silent())
    assert encode(ragtune.load_run(place).costs.latency) == encode(found.costs.latency)


def test_a_run_without_these_figures_opens_and_its_latency_is_unknown(root: Path) -> None:
    found = run(root, "older")
    costs = json.loads((root / "older" / "costs.json").read_text("utf-8"))
    del costs["throughput"]
    costs["latency"] = {name: {"p50": 0.01, "p95": 0.01} for name in found.summary.setups}
    (root / "older" / "costs.json").write_text(json.dumps(costs), "utf-8")
    settings = (root / "older" / "experiment.yaml").read_text("utf-8")
    (root / "older" / "experiment.yaml").write_text(settings.replace("latency:\n  sample: 20\n", ""), "utf-8")
    about = json.loads((root / "older" / "run.json").read_text("utf-8"))
    del about["settings"]
    (root / "older" / "run.json").write_text(json.dumps(about), "utf-8")
    assert "sample" not in (root / "older" / "experiment.yaml").read_text("utf-8")
    older = ragtune.load_run(root / "older")
    assert older.costs == replace(older.costs, latency={}, throughput={})
    assert "unknown" in comparison(older)
    assert "unknown" in render(older)
