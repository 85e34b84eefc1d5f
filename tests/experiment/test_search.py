"""`ragtune search`: proposals, races, sharing, the winner, and the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import write_corpus

import ragtune as rt
from ragtune.analysis.means import Estimate
from ragtune.cli import main
from ragtune.errors import CorpusError, ExperimentError, RunError
from ragtune.experiment.progress import Silent
from ragtune.experiment.search import space
from ragtune.experiment.search.found import found_experiment
from ragtune.experiment.search.race import gap, rounds_of
from ragtune.experiment.search.settings import SearchSettings
from ragtune.experiment.search.study import search_experiment
from ragtune.experiment.search.trials import Search, Trial, load, told
from ragtune.experiment.spec import Experiment, load_experiment
from ragtune.records import Question
from ragtune.report.search import confirmation, verdict
from ragtune.store import Store

PLACES = ["harbour", "garden", "library", "kitchen", "office", "cellar", "tower", "chapel", "stable", "mill"]
DOCUMENTS = {
    f"{p}.md": f"# The {p}\n\nThe {p} has {n + 11} lamps in it. The {p} opens at {n + 1}:30. The {p} was built in {1900 + n}."
    for n, p in enumerate(PLACES)
}


def _question(n: int, split: str) -> dict[str, object]:
    place, kind = PLACES[n % 10], n // 10 % 2
    text = [f"How many lamps does the {place} have?", f"When does the {place} open?"][kind]
    answer = [str(n % 10 + 11), f"{n % 10 + 1}:30"][kind]
    at = DOCUMENTS[f"{place}.md"].index(answer)
    evidence = [{"document": f"{place}.md", "start": at, "end": at + len(answer)}]
    return {"id": f"{split}{n}", "question": text, "answers": [answer], "evidence": evidence, "split": split}


QUESTIONS = [_question(n, "dev") for n in range(20)] + [_question(n, "test") for n in range(0, 20, 3)]
EXPERIMENT = """\
name: hunt
corpus: {path: ROOT/corpus, allow_leaks: true}
latency: {sample: 2}
setups:
  rag:
    generator: {model: extractive}
    chunking: {by: sentences, size: 16}
    retrieval: {dense: false, lexical: true, top_k: 1}
  other: {generator: {model: extractive}, retrieval: {dense: false, lexical: true}}
search:
  trials: 12
  rounds: 3
  ranges:
    chunking.size: [16, 48]
    retrieval.top_k: [1, 2, 3]
    retrieval.lexical.b: {from: 0.25, to: 0.75, step: 0.5}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    write_corpus(folder / "corpus", DOCUMENTS, QUESTIONS)
    (folder / "hunt.yaml").write_text(EXPERIMENT.replace("ROOT", str(folder)))
    return folder


@pytest.fixture(scope="module")
def found(root: Path) -> Search:
    return search_experiment(load_experiment(root / "hunt.yaml"), Store(root / "store"), Silent())[0]


def experiment(root: Path, *overrides: str) -> Experiment:
    return load_experiment(root / "hunt.yaml", list(overrides))


def test_the_setup_as_written_is_the_first_trial_and_the_best_one_is_chosen(found: Search) -> None:
    assert found.trials[0].values == {}
    best = max(t.quality.mean for t in found.trials if t.state == "finished" and t.quality)  # type: ignore[type-var]
    assert found.winner.quality is not None
    assert found.winner.quality.mean == best
    assert (found.space, found.questions, found.possible) == (12, 20, 240)
    assert all(t.answered == 20 for t in found.trials if t.state == "finished")
    assert found.chosen in found.front


def test_what_is_shown_alike_is_answered_once(found: Search) -> None:
    assert found.computed == sum(t.computed for t in found.trials)
    answered = sum(t.answered for t in found.trials)
    assert found.computed < answered
    assert any(t.answered and not t.computed for t in found.trials)


