"""The section ``prompt``: examples before a question, instructions of one's own, and a thought before the answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import write_corpus

from ragtune.errors import ExperimentError
from ragtune.experiment import retrieve
from ragtune.experiment.answer import answer_key, answered, make_generator, row_of
from ragtune.experiment.examples import candidates, chooser
from ragtune.experiment.prepare import prepare
from ragtune.experiment.progress import Silent
from ragtune.experiment.spec import Experiment, load_experiment
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generator import Reply, Request
from ragtune.generation.local import LocalGenerator
from ragtune.generation.prompting import PromptSettings
from ragtune.generation.prompts import Shot, load_prompt
from ragtune.records import Question, Tokens
from ragtune.serving.ask import Assistant
from ragtune.store import Store

DOCUMENTS = {
    "tea.md": "# Tea\n\nThe tea is served at 15:30 in room 4.",
    "depot.md": "# Depot\n\nThe depot in Mill Street holds 900 lamps.",
    "boats.md": "# Boats\n\nThe ferry leaves at 7:15 from pier 3.",
    "birds.md": "# Birds\n\nHerons nest in the old elm trees.",
}


def _question(name: str, text: str, answer: str, document: str, split: str) -> dict[str, object]:
    at = DOCUMENTS[document].index(answer)
    evidence = [{"document": document, "start": at, "end": at + len(answer)}]
    return {"id": name, "question": text, "answers": [answer], "evidence": evidence, "split": split}


QUESTIONS = [
    _question("t1", "When is tea served?", "15:30", "tea.md", "train"),
    _question("t2", "How many lamps does the depot hold?", "900", "depot.md", "train"),
    _question("t3", "When does the ferry leave?", "7:15", "boats.md", "train"),
    _question("t4", "Where do herons nest?", "old elm trees", "birds.md", "train"),
    {"id": "t5", "question": "Who owns the ferry?", "answers": [], "split": "train"},
    _question("q1", "At what time does the ferry boat leave the pier?", "7:15", "boats.md", "test"),
    _question("q2", "In which room is tea served?", "room 4", "tea.md", "test"),
]

EXPERIMENT = """\
name: prompting
corpus: {path: ROOT/corpus}
generator: {model: SMALL, max_new_tokens: 6}
retrieval: {top_k: 1}
chunking: {size: 32}
setups:
  bare: {}
  fixed: {prompt: {shots: 2}}
  nearest: {retrieval: true, prompt: {shots: 2, choose: nearest}}
  diverse: {prompt: {shots: 3, choose: diverse}}
  own: {prompt: {system: "Speak like a pirate. If you cannot, say {{ abstain }}"}}
  thinks: {retrieval: true, prompt: {style: brief, reasoning: true, reasoning_tokens: 10}}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    folder = tmp_path_factory.mktemp("prompting")
    write_corpus(folder / "corpus", DOCUMENTS, QUESTIONS)
    (folder / "e.yaml").write_text(EXPERIMENT.replace("ROOT", str(folder)).replace("SMALL", str(small)))
    return folder


def bench_of(root: Path, *overrides: str) -> Workbench:
    return Workbench(load_experiment(root / "e.yaml", list(overrides)), Store(root / "store"), Silent())


def shots(bench: Workbench, name: str, text: str) -> list[str]:
    [found] = chooser(bench, bench.experiment.setups[name])([Question("x", text)])
    return [shot.question for shot in found]


def test_examples_are_train_questions_with_answers_and_never_the_question(root: Path) -> None:
    bench = bench_of(root)
    assert {q.id for q in candidates(bench)} == {"t1", "t2", "t3", "t4"}
    assert len(shots(bench, "fixed", "What?")) == 2
    assert shots(bench, "fixed", "What?") == shots(bench, "fixed", "Why is this so?")
    assert shots(bench, "nearest", "When does the boat go?")[-1] == "When does the ferry leave?"
    assert "When does the ferry leave?" not in shots(bench, "nearest", "When does the ferry leave")
    first, second, third = shots(bench, "diverse", "What?")
    assert len({first, second, third}) == 3


