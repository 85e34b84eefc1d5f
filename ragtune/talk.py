"""Asking on the command line: questions from arguments, a pipe or a prompt, and answers as they are made on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ragtune.report import terminal
from ragtune.serving.ask import Assistant


def converse(assistant: Assistant, questions: Sequence[str], as_json: bool = False) -> None:
    """Answer the questions; where there are none, those of the standard input, one a line, until it (or an empty line) ends it."""
    for question in questions:
        answer(assistant, question, as_json, named=len(questions) > 1)
    if questions:
        return
    interactive = sys.stdin.isatty()
    if interactive:
        print("An empty line ends.", file=sys.stderr)
    while True:
        if interactive:
            print("? ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line.strip() and (interactive or not line):
            return
        if line.strip():
            answer(assistant, line.strip(), as_json, named=not interactive)


def answer(assistant: Assistant, question: str, as_json: bool = False, named: bool = False) -> None:
    """Print one answer; on a terminal while it is made. ``named``: under its question."""
    if as_json:
        print(terminal.answer_json(assistant.ask(question)), flush=True)
        return
    if named:
        print(terminal.harmless(f"? {question}"), flush=True)
    if not sys.stdout.isatty():
        print(terminal.answer(assistant.ask(question)), flush=True)
        return
    try:
        row = assistant.ask(question, _show)
    except BaseException:
        print()  # what comes next begins on a line of its own
        raise
    print("" if row.answer.outcome != "none" else terminal.words(row))
    print(terminal.sources(row), flush=True)


def _show(piece: str) -> None:
    print(terminal.harmless(piece), end="", flush=True)