def test_the_same_search_goes_the_same_way_and_computes_nothing_anew(root: Path, found: Search) -> None:
    told = list[str]()

    class Told(Silent):
        def say(self, text: str) -> None:
            told.append(text)

    again, _ = search_experiment(experiment(root), Store(root / "store"), Told())

    def way(search: Search) -> list[object]:
        return [(t.values, t.state, t.answered, t.computed, t.quality) for t in search.trials]

    assert way(again) == way(found)
    assert any("best so far" in line for line in told)
    other, _ = search_experiment(experiment(root), Store(root / "elsewhere"), Silent())
    assert way(other) == way(found)


def test_a_setup_in_other_words_is_not_asked_again(root: Path) -> None:
    ranges = "search.ranges={retrieval.lexical.engine: [bm25s], retrieval.top_k: [1, 1]}"
    with pytest.raises(ExperimentError, match="two values or more"):
        experiment(root, ranges)
    ranges = "search.ranges={generator.max_new_tokens: [48, 60], retrieval.top_k: [1, 2]}"
    search, _ = search_experiment(experiment(root, ranges), Store(root / "words"), Silent())
    assert [t.state for t in search.trials].count("same") >= 1
    assert sum(t.state in ("finished", "stopped") for t in search.trials) == 2


def test_the_number_of_answers_is_kept_to(root: Path) -> None:
    search, _ = search_experiment(experiment(root, "search.answers=30"), Store(root / "few"), Silent())
    assert search.computed == 20  # another setup might take 20 more
    search, _ = search_experiment(experiment(root, "search.answers=45"), Store(root / "few"), Silent())
    assert 20 < search.computed <= 45


def test_what_all_setups_would_take_counts_the_one_as_written_and_nothing_impossible(root: Path) -> None:
    outside, _ = search_experiment(
        experiment(root, "search.ranges={retrieval.top_k: [2, 3]}"), Store(root / "s"), Silent()
    )
    assert (outside.space, outside.possible) == (2, 3 * 20)
    ranges = "search.ranges={retrieval.lexical: [true, false], retrieval.top_k: [1, 2]}"
    said = list[str]()

    class Told(Silent):
        def say(self, text: str) -> None:
            said.append(text)

    half, _ = search_experiment(experiment(root, ranges), Store(root / "s"), Told())
    assert sorted(t.state for t in half.trials) == ["finished", "finished", "impossible", "impossible", "same"]
    assert (half.space, half.possible) == (4, 2 * 20)
    assert any("cannot be: retrieval.lexical false, retrieval.top_k 1 (" in line for line in said)


def test_steps_of_a_range_are_spelt_as_people_write_them() -> None:
    settings = SearchSettings.model_validate({"ranges": {"generator.temperature": {"from": 0, "to": 1.0, "step": 0.1}}})
    assert [v["generator.temperature"] for v in space.every(settings)] == [n / 10 for n in range(11)]


def test_values_are_told_as_yaml() -> None:
    values = {"retrieval.query": None, "prompt": {"style": "brief", "shots": 2}, "retrieval.mmr": 0.76680135}
    assert (
        told(Trial(1, values, "same")) == "retrieval.query none, prompt {style: brief, shots: 2}, retrieval.mmr 0.767"
    )


def test_rounds_double_and_hold_every_question_once() -> None:
    questions = [Question(str(n), "?") for n in range(200)]
    rounds = rounds_of(questions, 4, 0)
    sizes = [len(r) for r in rounds]
    assert sizes == [25, 25, 50, 100]
    assert sorted(q.id for r in rounds for q in r) == sorted(q.id for q in questions)
    assert rounds == rounds_of(questions[::-1], 4, 0) != rounds_of(questions, 4, 1)
    assert [len(r) for r in rounds_of(questions[:13], 4, 0)] == [12, 1]


