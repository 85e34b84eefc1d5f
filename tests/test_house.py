"""What the rooms promise: one list of metrics, one opening of each log, conclusions that need no machine."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import write_corpus

import ragtune
from ragtune.api import reanalyse, rejudge, save_baseline
from ragtune.corpus.evidence import concerns
from ragtune.errors import ModelError
from ragtune.experiment.folder import Run
from ragtune.experiment.progress import Silent
from ragtune.judging.metrics import METRICS
from ragtune.judging.settings import JudgeSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.report.build import render
from ragtune.report.terminal import comparison
from ragtune.store import Log, Store, encode
from ragtune.tuning.batches import Encoded
from ragtune.tuning.settings import LoraSettings, TuningSettings
from ragtune.tuning.trainer import train_adapter

EXPERIMENT = """\
name: house
corpus: {path: ROOT/corpus}
retrieval: {lexical: true, top_k: 2}
generator: {model: extractive}
setups:
  rag: {retrieval: true}
  lexical: {retrieval: {dense: false}}
  ceiling: {retrieval: {source: oracle, oracle: {distractors: 1, position: last}}}
"""
METRIC = """
from ragtune.records import Metric, Row, Score


def score(witness, row: Row) -> Score:
    return Score("brevity", 1 / (1 + len(row.answer.text.split())))