def test_an_example_stands_with_the_chunk_that_holds_its_answer_and_cites_it(root: Path) -> None:
    bench = bench_of(root)
    setup = bench.experiment.setups["nearest"]
    [found] = chooser(bench, setup)([Question("x", "When does the boat go?")])
    assert found[-1].answer == "7:15 [1]"
    assert found[-1].hits[0].chunk.document_id == "boats.md"
    messages = bench.prompt_of(setup).messages("When does the boat go?", [], found)
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert "pier 3" in messages[3]["content"]


def test_what_does_not_fit_is_dropped_and_counted_examples_before_contexts(root: Path) -> None:
    bench = bench_of(root, "setups.nearest.generator.window=150")
    setup = bench.experiment.setups["nearest"]
    rows = answered(bench, "nearest", setup, 0)
    assert all(row.answer.hits for row in rows)
    assert all(row.answer.examples < 2 for row in rows)
    roomy = answered(
        bench_of(root),
        "nearest",
        setup.model_copy(update={"generator": bench_of(root).experiment.setups["nearest"].generator}),
        0,
    )
    assert [row.answer.examples for row in roomy] == [2, 2]
    assert all(a.answer.tokens.prompt < b.answer.tokens.prompt for a, b in zip(rows, roomy, strict=True))


def test_a_report_says_how_many_examples_were_left_out(root: Path) -> None:
    from ragtune.analysis.notes import left_out

    bench = bench_of(root, "setups.nearest.generator.window=150")
    rows = answered(bench, "nearest", bench.experiment.setups["nearest"], 0)
    missing = sum(2 - row.answer.examples for row in rows)
    assert f"{missing} were left out in all" in left_out("nearest", 2, rows)
    assert left_out("nearest", 0, rows) == ""


def test_examples_stand_in_the_key_and_leave_the_keys_of_others_alone(root: Path) -> None:
    bench = bench_of(root)
    setups = bench.experiment.setups
    keys = {name: answer_key(bench, setup, 0) for name, setup in setups.items()}
    assert len(set(keys.values())) == len(keys)
    assert keys["bare"] == answer_key(bench_of(root, "setups.bare.prompt=closed"), setups["bare"], 0)


def test_batches_that_share_their_examples_answer_as_one_by_one(root: Path) -> None:
    bench = bench_of(root)
    setup = bench.experiment.setups["fixed"]
    together = [row.answer.text for row in answered(bench, "fixed", setup, 0)]
    generator = make_generator(bench, setup)
    assert isinstance(generator, LocalGenerator)
    alone = []
    for q in bench.questions:
        [found] = chooser(bench, setup)([q])
        [(_, reply)] = generator.answer([Request(q.id, q, (), found)], None, 0)
        alone.append(row_of(bench, "fixed", setup, 0, q, [], reply, 0.0).answer.text)
    assert together == alone


def test_the_assistant_shows_the_same_examples(root: Path) -> None:
    bench = bench_of(root)
    [row] = [r for r in answered(bench, "nearest", bench.experiment.setups["nearest"], 0) if r.question.id == "q1"]
    said = Assistant(bench.experiment, bench.store, "nearest", progress=Silent()).ask(row.question.text)
    assert (said.answer.text, said.answer.examples) == (row.answer.text, 2)
    assert said.answer.tokens == row.answer.tokens


def test_instructions_of_ones_own_take_the_place_of_the_styles(root: Path) -> None:
    bench = bench_of(root)
    [system, _] = bench.prompt_of(bench.experiment.setups["own"]).messages("Who?", [])
    assert system["content"] == "Speak like a pirate. If you cannot, say I don't know."


@pytest.mark.parametrize(
    ("raw", "finish", "text", "thought", "outcome"),
    [
        ("The pier is 3.\nAnswer: pier 3 [1]", "stop", "pier 3", "The pier is 3.", "answered"),
        ("It says so.\n**Final answer:** I don't know.", "stop", "I don't know.", "It says so.", "abstained"),
        ("Answer: no.\nWait, it does.\nAnswer: yes", "stop", "yes", "Answer: no.\nWait, it does.", "answered"),
        ("先看上下文。\n答案：三号码头", "stop", "三号码头", "先看上下文。", "answered"),
        ("First, the contexts say that", "length", "", "First, the contexts say that", "none"),
        ("The contexts say so.\nAnswer:", "length", "", "The contexts say so.", "none"),
        ("pier 3", "stop", "pier 3", "", "answered"),
        ("<think>Hm.</think>It says 3.\nAnswer: 3", "stop", "3", "Hm.\n\nIt says 3.", "answered"),
    ],
)
def test_a_thought_is_kept_apart_from_the_answer(
    root: Path, raw: str, finish: str, text: str, thought: str, outcome: str
) -> None:
    from ragtune.text.thoughts import reasoned

    bench = bench_of(root)
    setup = bench.experiment.setups["thinks"]
    hit = retrieve.hits(bench, setup, bench.questions)[0][0]
    reply = Reply(reasoned(raw, finish), 1, Tokens(9, 9), finish, 0.1)
    answer = row_of(bench, "thinks", setup, 0, bench.questions[0], hit, reply, 0.0).answer
    assert (answer.text, answer.thought, answer.outcome) == (text, thought, outcome)