def test_worse_is_shown_by_the_bound_of_the_paired_difference() -> None:
    best = {str(n): 1.0 for n in range(40)}
    clearly = {str(n): float(n % 2) for n in range(40)}
    hardly = {str(n): float(n > 0) for n in range(40)}
    assert gap(best, hardly, 0.1, 4)[1] > 0
    assert gap(best, dict(best), 0.1, 4)[1] > 0
    mean, most = gap(best, clearly, 0.1, 4)
    assert mean == -0.5 < most < 0
    assert gap(best, clearly, 0.1, 1)[1] < most  # more looks, wider bounds


def test_a_proposal_without_a_part_takes_no_settings_of_it(root: Path) -> None:
    base = experiment(root).setups["rag"]
    without = space.made_of(base, {"retrieval.rerank": False, "retrieval.rerank.candidates": 7})
    assert without.retrieval is not None
    assert without.retrieval.rerank is None
    with_it = space.made_of(base, {"retrieval.rerank": True, "retrieval.rerank.candidates": 7})
    assert with_it.retrieval is not None
    assert with_it.retrieval.rerank is not None
    assert with_it.retrieval.rerank.candidates == 7


def _trial(number: int, quality: float, latency: float, tokens: float, state: str = "finished") -> Trial:
    return Trial(number, {}, state, 9, 9, Estimate(quality, 0.0, 1.0, 9), 0.0, latency, None, tokens)  # type: ignore[arg-type]


def test_the_front_holds_what_nothing_matches_in_all_three() -> None:
    trials = (
        _trial(0, 0.5, 1.0, 100),
        _trial(1, 0.6, 2.0, 100),
        _trial(2, 0.6, 2.0, 120),
        _trial(3, 0.4, 1.0, 90),
        _trial(4, 0.9, 0.1, 10, "stopped"),
        _trial(5, 0.5, 1.0, 100),
    )
    search = Search("s", "rag", "answer_correctness", "dev", 9, trials, 1, None, 9, 54, 1.0)
    assert search.front == (0, 1, 3)


def test_what_breaks_a_limit_is_not_chosen() -> None:
    from ragtune.analysis.costs import Limits
    from ragtune.experiment.search.choice import Tried, best_of
    from ragtune.experiment.spec import Setup

    done = [Tried(_trial(n, quality, wait, 9), Setup()) for n, (quality, wait) in enumerate(((0.9, 2.0), (0.6, 0.5)))]
    assert best_of(done, Limits()).trial.number == 0
    assert best_of(done, Limits(max_latency=1.0)).trial.number == 1
    assert best_of(done, Limits(max_latency=0.1)).trial.number == 0
    assert best_of(done, Limits(max_cost=0.1)).trial.number == 0  # the cost of neither is known


