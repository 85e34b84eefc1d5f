from __future__ import annotations

from pathlib import Path

import pytest

from ragtune.errors import ExperimentError
from ragtune.experiment.shorthands import SHORTHANDS
from ragtune.experiment.spec import load_experiment

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
BASE = """\
name: demo
corpus: {path: c}
retrieval: {top_k: 2, lexical: true}
setups:
  plain:
  rag:
    retrieval: true
  wide:
    retrieval: {top_k: 7}
"""


def load(tmp_path: Path, text: str, **options: object):  # type: ignore[no-untyped-def]
    path = tmp_path / "demo.yaml"
    path.write_text(text)
    return load_experiment(path, **options)  # type: ignore[arg-type]


def test_shared_sections_fold_into_the_setups_that_ask_for_them(tmp_path: Path) -> None:
    setups = load(tmp_path, BASE).setups
    assert setups["plain"].retrieval is None
    assert setups["rag"].retrieval.top_k == 2
    assert setups["wide"].retrieval.top_k == 7
    assert setups["wide"].retrieval.lexical is not None
    assert (setups["plain"].prompt_name, setups["rag"].prompt_name) == ("closed", "cited")


def test_overrides_and_limit(tmp_path: Path) -> None:
    made = load(
        tmp_path,
        BASE,
        overrides=["retrieval.top_k=3", "seeds=[1, 2]", "setups.wide.generator.model=extractive", "judge.support=0.5"],
        limit=9,
    )
    assert made.setups["rag"].retrieval.top_k == 3
    assert (made.seeds, made.limit, made.judge.support) == ((1, 2), 9, 0.5)
    assert made.setups["wide"].generator.kind == "extractive"


def test_typical_setups_are_taken_by_name(tmp_path: Path) -> None:
    base = "name: x\ncorpus: c\nretrieval: {top_k: 2}\nsetups: "
    found = load(tmp_path, base + f"[{', '.join(SHORTHANDS)}]\n").setups
    assert list(found) == ["prompt-only", "rag", "tuned", "rag+tuned", "extractive"]
    assert {n: (s.retrieval is not None, s.tuning.train_on if s.tuning else "") for n, s in found.items()} == {
        "prompt-only": (False, ""),
        "rag": (True, ""),
        "tuned": (False, "closed-book"),
        "rag+tuned": (True, "contexts"),
        "extractive": (True, ""),
    }
    assert (found["rag"].retrieval.top_k, found["extractive"].generator.kind) == (2, "extractive")
    assert list(load(tmp_path, base + "rag\n").setups) == ["rag"]
    raft = load(tmp_path, base + "[rag+tuned]\ntuning: {train_on: raft}\n").setups["rag+tuned"]
    assert raft.tuning.train_on == "raft"
    both = load(tmp_path, base + "[rag, prompt-only]\n", overrides=["setups.rag.retrieval.top_k=9"]).setups
    assert (list(both), both["rag"].retrieval.top_k) == (["rag", "prompt-only"], 9)
    assert list(load(tmp_path, BASE, overrides=["setups=[tuned]"]).setups) == ["tuned"]
    with pytest.raises(ExperimentError, match=r'--set setups=\[x\]: setups: "x" is no typical setup'):
        load(tmp_path, BASE, overrides=["setups=[x]"])
    load(tmp_path, base + "[extractive]\n", overrides=["setups.extractive.retrieval.top_k=7"])
    load(tmp_path, base + "[rag, extractive]\n", overrides=["setups.extractive.generator.model=bundled:smollm2"])
    assert SHORTHANDS["extractive"] == {  # no override changes what a name stands for
        "title": "Extractive",
        "retrieval": True,
        "generator": {"model": "extractive"},
    }


