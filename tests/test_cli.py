"""Wrong options and values, over every verb: one line that says what, where and how to mend it, and exit code 2."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from conftest import write_corpus

from ragtune.cli import main

FILES = {
    "x.yaml": "name: x\ncorpus: c\ngenerator: {model: ./small}\nsetups: [extractive, rag]\n",
    "plain.txt": "text\n",
    "bad.yaml": "x: [\n",
    "latin.yaml": b"name: \xff\xfe\n",
    "prompt.yaml": "system: [\n",
    "a.jsonl": '{"question": "Who?", "answer": "Ada"}\n',
    "lab.jsonl": '{"answer": "a", "contexts": 5, "label": 1}\n',
    "squad.json": '{"data": [{"paragraphs": [{"qas": [{}]}]}]}',
    "list.json": '{"data": [[1]]}',
    "beir/corpus.jsonl": '{"x": 1}\n',
    "beir/queries.jsonl": '{"_id": 1}\n',
    "number.jsonl": '{"question": "a", "context": 3}\n',
    "answers.jsonl": '{"question": "a", "context": "b", "answers": {"a": 3}}\n',
    "empty/notes.xyz": "no reader\n",
    "blank/a.txt": " \n",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    root = tmp_path_factory.mktemp("cli")
    (root / "small").symlink_to(small)
    write_corpus(root / "c")
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("run", "arguments are required: experiment"),
        ("run x.yaml --limit abc", 'this takes a whole number, not "abc"'),
        ("run x.yaml --foo", "unrecognized arguments: --foo"),
        ("run bad.yaml", "bad.yaml:2: this is not YAML"),
        ("run latin.yaml", "it is not UTF-8 text"),
        ("run x.yaml --report empty", "this is a folder; a file is to be written"),
        ("run x.yaml --report plain.txt/r.html", "plain.txt is a file, not a folder"),
        ("run x.yaml --store plain.txt", "a file stands where a folder is needed"),
        ("run x.yaml --set name=a/b", "letters, digits, dots, dashes and underscores"),
        ("run x.yaml --set name=", "this takes a text (given: nothing)"),
        ("run x.yaml --set seeds=[-1]", "seeds.0: this must be greater than or equal to 0"),
        ("run x.yaml --set setups={1:{}}", "setups"),
        ("run x.yaml --set 'setups={\"\": {}}'", "a setup has no name"),
        ("run x.yaml --set 'setups={1: {}}'", "setups.1: this takes a text"),
        ("run x.yaml --set judge=foo", 'unknown judge "foo"'),
        ("run x.yaml --set judge.support=2", "judge.support: this must be less than 1"),
        ("run x.yaml --set corpus.changes=none.jsonl", "no such file of changes"),
        ("run x.yaml --set prompt=prompt.yaml", "prompt.yaml:2: this prompt file is not YAML"),
        ("run x.yaml --set generator.temperature=.inf", "inf is no number to reckon with"),
        ("run x.yaml --set 'setups.rag.generator={model: m, endpoint: here}'", "an endpoint is a URL such as"),
        (
            "run x.yaml --set 'setups.rag.retrieval={rerank: {model: bundled:minilm}}'",
            "an embedder, not a CrossEncoder",
        ),
        (
            "run x.yaml --set 'setups.rag.retrieval={rerank: {model: ./small}}'",
            "./small: the model could not be loaded",
        ),
        ("run x.yaml --set 'judge={name: nli, model: bundled:minilm}'", "not a CrossEncoder"),
        (
            "run x.yaml --set 'setups.t={tuning: {train_on: closed-book, lora: {targets: [nope]}}}'",
            'tuning.lora.targets: the model has no module "nope". It has: ',
        ),
        ("score a.jsonl --judge llm --model m --endpoint here", "an endpoint is a URL such as"),
        ("score a.jsonl --model m", "judge.model has no effect"),
        ("score a.jsonl --report empty", "this is a folder"),
        ("judge evaluate lab.jsonl", '"contexts" must be a text or a list of texts'),
        ("judge evaluate none.tsv", "no such file"),
        ("judge evaluate lab.jsonl --judge foo", 'unknown judge "foo"'),
        ("judge evaluate lab.jsonl --judge llm --model m --endpoint here", "an endpoint is a URL such as"),
        (
            "judge evaluate lab.jsonl --judge llm --model m --calibrate ours",
            "judge.support has no effect: the llm judge",
        ),
        ("judge evaluate lab.jsonl --threshold x", 'this takes a number, not "x"'),
        ("judge evaluate lab.jsonl --out empty", "this is a folder"),
        ("corpus import squad squad.json new", 'squad.json: an entry lacks "context"'),
        ("corpus import squad list.json new", "not SQuAD JSON"),
        ("corpus import beir beir new", 'beir: an entry lacks "_id"'),
        ("corpus import jsonl number.jsonl new", '"context" in row 1 must be a text'),
        ("corpus import jsonl answers.jsonl new", '"answers" in row 1 must be a text or a list of texts'),
        ("corpus import folder blank new", "the corpus is empty"),
        ("corpus import foo a b", 'unknown kind "foo"'),
        ("corpus info plain.txt", "no such corpus folder"),
        ("ask c", "the question is empty"),
        ("ask c hi --setup foo", 'there is no setup "foo"'),
        ("baseline save c", "there is no Run here"),
        ("check c --baseline plain.txt", "this is not a baseline: it is not JSON"),
        ("report c", "there is no Run here"),
        ("foo", "invalid choice: 'foo'"),
    ],
)
def test_a_wrong_input_is_one_line(
    place: Path, line: str, says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    arguments = shlex.split(line)
    if line == "ask c":
        arguments.append(" ")
    try:
        code = main(arguments)
    except SystemExit as stop:  # argparse leaves so
        code = int(stop.code or 0)
    said = [text for text in capsys.readouterr().err.splitlines() if text.startswith("ragtune")]
    assert code == 2
    assert len(said) == 1
    assert says in said[0]
    for foreign in ("Traceback", "Error(", "validation", "Input should", "constrained", "pydantic"):
        assert foreign not in said[0]
    assert not (place / "new").exists()


def test_margins_and_damaged_files_in_a_users_words(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    assert main(["run", "x.yaml", "--limit", "1"]) == 0
    assert main(["baseline", "save", "runs/x", "-o", "b.json"]) == 0
    capsys.readouterr()

    def last(*arguments: str) -> str:
        assert main(list(arguments)) == 2
        return capsys.readouterr().err.strip().splitlines()[-1]

    assert '--margin: "x" is no number' in last("check", "runs/x", "--baseline", "b.json", "--margin", "x")
    assert "is given 2 times" in last("check", "runs/x", "--baseline", "b.json", "--margin", "0.1", "--margin", "0.2")
    assert "this is a folder" in last("check", "runs/x", "--baseline", "b.json", "--junit", "empty")
    assert "there is no store here" in last("ask", "runs/x", "hi", "--store", "nowhere")
    Path("b.json").write_text(json.dumps({"scores": 1, "questions": 2, "format": 1}))
    assert "this baseline is damaged. Save it again" in last("check", "runs/x", "--baseline", "b.json")
    Path("runs/x/times.jsonl").unlink()
    assert "this Run is damaged: times.jsonl is missing" in last("report", "runs/x")
    Path("runs/x/summary.json").write_text("{}")
    Path("runs/x/times.jsonl").write_text("")
    assert "this Run is damaged. Run the experiment again" in last("report", "runs/x")