def test_command_writes_the_winner_the_page_and_one_look_at_the_test_split(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    assert main(["search", "hunt.yaml", "--store", "store"]) == 0
    out = capsys.readouterr().out
    found = rt.run("runs/hunt-search/winner.yaml", store="store", progress=Silent())
    search = load(root / "runs/hunt-search")
    assert search.confirmed is not None
    assert search.confirmed.split == "test"
    assert verdict(search) in out
    assert confirmation(search) in out
    assert set(found.experiment.setups) == ({"rag"} if search.chosen == 0 else {"rag", "found"})
    assert found.experiment.split == "test"
    assert {row.question.split for row in found.rows} == {"test"}
    page = (root / "reports/hunt-search.html").read_text()
    assert verdict(search) in re.sub(r"&#39;", "'", page)
    assert page.count("<tr>") >= len(search.trials)
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")


def test_the_found_experiment_is_the_setup_as_written_beside_the_new_one(root: Path) -> None:
    made = experiment(root)
    base = made.setups["rag"]
    better = space.made_of(base, {"retrieval.top_k": 3})
    setups = found_experiment(made, better).setups
    assert list(setups) == ["rag", "found"]
    assert setups["found"].retrieval == better.retrieval
    assert list(found_experiment(made, base).setups) == ["rag"]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("search=null", "no section search"),
        ("search.setup=rug", 'Did you mean "rag"'),
        ("search.ranges={retrieval.topk: [1, 2]}", 'Did you mean "top_k"'),
        ("search.ranges.retrieval.topk=[1, 2]", 'Did you mean "top_k"'),
        ("search.ranges={retrieval.top_k: [1, many]}", "'many' cannot be"),
        ("search.ranges={retrieval.top_k: {from: 3, to: 1}}", "from must be smaller than to"),
        ("search.split=train", "the split train has none"),
        ("search={ranges: {tuning.learning_rate: [0.1, 0.2]}, split: train}", "questions it is trained on"),
        ("search.split=test", "dev"),
        (
            "search={ranges: {retrieval.rerank.tuning: [null, true]}, split: train}",
            "questions it is trained on",
        ),
        (
            "search={ranges: {retrieval.dense.tuning: [null, {method: query-map}]}, split: train}",
            "questions it is trained on",
        ),
        ("search.ranges={retrieval.source: [chunks, oracle]}", "a control, which is never chosen"),
        ("search.ranges={retrieval.top_k: [1, 2, 1]}", "retrieval.top_k holds a value twice"),
        ("search.ranges={retrieval.top_k: 3}", "search.ranges.retrieval.top_k: this takes a list"),
        ("search.answers=19", "the setup as written alone takes 20"),
        ("search.trails=4", 'Did you mean "trials"'),
    ],
)
def test_wrong_searches_are_refused_before_any_work(root: Path, override: str, said: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        search_experiment(experiment(root, override), Store(root / "store"), Silent())
    assert said in str(caught.value)


def test_a_search_without_dev_questions_says_what_would_do(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus", DOCUMENTS, [{**q, "split": "train"} for q in QUESTIONS[:9]])
    (tmp_path / "hunt.yaml").write_text(EXPERIMENT.replace("ROOT", str(tmp_path)))
    with pytest.raises(ExperimentError, match=r"the split dev has none.*split: train"):
        search_experiment(load_experiment(tmp_path / "hunt.yaml"), Store(tmp_path / "store"), Silent())
    write_corpus(tmp_path / "two", DOCUMENTS, QUESTIONS[:2])
    with pytest.raises(CorpusError, match="cannot choose"):
        search_experiment(
            load_experiment(tmp_path / "hunt.yaml", [f"corpus.path={tmp_path / 'two'}"]),
            Store(tmp_path / "store"),
            Silent(),
        )


def test_a_search_that_nothing_would_confirm_is_refused_before_any_work(root: Path, tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus", DOCUMENTS, [q for q in QUESTIONS if q["split"] == "dev"])
    made = experiment(root, f"corpus.path={tmp_path / 'corpus'}")
    with pytest.raises(ExperimentError, match=r"no question has the split test.*--no-confirm"):
        rt.search(made, out=tmp_path / "out", store=tmp_path / "store", progress=Silent())
    assert not (tmp_path / "out").exists()
    rt.search(made, out=tmp_path / "out", store=tmp_path / "store", confirm=False, progress=Silent())
    assert (tmp_path / "out" / "winner.yaml").is_file()


def test_a_folder_that_is_no_search_stays_as_it_is(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="no search"):
        rt.search(root / "hunt.yaml", out=tmp_path / "mine", store=root / "store", progress=Silent())
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    (tmp_path / "search.json").write_text(json.dumps({"format": 9}))
    with pytest.raises(RunError, match="no search"):
        load(tmp_path)


def _tried(root: Path, yaml: str, store: str) -> Search:
    (root / f"{store}.yaml").write_text(yaml.replace("ROOT", str(root)))
    return search_experiment(load_experiment(root / f"{store}.yaml"), Store(root / store), Silent())[0]


_HEAD = "corpus: {path: ROOT/corpus, allow_leaks: true}\nlatency: {sample: 1}\n"
_RAG = "rag: {generator: {model: extractive}, retrieval: {dense: false, lexical: true, top_k: 1}}"


def test_rounds_and_thresholds_tell_setups_apart(root: Path) -> None:
    ranges = "{retrieval.when: [once, iterative], generator.abstain_below: [0.0, 0.5]}"
    yaml = f"{_HEAD}setups: {{{_RAG}}}\nsearch: {{trials: 9, rounds: 1, ranges: {ranges}}}\n"
    found = [(t.values, t.state) for t in _tried(root, yaml, "rounds").trials if t.values and t.state == "finished"]
    assert sorted(v["retrieval.when"] for v, _ in found) == ["iterative", "iterative", "once"]
    once = {"retrieval.when": "once", "generator.abstain_below": 0.0}
    assert once not in [v for v, _ in found]  # as written


def test_earlier_answers_count_in_the_tokens_of_a_trial(root: Path, small: Path) -> None:
    ranges = "{retrieval.when: [once, after], retrieval.top_k: [1, 2]}"
    setup = f"rag: {{generator: {{model: '{small}', max_new_tokens: 4}}, retrieval: {{dense: false, lexical: true, top_k: 1}}}}"
    yaml = f"{_HEAD}setups: {{{setup}}}\nsearch: {{trials: 4, rounds: 1, ranges: {ranges}}}\n"
    search = _tried(root, yaml, "tokens")
    tokens = {t.values.get("retrieval.when", "once"): t.tokens for t in search.trials if t.state == "finished"}
    assert tokens["after"] > tokens["once"]  # type: ignore[operator]


def test_setups_that_a_tuning_names_come_with_it(root: Path, small: Path) -> None:
    questions = [*QUESTIONS, *(_question(n, "train") for n in range(10))]
    write_corpus(root / "taught", DOCUMENTS, questions)
    tuning = "{train_on: closed-book, epochs: 1, lora: {r: 2}"
    yaml = (
        f"{_HEAD.replace('ROOT/corpus', 'ROOT/taught')}generator: {{model: '{small}', max_new_tokens: 4}}\n"
        f"setups:\n  {_RAG}\n  other: {{generator: {{model: extractive}}, retrieval: true}}\n"
        f"  first: {{tuning: {tuning}, teacher: rag}}}}\n  next: {{tuning: {tuning}, from: first}}}}\n"
        "search: {setup: next, trials: 2, rounds: 1, ranges: {tuning.epochs: [1, 2]}}\n"
    )
    search = _tried(root, yaml, "named")
    assert [t.state for t in search.trials] == ["finished", "finished"]
    made = load_experiment(root / "named.yaml")
    better = space.made_of(made.setups["next"], {"tuning.epochs": 2})
    assert list(found_experiment(made, better).setups) == ["next", "found", "first", "rag"]
    Experiment.model_validate(found_experiment(made, better).model_dump(by_alias=True))


@pytest.mark.parametrize(
    "ranges",
    ["{retrieval.dense: [false, {tuning: {method: query-map}}]}", "{tuning: [false, {train_on: closed-book}]}"],
)
def test_what_is_trained_is_not_chosen_on_train_questions(root: Path, ranges: str) -> None:
    setup = "rag: {retrieval: {lexical: true, dense: false}}"
    yaml = f"{_HEAD}setups: {{{setup}}}\nsearch: {{split: train, ranges: {ranges}}}\n"
    with pytest.raises(ExperimentError, match="questions it is trained on"):
        _tried(root, yaml, "learned")


@pytest.mark.parametrize(("given", "rates"), [("", [1e-3, 5e-5, 3e-3]), ("learning_rate: 0.02", [0.02] * 3)])
def test_each_method_is_tried_with_its_usual_learning_rate(root: Path, given: str, rates: list[float]) -> None:
    (root / "rates.yaml").write_text(
        f"{_HEAD.replace('ROOT', str(root))}setups: {{a: {{tuning: {{train_on: closed-book, {given}}}}}}}\n"
    )
    base = load_experiment(root / "rates.yaml").setups["a"]
    made = [space.made_of(base, {"tuning.method": method}).tuning for method in ("lora", "full", "ia3")]
    assert [tuning.learning_rate for tuning in made if tuning] == rates
