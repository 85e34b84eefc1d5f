"""Reading takes time in proportion to the text, whatever stands in it."""

from __future__ import annotations

import ast
import gc
import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import regex

import ragtune.corpus
import ragtune.text
from ragtune.corpus.chunking import ChunkSettings, chunk_document
from ragtune.corpus.markdown import render
from ragtune.corpus.markup import parse, seen_text
from ragtune.corpus.normalise import normalise
from ragtune.corpus.outline import headings, tables
from ragtune.corpus.pdf import unwrap
from ragtune.corpus.reading import front_matter
from ragtune.records import Document
from ragtune.text.polarity import denials
from ragtune.text.sentences import sentence_spans
from ragtune.text.words import tokens

UNITS = [
    *" \n\t.'([|#`<{$*_~-:a1天。\u3000",
    " \n",
    "a ",
    "AB ",
    "1,",
    "1. ",
    "- ",
    "# ",
    "```\n",
    "| ",
    "Dr. ",
    "a.",
    "{{ ",
    "{% comment %} ",
]
KINDS = (re.Pattern, type(regex.compile("")))


class Letters:
    """A tokenizer without a model: every run of letters is a token."""

    def spans(self, text: str) -> list[tuple[int, int]]:
        return [m.span() for m in re.finditer(r"\S", text)]


def patterns() -> Iterator[tuple[str, Any]]:
    """Every pattern that a module of reading keeps, with how its module uses it."""
    for package in (ragtune.corpus, ragtune.text):
        for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            module = importlib.import_module(info.name)
            source = Path(str(module.__file__)).read_text("utf-8")
            anchored = {
                n.value.id
                for n in ast.walk(ast.parse(source))
                if isinstance(n, ast.Attribute) and n.attr in ("match", "fullmatch") and isinstance(n.value, ast.Name)
            }
            for name, value in vars(module).items():
                for n, pattern in enumerate(value if isinstance(value, list | tuple) else [value]):
                    if isinstance(pattern, KINDS) and isinstance(pattern.pattern, str):
                        use = pattern.match if name in anchored else lambda t, p=pattern: sum(1 for _ in p.finditer(t))
                        yield f"{info.name}.{name}.{n}", use


def seconds(work: Callable[[str], object], unit: str, size: int) -> float:
    text = (unit * size)[:size] + "x"
    gc.disable()  # its pauses grow with what the process holds, not with the text
    try:
        start = time.process_time()
        work(text)
        return time.process_time() - start
    finally:
        gc.enable()


def grows(work: Callable[[str], object], unit: str) -> float:
    """How many times longer 100,000 characters take than 10,000; 0 where that is too short to be more than in proportion."""
    little = seconds(work, unit, 10_000)
    if little < 0.003:  # what grows with the square takes longer
        return 0.0
    if little > 0.2 and (early := little / seconds(work, unit, 1_000)) > 40:
        return early  # it need not be waited for
    little, much = max(0.003, seconds(work, unit, 10_000)), seconds(work, unit, 100_000)
    return much / little if much < 40 * little else seconds(work, unit, 100_000) / seconds(work, unit, 10_000)


@pytest.mark.parametrize(("name", "use"), [pytest.param(n, u, id=n) for n, u in patterns()])
def test_no_pattern_grows_faster_than_the_text(name: str, use: Callable[[str], object]) -> None:
    for unit in UNITS:
        assert grows(use, unit) < 40, (name, unit)


READ: dict[str, Callable[[str], object]] = {
    "normalise": normalise,
    "headings": headings,
    "markdown": render,
    "html": lambda text: seen_text(parse(text)),
    "pdf": unwrap,
    "front matter": front_matter,
    "tables": tables,
    "sentences": sentence_spans,
    "words": lambda text: tokens.__wrapped__(text),  # type: ignore[attr-defined]
    "chunks": lambda text: chunk_document(Document("d", normalise(text)), ChunkSettings(), Letters()),
}


SAID = [
    "1, ",
    "€5 ",
    "2024-01-01 ",
    "1 May 2024, ",
    "Monday ",
    "27 days, ",
    "10:30 ",
    "not ",
    "no, ",
    "一月三日",
    "三百",
]


@pytest.mark.parametrize("unit", SAID)
def test_what_texts_say_is_found_in_proportion_to_them(unit: str) -> None:
    assert grows(lambda text: denials(text + "."), unit) < 40


@pytest.mark.parametrize("name", READ)
def test_no_step_of_reading_grows_faster_than_the_text(name: str) -> None:
    for unit in UNITS:
        assert grows(READ[name], unit) < 40, unit