def test_a_corpus_and_a_judge_may_be_named_by_one_text(tmp_path: Path) -> None:
    text = "name: x\ncorpus: c\njudge: local\nsetups: [rag]\n"
    found = load(tmp_path, text, overrides=["corpus.allow_leaks=true", "judge.support=0.4"])
    assert (found.corpus.path, found.corpus.allow_leaks) == ("c", True)
    assert (found.judge.name, found.judge.support) == ("local", 0.4)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BASE.replace("top_k: 7", "topk: 7"), r'demo.yaml:9: unknown key "topk".*Did you mean "top_k"'),
        (BASE.replace("name: demo", "name: demo\nsetup: {}"), r'demo.yaml:2: unknown key "setup".*"setups"'),
        (BASE.replace("path: c", "pth: c"), r'unknown key "pth".*"path"|"corpus.path" is missing'),
        (BASE.replace("lexical: true", "lexical: {engine: lucene}"), r"demo.yaml:3.*bm25s"),
        (BASE.replace("top_k: 7", "top_k: 0"), r"demo.yaml:9.*greater than or equal to 1"),
        (BASE.replace("name: demo", "name: ../x"), r"demo.yaml:1: name"),
        (BASE + "split: exam\n", "split must be"),
        (BASE + "main_metric: bleu\n", "main_metric must be one of"),
        (BASE + "seeds: []\n", "seeds"),
        ("name: x\ncorpus: {path: c}\n", '"setups" is missing'),
        ("- a\n- b\n", "mapping of keys"),
        ("a: [1\n", "not YAML"),
        ("name: x\ncorpus: {path: c}\nsetups: {a: 3}\n", "setups.a"),
        (BASE + "  t:\n    tuning: {train_on: raft}\n", "tuning on raft needs retrieval"),
        (BASE + "  t:\n    generator: {model: extractive}\n", "extractive needs retrieval"),
        (
            BASE + "  t:\n    tuning: {train_on: closed-book}\n    generator: {model: extractive}\n",
            "only a local model",
        ),
        (BASE.replace("{top_k: 2, lexical: true}", "[1]"), r"demo.yaml:3: retrieval: this takes keys with values"),
        (BASE + "tuning: {lorra: {r: 2}}\n", r'demo.yaml:10: unknown key "lorra".*Did you mean "lora"'),
        (BASE + "seeds: [0, 0]\n", "a seed stands twice"),
        (BASE + "  rag: {}\n", 'demo.yaml:10: the key "rag" stands twice'),
        ("name: x\ncorpus: c\nsetups: 3\n", r"demo.yaml:3: setups: this takes names.*\{rag: \{retrieval: true\}\}"),
        (
            "name: x\ncorpus: c\nsetups: [rag, rga]\n",
            r'demo.yaml:3: setups: "rga".*known: prompt-only, rag, .*mean "rag"',
        ),
        ("name: x\ncorpus: c\nsetups: [rag, rag]\n", r'demo.yaml:3: setups: "rag" stands twice'),
        ("name: x\ncorpus: c\nsetups: []\n", r"demo.yaml:3: setups: this needs at least one"),
        (BASE.replace("top_k: 7", "top_k: many"), "demo.yaml:9.*this takes a whole number"),
        (BASE + "  t:\n    retrieval: {dense: false, lexical: false}\n", "needs dense, lexical, or both"),
    ],
)
def test_wrong_files_name_line_key_and_mending(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ExperimentError, match=says) as caught:
        load(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_short_forms_and_sections_that_setups_complete(tmp_path: Path) -> None:
    text = "name: x\ncorpus: c\nseeds: 3\ntuning: {lora: {r: 2}}\nsetups: {t: {tuning: {train_on: closed-book}}}\n"
    made = load(tmp_path, text)
    assert (made.corpus.path, made.seeds) == ("c", (3,))
    assert made.setups["t"].tuning.lora.r == 2


def test_wrong_overrides_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"^--limit: 0 questions"):
        load(tmp_path, BASE, limit=0)
    with pytest.raises(ExperimentError, match=r"^--set retrieval.topk=3: unknown key"):
        load(tmp_path, BASE, overrides=["retrieval.topk=3"])
    with pytest.raises(ExperimentError, match="not of the form"):
        load(tmp_path, BASE, overrides=["nonsense"])
    with pytest.raises(ExperimentError, match="not a YAML value"):
        load(tmp_path, BASE, overrides=["a=[1"])
    with pytest.raises(ExperimentError, match="no such experiment"):
        load_experiment(tmp_path / "none.yaml")


@pytest.mark.parametrize("file", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_experiments_are_valid(file: Path) -> None:
    made = load_experiment(file)
    assert made.name == file.stem
    assert made.description


def test_the_quickstart_compares_the_five_setups() -> None:
    setups = load_experiment(EXPERIMENTS / "quickstart.yaml").setups
    kinds = {(s.retrieval is not None, s.tuning.train_on if s.tuning else None) for s in setups.values()}
    assert kinds == {(False, None), (True, None), (False, "closed-book"), (True, "closed-book"), (True, "contexts")}
