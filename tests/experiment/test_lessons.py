"""Tunings on top of one another, chosen questions, pairs, and a teacher."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import QUESTIONS, write_corpus
from servers import Body, start

import ragtune
from ragtune.errors import RagtuneError
from ragtune.experiment.legs import took
from ragtune.experiment.lessons import taught
from ragtune.experiment.progress import Silent
from ragtune.experiment.spec import load_experiment
from ragtune.experiment.tune import count_questions, training_questions, tune_job, tune_key
from ragtune.experiment.workbench import Workbench
from ragtune.models.causal import LanguageModel
from ragtune.models.names import ADAPTER_CARD, resolve
from ragtune.store import Store
from ragtune.tunings import Spent, spent_by_seed

EXPERIMENT = """\
name: legs
corpus: {path: ROOT/corpus}
generator: {model: ROOT/llama, max_new_tokens: 6}
tuning: {train_on: closed-book, epochs: 4, learning_rate: 0.05, lora: {r: 2}}
latency: {sample: 1}
setups:
  second: {tuning: {from: first}}
  plain: {}
  first: {tuning: true}
"""


@pytest.fixture
def root(tmp_path: Path, tiny_models: dict[str, Path]) -> Path:
    write_corpus(tmp_path / "corpus")
    (tmp_path / "llama").symlink_to(tiny_models["llama"])
    (tmp_path / "legs.yaml").write_text(EXPERIMENT.replace("ROOT", str(tmp_path)), "utf-8")
    return tmp_path


def bench(root: Path, *overrides: str) -> Workbench:
    given = [o.replace("ROOT", str(root)) for o in overrides]
    return Workbench(load_experiment(root / "legs.yaml", given), Store(root / "store"), Silent())


def run(root: Path, name: str, *overrides: str) -> ragtune.Run:
    given = [o.replace("ROOT", str(root)) for o in overrides]
    return ragtune.run(root / "legs.yaml", overrides=given, out=root / name, store=root / "store", progress=Silent())


def folder(root: Path, *overrides: str, setup: str = "first") -> Path:
    one = bench(root, *overrides)
    return one.store.path("tune", tune_key(one, one.experiment.setups[setup], 0))


def test_a_second_leg_goes_on_from_the_first_and_is_one_adapter_of_the_plain_base(root: Path) -> None:
    made = run(root, "run")
    assert {t.setup for t in made.tunings} == {"first", "second"}
    first, second = folder(root), folder(root, setup="second")
    card = json.loads((second / ADAPTER_CARD).read_text())
    assert card["from"] == first.name
    curves = {t.setup: t.report.curve for t in made.tunings}
    assert curves["second"][0][1] < curves["first"][0][1]  # it begins where the first ended
    assert curves["second"][0][1] < curves["first"][-1][1] * 1.2
    costs = {t.setup: t.cost for t in made.tunings}
    assert costs["first"].before == Spent()
    assert costs["second"].before == Spent(costs["first"].seconds)
    assert spent_by_seed(t for t in made.tunings if t.setup == "second") == [
        Spent(costs["first"].seconds + costs["second"].seconds)
    ]
    named = LanguageModel(resolve(f"{root / 'llama'} + {second}"), "cpu")
    assert named.reply([{"role": "user", "content": "When?"}], 4) is not None
    again = load_experiment(root / "run" / "experiment.yaml")
    assert again.setups["second"].tuning.start == "first"  # type: ignore[union-attr]
    assert "from: first" in (root / "run" / "experiment.yaml").read_text()
    other = bench(root, "setups.first.tuning.epochs=2")
    assert tune_key(other, other.experiment.setups["second"], 0) != second.name  # what it goes on from is in its key


def test_a_leg_may_go_on_from_a_folder(root: Path) -> None:
    run(root, "run")
    first = folder(root)
    made = run(root, "other", f"setups={{more: {{tuning: {{from: {first}}}}}}}")
    assert made.tunings[0].report.curve[0][1] < ragtune.load_run(root / "run").tunings[-1].report.curve[0][1]
    with pytest.raises(RagtuneError, match=r"it cannot go on from this adapter: lora.r is 2 there and 4 here"):
        run(root, "third", f"setups={{more: {{tuning: {{from: {first}, lora: {{r: 4}}}}}}}}")
    with pytest.raises(RagtuneError, match=r"this folder holds no adapter of ragtune"):
        run(root, "third", "setups={more: {tuning: {from: ROOT/corpus}}}")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("setups.second.tuning.from=frist", r'"frist" is no setup \(did you mean "first"\?\)'),
        ("setups.second.tuning.from=plain", r'"plain" is not tuned'),
        ("setups.first.tuning={from: second}", r"goes round in a circle \(second from first from second\)"),
        ("setups.second.tuning.lora={r: 3}", r'cannot go on from "first": lora.r is 2 there and 3 here'),
        ("setups.second.tuning.method=ia3", r'cannot go on from "first": method is lora there and ia3 here'),
        ("setups.second.tuning.teacher=plane", r'tuning.teacher "plane" is no setup \(did you mean "plain"\?\)'),
        ("setups.second.tuning.teacher=first", r'teacher "first" is tuned itself'),
        ("setups.second.tuning.choose=diverse", r"choose has no effect: it needs questions"),
        ("setups.second.tuning.both=true", r"both has no effect: it needs train_on: raft"),
        ("setups.second.generator={model: ROOT/other}", r'tuning.from "first" is tuned on another model'),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    override: str, said: str, root: Path, tiny_models: dict[str, Path]
) -> None:
    (root / "other").symlink_to(tiny_models["gpt2"])
    with pytest.raises(RagtuneError, match=said) as caught:
        run(root, "run", override)
    assert "\n" not in str(caught.value)
    assert not (root / "store" / "tune").exists()


TRAIN = [
    {**QUESTIONS[3], "id": f"t{n}", "question": text, "tags": [tag]}
    for n, (text, tag) in enumerate(
        [
            ("When is tea served?", "kitchen"),
            ("When is the tea served?", "kitchen"),
            ("At what hour is tea served?", "kitchen"),
            ("Who is the captain of the boat Sprat?", "boats"),
            ("Who is the captain of the Sprat?", "boats"),
            ("How many copies of the key K-1 are there?", "boats"),
        ]
    )
]


def test_diverse_questions_are_far_from_one_another_and_of_every_tag(root: Path) -> None:
    write_corpus(root / "corpus", questions=[*QUESTIONS[:3], *TRAIN])

    def chosen(count: int, choose: str = "diverse", seed: int = 0) -> set[str]:
        one = bench(root, f"setups.first.tuning={{questions: {count}, choose: {choose}}}")
        assert count_questions(one, one.experiment.setups["first"], seed) == count
        return {q.id for q in training_questions(one, one.experiment.setups["first"], seed, "train")[0][1]}

    for seed in range(3):
        pair, four = chosen(2, seed=seed), chosen(4, seed=seed)
        assert pair < four < chosen(5, seed=seed)
        assert len(pair & {"t0", "t1", "t2"}) == 1
        assert len(four & {"t0", "t1", "t2"}) == 2
        assert "t5" in four  # the one that is like no other of its tag
        assert chosen(4, seed=seed) == four
    key = {
        choose: tune_key(
            one := bench(root, f"setups.first.tuning={{questions: 2, choose: {choose}}}"), one.setup("first"), 0
        )
        for choose in ("diverse", "random")
    }
    assert len(set(key.values())) == 2


def test_with_both_each_question_is_taught_with_the_right_chunk_and_without(root: Path) -> None:
    one = bench(
        root, "setups.first={retrieval: {top_k: 1}, tuning: {train_on: raft, both: true, when_absent: abstain}}"
    )
    job = tune_job(one, one.experiment.setups["first"], 0)
    model = LanguageModel(resolve(str(root / "llama")), "cpu")
    targets = [model.tokenizer.decode(item.target, skip_special_tokens=True).strip() for item in job.train]
    assert targets == ["15:30 [1]", "I don't know.", "30 [1]", "I don't know.", "I don't know."]


def test_a_teacher_is_asked_once_and_its_answers_are_taught(root: Path) -> None:
    asked: list[str] = []

    def say(body: Body) -> tuple[int, str]:
        message = body["messages"][-1]["content"]
        asked.append(message)
        text = "15:30" if "tea" in message else "forty" if "Herring" in message else "I don't know."
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        used = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
        whole = {"usage": used, "id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        return 200, json.dumps(whole)

    http, url = start(say)
    teacher = f"setups.teacher={{generator: {{model: m, endpoint: {url}, retries: 0}}}}"
    given = (teacher, "setups.first.tuning.teacher=teacher", "setups.second.tuning=false")
    one = bench(root, *given)
    questions = training_questions(one, one.setup("first"), 0, "train")[0][1]
    with one.store.locked():
        found = taught(one, one.setup("first"), questions, 0)
    assert [q.answers for q in found] == [("15:30",), ("forty",), ()]
    assert len(asked) == 3
    made = run(root, "run", *given, "costs={prompt_1k_tokens: 1, answer_1k_tokens: 2}")
    before = made.tunings[0].cost.before
    assert before.seconds > 0
    assert (before.prompt, before.answer) == (3 * 11, 3 * 4)
    assert made.costs.costs["first"].tuning == pytest.approx((3 * 11 * 1 + 3 * 4 * 2) / 1000)
    assert len(asked) == 3 + 3  # the train questions were paid for; those of the test are asked
    assert {t.setup for t in made.tunings} == {"first"}
    again = bench(root, teacher, "setups.first.tuning.teacher=teacher", "setups.second.tuning.teacher=teacher")
    with again.store.locked():
        job = tune_job(again, again.setup("second"), 0)
    first = again.store.path("tune", tune_key(again, again.setup("first"), 0))
    assert job.before == took(first, Spent())  # the teacher's answers count once
    right = bench(root, *given, "setups.first.tuning.teacher_filter=right")
    kept = taught(right, right.setup("first"), questions, 0)
    assert [q.answers for q in kept] == [("15:30",), ()]
    assert len({tune_key(b, b.setup("first"), 0) for b in (one, right, bench(root))}) == 3
    http.shutdown()


@pytest.mark.parametrize(
    "said",
    [
        "setups.rag.retrieval.when=iterative",
        "setups.rag.retrieval.when=after",
        "setups.rag.generator.abstain_below=0.9",
    ],
)
def test_answers_of_a_teacher_that_come_about_otherwise_are_another_lesson(root: Path, said: str) -> None:
    given = ("setups.rag={retrieval: {dense: false, lexical: true}}", "setups.first.tuning.teacher=rag")
    keys = {tune_key(one, one.setup("first"), 0) for one in (bench(root, *given), bench(root, *given, said))}
    assert len(keys) == 2
