"""A system that a team has: a function in a process of its own, an address, a file of answers; beside our setups."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import write_corpus

import ragtune
from ragtune.cli import main
from ragtune.errors import ModelError
from ragtune.experiment.progress import Silent
from ragtune.generation.system import read

PLAIN = """\
print("loading")
CALLS = []

def answer(question):
    CALLS.append(question)
    print("asked", question)
    with open(__file__ + ".log", "a") as log:
        log.write(question + "\\n")
    if "moon" in question.lower():
        return None
    return {
        "answer": "27 days" if "tea" in question.lower() else "Something else",
        "contexts": ["Full-time staff have 27 days of leave a year.", {"text": "Unrelated.", "document": "other.md"}],
        "citations": [1],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3},
    }
"""


def experiment(root: Path, system: str, more: str = "") -> Path:
    write_corpus(root / "corpus")
    file = root / "e.yaml"
    file.write_text(
        "name: e\ncorpus: {path: corpus}\ngenerator: {model: extractive}\nlatency: {sample: 0}\nsetups:\n"
        f"  ours: {{system: {json.dumps(system)}{more}}}\n  rag: {{retrieval: {{dense: false, lexical: {{}}}}}}\n"
    )
    return file


def run(root: Path, file: Path) -> ragtune.Run:
    return ragtune.run(file, out=root / "run", store=root / "store", progress=Silent())


def test_a_function_stands_beside_a_setup(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(PLAIN)
    file = experiment(tmp_path, "bot.py:answer")
    made = run(tmp_path, file)
    rows = {row.question.text: row for row in made.rows if row.setup == "ours"}
    assert len(rows) == len(set((tmp_path / "bot.py.log").read_text().splitlines()))
    leave = next(row for text, row in rows.items() if "tea" in text.lower())
    assert leave.answer.text == "27 days"
    assert leave.answer.citations == (1,)
    assert [h.chunk.document_id for h in leave.answer.hits] == ["context 1", "other.md"]
    assert (leave.answer.tokens.prompt, leave.answer.tokens.answer) == (12, 3)
    assert leave.times.generation >= 0
    asked = (tmp_path / "bot.py.log").read_text().splitlines()
    assert len(asked) == len(rows) + 1  # the first one twice, to see whether it repeats itself
    run(tmp_path, file)
    assert (tmp_path / "bot.py.log").read_text().splitlines() == asked  # nothing is asked again
    run(tmp_path, experiment(tmp_path, "bot.py:answer", ", version: two"))
    assert len((tmp_path / "bot.py.log").read_text().splitlines()) == 2 * len(asked)
    (tmp_path / "bot.py").write_text(PLAIN + "# mended\n")
    run(tmp_path, experiment(tmp_path, "bot.py:answer"))
    assert len((tmp_path / "bot.py.log").read_text().splitlines()) == 3 * len(asked)


def test_it_can_be_asked_something_new(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(PLAIN)
    run(tmp_path, experiment(tmp_path, "bot.py:answer"))
    [row] = ragtune.ask(tmp_path / "run", "Is there much tea?", setup="ours", store=tmp_path / "store")
    assert row.answer.text == "27 days"
    assert len(row.answer.hits) == 2
    assert (tmp_path / "bot.py.log").read_text().count("Is there much tea?") == 1
    [none] = ragtune.ask(tmp_path / "run", "Who lives on the moon?", setup="ours", store=tmp_path / "store")
    assert none.answer.abstained


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("def answer(q):\n    return 1 / 0\n", "bot.py:2"),
        ("def answer(q):\n    return 1 / 0\n", "ZeroDivisionError: division by zero"),
        ("import nowhere_at_all\n", "cannot be loaded: ModuleNotFoundError"),
        ("def other(q):\n    return q\n", "has no attribute 'answer'"),
        ("answer = 3\n", "answer is no function"),
        ("def answer(q):\n    return object()\n", "gave a object"),
        ("def answer(q):\n    return 7\n", "gave a int"),
        ("def answer(q):\n    return {'text': q}\n", "gave no answer (its keys: text)"),
        ("def answer(q):\n    return {'answer': q, 'contexts': [3]}\n", "a context without text (1)"),
        ("def answer(q):\n    return {'answer': q, 'contexts': ['a'], 'citations': [2]}\n", "numbers from 1 to 1"),
        ("import time\ndef answer(q):\n    time.sleep(60)\n", "gave no answer within 0.5 s"),
        ("import os\ndef answer(q):\n    print('out of tea')\n    os._exit(3)\n", "process ended (3): out of tea"),
        ("n = 0\ndef answer(q):\n    global n\n    n += 1\n    return str(n)\n", 'it answered "1" and then "2"'),
    ],
)
def test_what_goes_wrong_is_one_line(tmp_path: Path, body: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bot.py").write_text(body)
    file = experiment(tmp_path, "bot.py:answer", ", timeout: 0.5" if "sleep" in body else "")
    code = main(["run", str(file), "--out", str(tmp_path / "run"), "--store", str(tmp_path / "store")])
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 2
    assert says in last
    assert "Traceback" not in last


def test_what_varies_may_be_said(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("n = 0\nasync def answer(q):\n    global n\n    n += 1\n    return str(n)\n")
    made = run(tmp_path, experiment(tmp_path, "bot.py:answer", ", varies: true"))
    assert {row.answer.text for row in made.rows if row.setup == "ours"} >= {"1", "2"}


@pytest.mark.parametrize(
    ("system", "says"),
    [
        ("bot.py", "FILE.py:FUNCTION"),
        ("bot.py:a b", "FILE.py:FUNCTION"),
        ("http://", "host or port"),
        ("nowhere.py:answer", "there is no such file"),
    ],
)
def test_what_is_no_system(tmp_path: Path, system: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = experiment(tmp_path, system)
    assert main(["run", str(file), "--out", str(tmp_path / "run"), "--store", str(tmp_path / "store")]) == 2
    assert says in capsys.readouterr().err.strip().splitlines()[-1]


def test_a_failure_keeps_what_was_answered(tmp_path: Path) -> None:
    body = "import os\ndef answer(q):\n    open(__file__ + '.log', 'a').write(q + '\\n')\n"
    broken = body + "    if len(open(__file__ + '.log').readlines()) == 4: raise ValueError('tired')\n    return q\n"
    (tmp_path / "bot.py").write_text(broken)
    file = experiment(tmp_path, "bot.py:answer", ", concurrency: 1")
    with pytest.raises(ModelError, match="tired"):
        run(tmp_path, file)
    before = len((tmp_path / "bot.py.log").read_text().splitlines())
    made = run(tmp_path, file)
    questions = len([row for row in made.rows if row.setup == "ours"])
    assert before == 4
    assert len((tmp_path / "bot.py.log").read_text().splitlines()) - before == questions - 2 + 1


@contextmanager
def served(reply: Any, statuses: list[int], kind: str = "application/json") -> Iterator[tuple[str, list[Any]]]:
    heard: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((json.loads(text), self.headers.get("Authorization")))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(reply if isinstance(reply, bytes) else json.dumps(reply).encode())

        def log_message(self, *args: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ask", heard
    finally:
        server.shutdown()


def test_an_address_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_KEY", "secret-1234")
    reply = {"response": "27 days", "source_documents": [{"page_content": "27 days of leave.", "source": "leave.md"}]}
    with served(reply, [503]) as (url, heard):
        made = run(tmp_path, experiment(tmp_path, url, ", api_key_env: TEAM_KEY"))
    rows = [row for row in made.rows if row.setup == "ours"]
    assert {row.answer.text for row in rows} == {"27 days"}
    assert rows[0].answer.hits[0].chunk.document_id == "leave.md"
    assert heard[0] == ({"question": heard[0][0]["question"]}, "Bearer secret-1234")
    assert "secret-1234" not in "".join(p.read_text() for p in (tmp_path / "run").glob("*.*"))


@pytest.mark.parametrize(
    ("reply", "kind", "statuses", "says"),
    [
        (b"not json", "application/json", [], "sent what is no JSON"),
        ({}, "application/json", [404], "answered 404"),
        ({}, "application/json", [500, 500], "answered 500, after 1 retries"),
        ([1], "application/json", [], "gave a list"),
    ],
)
def test_an_address_that_fails(
    tmp_path: Path, reply: Any, kind: str, statuses: list[int], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(reply, statuses, kind) as (url, _):
        file = experiment(tmp_path, url, ", retries: 1")
        assert main(["run", str(file), "--out", str(tmp_path / "run"), "--store", str(tmp_path / "store")]) == 2
    assert says in capsys.readouterr().err.strip().splitlines()[-1]


def test_a_file_of_answers_stands_there_too(tmp_path: Path) -> None:
    file = experiment(tmp_path, "answers.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "corpus" / "questions.jsonl").read_text().splitlines()]
    given = [{"id": r["id"], "question": r["question"], "answer": "27 days"} for r in rows]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(r) + "\n" for r in given))
    made = run(tmp_path, file)
    assert {row.answer.text for row in made.rows if row.setup == "ours"} == {"27 days"}


def test_another_python_runs_the_file(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("import sys\ndef answer(q):\n    return sys.executable\n")
    other = tmp_path / "other-python"
    other.symlink_to(sys.executable)
    made = run(tmp_path, experiment(tmp_path, "bot.py:answer", f", python: {json.dumps(str(other))}"))
    assert {row.answer.text for row in made.rows if row.setup == "ours"} == {str(other)}


def test_a_key_for_another_server_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-you")
    with served("27 days", []) as (url, heard):
        run(tmp_path, experiment(tmp_path, url))
    assert {key for _, key in heard} == {None}


def test_what_differs_late_differs(tmp_path: Path) -> None:
    body = "n = 0\ndef answer(q):\n    global n\n    n += 1\n    return 'word ' * 50 + str(n)\n"
    (tmp_path / "bot.py").write_text(body)
    with pytest.raises(ModelError, match="to the same question"):
        run(tmp_path, experiment(tmp_path, "bot.py:answer"))


def test_shared_settings_of_models_are_nothing_to_it(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("def answer(q):\n    return '27 days'\n")
    file = experiment(tmp_path, "bot.py:answer", ", generator: {timeout: 9}")
    file.write_text(file.read_text().replace("{model: extractive}", "{model: extractive}\nchunking: {size: 64}"))
    made = run(tmp_path, file)
    assert made.experiment.setups["ours"].generator.timeout == 9
    assert made.experiment.setups["ours"].generator.kind == "system"
    assert made.experiment.setups["rag"].generator.kind == "extractive"


def test_marks_of_citations_come_once() -> None:
    given = read({"answer": "27 days [1].", "contexts": ["a", "b"], "citations": [1, 2]}, "I don't know.", "here")
    assert given.text == "27 days [1]. [2]"
    assert read("", "I don't know.", "here").text == "I don't know."