def test_a_thought_has_tokens_of_its_own(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = bench_of(root)
    setup = bench.experiment.setups["thinks"]
    generator = make_generator(bench, setup)
    assert isinstance(generator, LocalGenerator)
    assert generator.settings.max_new_tokens == 16
    ids = generator.model.tokenizer("It is so.\nAnswer: 7", add_special_tokens=False)["input_ids"]
    monkeypatch.setattr(generator, "_end", lambda row: (ids, len(ids), "stop"))
    [(_, reply)] = generator.answer([Request("k", Question("k", "When?"), ())], None, 0)
    said = generator.model.chat.said(ids[reply.tokens.thought :])
    assert 0 < reply.tokens.thought < reply.tokens.answer == len(ids)
    assert said.strip() == "7"
    assert load_prompt("brief").messages("Who?", [])[-1]["content"] == "Who?"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("setups.fixed.prompt.shots=9", "shows 9 examples, and the train split has 4 questions with an answer"),
        ("setups.fixed.prompt={choose: nearest}", "it needs prompt.shots"),
        ("setups.bare.prompt={reasoning_tokens: 5}", "it needs prompt.reasoning"),
        ("setups.bare.prompt={shot: 5}", 'Did you mean "shots"'),
        ("setups.fixed.prompt.choose=nearst", "nearest"),
        ("setups.thinks.tuning={train_on: contexts}", "prompt.reasoning needs an untuned model"),
        ("setups.nearest.generator={model: extractive}", "extractive reads no prompt"),
        ("setups.thinks.generator={abstain_above: 0.5}", "which begins a thought with prompt.reasoning"),
        ("setups.own.prompt=nothing", 'unknown prompt "nothing"'),
    ],
)
def test_wrong_settings_are_refused_before_any_work(root: Path, override: str, said: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        prepare(bench_of(root, override))
    assert said in str(caught.value)


def test_a_run_written_with_a_style_alone_is_read_and_written_again(root: Path) -> None:
    data = json.loads(load_experiment(root / "e.yaml").model_dump_json())
    data["setups"]["bare"]["prompt"] = "brief"
    assert Experiment.model_validate(data).setups["bare"].prompt.style == "brief"
    data["setups"]["bare"]["prompt"] = None
    assert Experiment.model_validate(data).setups["bare"].prompt_name == "closed"


def test_a_model_without_a_template_reads_examples_as_questions_and_answers(small: Path) -> None:
    from ragtune.models.chat import Chat

    class Plain:
        chat_template = None
        eos_token_id = sep_token_id = None

    shot = Shot("When is tea?", (), "15:30")
    text = Chat(Plain(), False)._plain(load_prompt("closed").messages("Where?", [], [shot]))
    assert text.endswith("Question: When is tea?\nAnswer: 15:30\n\nQuestion: Where?")


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ("{{ bad", r"no template \(unexpected end of template.*only \{\{ abstain \}\} is filled in"),
        ("{{ nothing }}", "nothing is called nothing"),
    ],
)
def test_instructions_that_cannot_be_filled_in_are_refused(system: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PromptSettings(system=system)
    assert PromptSettings(system="Or say {{ abstain }}").system == "Or say {{ abstain }}"


def test_a_prompt_file_that_is_no_template_is_refused(tmp_path: Path) -> None:
    parts = {"system": "", "context": "", "user": "{{ question", "abstain": "I don't know"}
    (tmp_path / "p.yaml").write_text(json.dumps(parts))
    with pytest.raises(ExperimentError, match=r'p\.yaml: "user": this is no template'):
        load_prompt("p.yaml", tmp_path)
