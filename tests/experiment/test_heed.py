"""A setting that nothing would heed is refused; what is heeded somewhere, or switches something off, is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragtune import api
from ragtune.cli import main
from ragtune.errors import ExperimentError
from ragtune.experiment.spec import RESOLVED, load_experiment
from ragtune.generation.generators import GENERATORS
from ragtune.generation.settings import GeneratorSettings

TOP = "name: x\ncorpus: c\n"


def load(tmp_path: Path, text: str, *overrides: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "x.yaml"
    path.write_text(TOP + text)
    return load_experiment(path, list(overrides))


def a(setup: str) -> str:
    return f"setups: {{a: {{{setup}}}, all: {{retrieval: {{lexical: true}}, tuning: {{train_on: closed-book}}}}}}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            a("retrieval: true, generator: {model: extractive, temperature: 0.7}"),
            "a.generator.temperature.*only local and endpoint generators heed it",
        ),
        (a("generator: {concurrency: 2}"), "generator.concurrency.*only endpoint and system generators heed"),
        (a("generator: {model: m, endpoint: 'http://h/v1', device: cpu}"), "generator.device.*local generators"),
        (a("generator: {top_p: 0.5}"), "top_p has no effect: it needs a temperature above 0"),
        (a("generator: {columns: {question: q}}"), "columns.*given"),
        (a("retrieval: {oracle: {position: last}}"), "oracle"),
        (a("retrieval: {source: oracle, oracle: {position: last}}"), "oracle.position.*needs oracle.distractors"),
        (a("retrieval: {source: oracle, rerank: true}"), "rerank.*searches for nothing"),
        (a("retrieval: {fusion: {by: rrf}}"), "fusion.by.*needs dense and lexical"),
        (a("retrieval: {lexical: true, fusion: {dense_weight: 0.3}}"), "dense_weight.*weighted"),
        (a("retrieval: {lexical: true, fusion: {by: weighted, rrf_k: 9}}"), "rrf_k.*by: rrf"),
        (a("retrieval: {dense: {index: {kind: exact, probes: 3}}}"), "probes.*ivf"),
        (a("chunking: {size: 99}"), "a.chunking.size.*retrieves"),
        (a("retrieval: true, chunking: {by: document, size: 99}"), "size.*does not cut"),
        (a("retrieval: true, chunking: {overlap: 9}"), "overlap.*tokens or sentences"),
        (a("tuning: {train_on: closed-book, when_absent: abstain}"), "when_absent.*train_on: raft"),
        (a("tuning: {train_on: closed-book, evidence_words: 3}"), "evidence_words.*needs variants"),
        (a("tuning: {train_on: closed-book, early_stop: 2}"), "early_stop.*needs evaluate_every"),
        (a("tuning: {train_on: closed-book, schedule: constant, warmup: 0.1}"), "warmup.*constant"),
        (a("") + "judge: {model: m}\n", "x.yaml:4: judge.model.*local judge needs no model"),
        (a("") + "judge: {name: nli, model: m, endpoint: 'http://h/v1'}\n", "judge.endpoint"),
        (a("") + "judge: {name: llm, model: m, timeout: 3}\n", "judge.timeout.*needs an endpoint"),
        (a("") + "judge: {name: llm, model: m, support: 0.4}\n", "judge.support.*yes or no"),
        (a("") + "costs: {watts: 30}\n", "costs.watts.*needs kwh"),
        (a("") + "costs: {questions_per_day: 30}\n", "no price is given"),
        ("setups: {a: {}}\nprocesses: 2\n", "processes.*no setup's generator is tuned"),
        ("setups: {a: {}}\nretrieval: {top_k: 2}\n", "x.yaml:4: retrieval.top_k.*no setup asks for it with retrieval"),
        ("setups: {a: {}}\ntuning: {epochs: 2}\n", "tuning.epochs.*no setup asks for it with tuning"),
        ("setups: [rag]\nretrieval: false\n", "x.yaml:4: retrieval: false has no effect here"),
        ("setups: [extractive]\ngenerator: {dtype: float32}\n", "generator.dtype.*only local generators"),
    ],
)
def test_a_setting_without_effect_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ExperimentError, match=says) as caught:
        load(tmp_path, text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "setups: [rag, extractive]\ngenerator: {max_new_tokens: 9}\n",  # one of them heeds it
        a("retrieval: {rerank: false, lexical: none}, generator: {temperature: 0}"),  # off is no setting
        a(
            "retrieval: {source: oracle, top_k: 3, dense: {embedder: bundled:minilm}}"
        ),  # room, and the measure of chunks
        a("retrieval: {source: oracle, lexical: true, oracle: {distractors: 2, position: last}}"),
        a("generator: {temperature: 0.7, top_p: 0.5}"),
        a("generator: {model: m, endpoint: 'http://h/v1', concurrency: 2, retries: 1}"),
        a("retrieval: {lexical: true, fusion: {by: weighted, dense_weight: 0.3}}"),
        a("retrieval: true, tuning: {train_on: raft, without_right: 0.1, when_absent: abstain}"),
        a("") + "judge: {extra_metrics: [rouge_l]}\nprocesses: 2\ncosts: {watts: 30, kwh: 0.3}\n",
        a("") + "judge: {name: llm, model: m, budget: 3, endpoint: 'http://h/v1', retries: 1}\n",
    ],
)
def test_a_setting_with_effect_is_taken(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text)


def test_overrides_are_held_to_it_and_a_resolved_file_is_not(tmp_path: Path) -> None:
    rag = (
        "retrieval: {top_k: 2}\nprocesses: 2\nsetups: {rag: {retrieval: true}, t: {tuning: {train_on: closed-book}}}\n"
    )
    with pytest.raises(ExperimentError, match=r"^--set generator.retries=2: generator.retries has no effect"):
        load(tmp_path, rag, "generator.retries=2")
    assert list(load(tmp_path, rag, "setups=[prompt-only]").setups) == [
        "prompt-only"
    ]  # what the file says fits other setups
    with pytest.raises(ExperimentError, match=r"generator\.timeout"):
        load(tmp_path, rag, "setups=[prompt-only]", "generator.timeout=2")
    path = tmp_path / "resolved.yaml"
    path.write_text(RESOLVED + TOP + "setups: {a: {generator: {model: bundled:smollm2, timeout: 60}}}\n")
    assert load_experiment(path)
    with pytest.raises(ExperimentError, match=r"setups\.a\.generator\.retries"):
        load_experiment(path, ["setups.a.generator.retries=2"])


def test_every_setting_of_a_generator_is_heeded_by_some_kind() -> None:
    heeded = set().union(*(kind.reads for kind in GENERATORS.values()))
    assert heeded | {"model", "answers", "endpoint", "system"} == set(GeneratorSettings.model_fields)


def test_the_local_judge_heeds_extra_metrics() -> None:
    from ragtune.judging.judge import Judge
    from ragtune.judging.settings import JudgeSettings

    class Quiet:
        asks = False

    def scored(*extra: str) -> set[str]:
        named = JudgeSettings(extra_metrics=extra) if extra else JudgeSettings()
        return {m.name for m in Judge(Quiet(), named).metrics}  # type: ignore[arg-type]

    assert "rouge_l" in scored("rouge_l")
    assert "rouge_l" not in scored("value_match")
    assert scored("rouge_l") < scored()


def test_options_without_effect_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.yaml").write_text(TOP + "setups: [rag]\n")
    (tmp_path / "corpus" / "documents").mkdir(parents=True)
    (tmp_path / "corpus" / "documents" / "d.txt").write_text("Doors open at nine.")
    corpus = str(tmp_path / "corpus")
    store = ["--store", str(tmp_path / "s")]
    for arguments, says in (
        (["run", str(tmp_path / "x.yaml"), "--dry-run", "--report", "r.html"], "--report has no effect"),
        (["judge", "evaluate", "l.jsonl", "--endpoint", "http://h", *store], "--endpoint has no effect"),
        (["judge", "evaluate", "l.jsonl", "--model", "m", *store], "--model has no effect"),
        (["ask", corpus, "When?", "--setup", "extractive", "--model", "m/m", *store], "--model has no effect"),
        (["ask", corpus, "When?", "--setup", "extractive", "--seed", "1", *store], "Leave --seed out"),
    ):
        assert main(arguments) == 2
        assert says in capsys.readouterr().err
    with pytest.raises(ExperimentError, match=r"judge\.endpoint has no effect"):
        api.score(tmp_path / "none.jsonl", judge={"name": "local", "endpoint": "http://h"})


def test_a_threshold_on_the_first_token_does_not_go_with_thinking(small: Path) -> None:
    from ragtune.generation.generators import identity, unread
    from ragtune.generation.prompts import load_prompt
    from ragtune.generation.settings import GeneratorSettings
    from ragtune.models.names import resolve

    assert "begins a thought" in unread(GeneratorSettings(thinking=True))["abstain_above"]
    assert "abstain_above" not in unread(GeneratorSettings())
    assert "only local" in unread(GeneratorSettings(endpoint="http://x", model="m"))["thinking"]
    prompt = load_prompt("cited")
    plain = identity(GeneratorSettings(model=str(small)), prompt, resolve)
    for other in ({"thinking": True}, {"stop": ("x",)}):
        assert identity(GeneratorSettings(model=str(small), **other), prompt, resolve) != plain  # type: ignore[arg-type]