METRIC = Metric(
    "brevity", "Brevity", "brief", "how short the answer is", "1 / (1 + words)", "made up for a test", "never", score,
    compared=True, sliced=True, gated=True,
)
"""


@pytest.fixture
def made(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "corpus")
    (tmp_path / "house.yaml").write_text(EXPERIMENT.replace("ROOT", str(tmp_path)), "utf-8")
    return tmp_path


def run(made: Path, name: str = "run") -> Run:
    return ragtune.run(made / "house.yaml", out=made / name, store=made / "store", progress=Silent())


def test_a_metric_is_one_file_and_one_line(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (made / "brevity.py").write_text(METRIC, "utf-8")
    spec = importlib.util.spec_from_file_location("brevity", made / "brevity.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(METRICS, "brevity", module.METRIC)
    found = run(made)
    assert all(0 < (row.value("brevity") or 0) < 1 for row in found.rows)
    assert "brevity" in found.answers.columns
    assert any(d.metric == "brevity" for d in found.summary.differences)
    page = render(found)
    assert page.count("Brevity") >= 4  # table, figure, differences, slices
    assert "brief" in comparison(found)
    save_baseline(found, made / "baseline.json")
    gate = ragtune.check(found, made / "baseline.json")
    assert any(v.metric == "brevity" and v.verdict == "held" for v in gate.verdicts)


def test_each_log_is_read_once(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(made)
    opened: Counter[str] = Counter()
    real = Log._read

    def read(self: Log) -> None:
        opened[str(self.path)] += 1
        real(self)

    monkeypatch.setattr(Log, "_read", read)
    run(made, "again")
    assert {Path(p).parent.name for p in opened} >= {"read", "retrieve", "answer", "judge"}
    assert set(opened.values()) == {1}


def test_the_oracle_shows_the_readers_ceiling(made: Path) -> None:
    found = run(made)
    assert found.summary.retrieval["ceiling"]["recall@3"].mean == 1.0
    for row in found.rows:
        if row.setup == "ceiling":
            right = [concerns(row.question, h.chunk) for h in row.answer.hits]
            assert right == sorted(right)  # the right chunks stand last
            assert right.count(False) == 1
            assert any(right) == bool(row.question.evidence)


def test_conclusions_are_drawn_anew_without_a_machine(made: Path) -> None:
    found = run(made)
    again = reanalyse(found)
    assert encode(again.summary) == encode(found.summary)
    assert encode(again.costs) == encode(found.costs)
    fewer = reanalyse(replace(found, rows=tuple(r for r in found.rows if r.question.id != "q1")))
    assert fewer.summary.questions == found.summary.questions - 1


def test_a_run_is_judged_anew_without_answering_again(made: Path) -> None:
    found = run(made)
    strict = JudgeSettings(support=0.99, extra_metrics=())
    again = ragtune.load_run(rejudge(found, strict, Store(made / "store"), made / "strict", Silent()))
    assert [r.answer.text for r in again.rows] == [r.answer.text for r in found.rows]
    assert again.experiment.judge == strict
    assert "rouge_l" in found.rows[0].scores
    assert "rouge_l" not in again.rows[0].scores
    assert "answer" not in again.work.stages


def test_rows_survive_being_written_down(made: Path) -> None:
    found = run(made)
    line = json.loads((made / "run" / "answers.jsonl").read_text("utf-8").splitlines()[0])
    assert set(line) == {"setup", "seed", "question", "answer", "times", "scores", "cause"}
    assert all(row.times.total >= 0 for row in found.rows)
    assert found.rows[0].question == found.rows[3].question


def test_an_older_run_is_one_line(made: Path) -> None:
    run(made)
    about = json.loads((made / "run" / "run.json").read_text("utf-8"))
    (made / "run" / "run.json").write_text(json.dumps({**about, "format": 2}), "utf-8")
    with pytest.raises(ragtune.RagtuneError, match=r"made by an older version of ragtune\. Run it again\.$"):
        ragtune.load_run(made / "run")


def test_verbs_work_in_python(made: Path) -> None:
    assert ragtune.plan(made / "house.yaml", store=made / "store", progress=Silent()).computes
    found = run(made)
    assert not ragtune.plan(made / "house.yaml", store=made / "store", progress=Silent()).computes
    assert ragtune.write_report(found, made / "r.html").read_text("utf-8").startswith("<!doctype html>")
    [row] = ragtune.ask(made / "run", "When is tea served?", progress=Silent())
    assert "15:30" in row.answer.text
    (made / "a.jsonl").write_text(json.dumps({"question": "When?", "answer": "noon", "reference": "noon"}), "utf-8")
    scored = ragtune.score(made / "a.jsonl", out=made / "scored", store=made / "store", progress=Silent())
    assert scored.rows[0].value("exact_match") == 1
    again = ragtune.run(made / "scored" / "experiment.yaml", out=made / "s2", store=made / "store", progress=Silent())
    assert encode(again.rows[0].answer) == encode(scored.rows[0].answer)  # a scored file is a Run like any other


def test_a_tuned_model_is_a_model(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    import torch

    base = LanguageModel(resolve(str(tiny_models["llama"])), "cpu")
    items = [Encoded(tuple(range(10, 16)), (30 + n, 2)) for n in range(4)]
    settings = TuningSettings(train_on="closed-book", epochs=5, learning_rate=0.05, lora=LoraSettings(r=4))
    card = {"base": base.ref.fingerprint, "base_name": "tiny"}
    train_adapter(base, items, [], settings, 0, tmp_path / "a", tmp_path / "s", card)
    name = f"{tiny_models['llama']} + {tmp_path / 'a'}"
    tuned = resolve(name)
    assert tuned.name == name
    assert tuned.fingerprint not in (base.ref.fingerprint, resolve(str(tiny_models["qwen2"])).fingerprint)
    ids = torch.tensor([[10, 11, 12]])
    with torch.inference_mode():
        merged = LanguageModel(tuned, "cpu").base(input_ids=ids).logits
        switched = base.using(tmp_path / "a")(input_ids=ids).logits
        plain = base.using(None)(input_ids=ids).logits
    assert torch.allclose(merged, switched, atol=1e-4)
    assert not torch.allclose(merged, plain, atol=1e-3)
    with pytest.raises(ModelError, match="made for tiny, not for"):
        resolve(f"{tiny_models['qwen2']} + {tmp_path / 'a'}")
    with pytest.raises(ModelError, match="holds no adapter"):
        resolve(f"{tiny_models['llama']} + {tmp_path / 'nowhere'}")
