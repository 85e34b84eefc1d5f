from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import servers
from conftest import write_corpus

from ragtune.experiment.progress import Silent
from ragtune.serving.ask import Assistant, open_assistant
from ragtune.talk import answer, converse

QUESTION = "When is tea served?"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("talk"))


def served(folder: Path, *pieces: str) -> Assistant:
    _, url = servers.start(servers.in_pieces(list(pieces)))
    more = [f"setups.{name}.retrieval.rerank=null" for name in ("model", "reader", "extractive")]
    return open_assistant(folder, more, folder / "store", "m", url, progress=Silent())


def test_a_terminal_shows_the_answer_while_it_is_made_then_its_sources(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = served(folder, "Tea is ", "at 15:30\x1b[2J", " [1].", " Then it ends.")
    out = Terminal()
    shown: list[str] = []
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr(out, "flush", lambda: shown.append(out.getvalue()))
    answer(made, QUESTION)
    assert shown[:2] == ["Tea is", "Tea is at 15:30"]
    assert out.getvalue().startswith("Tea is at 15:30[2J. Then it ends.\n  [1] tea.md, Tea: “Tea is served at 15:30")


def test_elsewhere_and_as_json_an_answer_is_printed_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = served(folder, "Tea is ", "at 15:30 [1].")
    row = made.ask(QUESTION)

    def pieces_are_not_asked_for(on_text: object) -> object:
        assert on_text is None
        return row

    monkeypatch.setattr(Assistant, "ask", lambda self, question, on_text=None: pieces_are_not_asked_for(on_text))
    converse(made, [QUESTION, "Again?"])
    assert capsys.readouterr().out.startswith(f"? {QUESTION}\nTea is at 15:30.\n  [1] tea.md, Tea: ")
    monkeypatch.setattr("sys.stdout", Terminal())
    answer(made, QUESTION, as_json=True)
    [cited] = json.loads(sys.stdout.getvalue())["citations"]  # type: ignore[attr-defined]
    assert cited["quote"] == "Tea is served at 15:30 in the green room."
    assert cited["headings"] == ["Tea"]


def test_what_comes_after_a_stop_begins_on_its_own_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = served(folder, "Tea")

    def stopped(self: Assistant, question: str, on_text: object = None) -> None:
        on_text("Half an ans")  # type: ignore[operator]
        raise KeyboardInterrupt

    monkeypatch.setattr(Assistant, "ask", stopped)
    monkeypatch.setattr("sys.stdout", Terminal())
    with pytest.raises(KeyboardInterrupt):
        answer(made, QUESTION)
    assert sys.stdout.getvalue() == "Half an ans\n"  # type: ignore[attr-defined]


def test_a_closed_pipe_and_ctrl_c_leave_no_traceback(folder: Path) -> None:
    light = ["--set", "setups.extractive.retrieval.rerank=null", "--store", str(folder / "store")]
    command = [sys.executable, "-m", "ragtune.cli", "ask", str(folder), "--setup", "extractive", *light]
    head = subprocess.run(
        f"yes '{QUESTION}' | {' '.join(command)} | head -1", shell=True, capture_output=True, text=True, timeout=300
    )
    assert head.stdout == f"? {QUESTION}\n"
    assert head.stderr.endswith("Setup extractive answers.\n")  # after what embedding says of itself
    assert "Traceback" not in head.stderr
    ours, theirs = pty.openpty()
    asked = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which a job in the background ignores
    )
    os.close(theirs)
    assert asked.stderr is not None
    assert asked.stderr.readline() == "Setup extractive answers.\n"
    time.sleep(0.5)
    asked.send_signal(signal.SIGINT)
    assert asked.wait(120) == 130
    assert "Traceback" not in (said := asked.stderr.read())
    assert "stopped" in said
    os.close(ours)
