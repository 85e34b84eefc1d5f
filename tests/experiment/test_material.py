"""What a setup may search beside the chunks of its corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import write_corpus

import ragtune
from ragtune.analysis.costs import CostSettings, cost_of
from ragtune.cli import main
from ragtune.experiment.chunk import chunks
from ragtune.experiment.progress import Silent
from ragtune.experiment.spec import load_experiment
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generator import Request
from ragtune.generation.local import LocalGenerator
from ragtune.generation.prefix import ENDS, common
from ragtune.generation.prompts import load_prompt
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.records import Answer, Chunk, Hit, Question
from ragtune.store import Store

WORDS = "dense: false, lexical: true"


def made(root: Path, setups: str, generator: str = "{model: extractive}") -> ragtune.Run:
    if not (root / "corpus").exists():
        write_corpus(root / "corpus")
    (root / "e.yaml").write_text(
        f"corpus: {root}/corpus\ngenerator: {generator}\nlatency: {{sample: 1}}\nchunking: {{size: 16}}\nsetups:\n{setups}",
        "utf-8",
    )
    return ragtune.run(root / "e.yaml", out=root / "run", store=root / "store", progress=Silent())


def found(run: ragtune.Run) -> dict[tuple[str, str], Answer]:
    return {(r.setup, r.question.id): r.answer for r in run.rows}


def test_train_questions_with_their_answers_another_corpus_and_whole_documents_are_searched(tmp_path: Path) -> None:
    other = {f"{n}.txt": f"The captain of boat {n} is away. Its tea is cold." for n in range(40)}
    write_corpus(tmp_path / "other", documents=other, questions=[])
    setups = (
        f"  chunks: {{retrieval: {{{WORDS}}}}}\n"
        f"  training: {{retrieval: {{{WORDS}, source: training}}}}\n"
        f"  other: {{retrieval: {{{WORDS}, source: corpus, corpus: {tmp_path}/other}}}}\n"
        f"  whole: {{retrieval: {{{WORDS}, source: whole, top_k: 2}}}}\n"
    )
    run = made(tmp_path, setups)
    answers = found(run)
    assert answers["training", "q1"].hits[0].chunk.text == "At what time do we have tea?\n15:30"
    assert answers["training", "q1"].hits[0].chunk.document_id == "train/t1"
    assert all(h.chunk.document_id in other for q in ("q1", "q2") for h in answers["other", q].hits)
    assert answers["whole", "q2"].hits[0].chunk.text == (tmp_path / "corpus" / "documents" / "boats.txt").read_text()
    assert set(run.summary.retrieval) == {"chunks", "whole"}  # of the others' hits no evidence can be told
    assert run.summary.setups["other"] == "other (control)"
    stages = json.loads((tmp_path / "run" / "work.json").read_text())["stages"]
    again = made(tmp_path, setups)
    assert found(again) == answers
    assert stages["retrieve"]["computed"] > 0
    assert json.loads((tmp_path / "run" / "work.json").read_text())["stages"]["retrieve"]["computed"] == 0


def test_the_other_corpus_has_as_many_chunks_as_the_own(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus")
    write_corpus(tmp_path / "other", documents={f"{n}.txt": f"Boat {n} is away." for n in range(40)}, questions=[])
    (tmp_path / "e.yaml").write_text(
        "corpus: corpus\nsetups:\n  own: {retrieval: true}\n  other: {retrieval: {source: corpus, corpus: other}}\n"
    )
    experiment = load_experiment(tmp_path / "e.yaml")
    bench = Workbench(experiment, Store(tmp_path / "store"), Silent())
    own, other = (chunks(bench, experiment.setups[name]) for name in ("own", "other"))
    assert len(other) == len(own) < 40


def test_a_whole_corpus_stands_before_every_question_and_is_read_once(tmp_path: Path, small: Path) -> None:
    setups = "  all: {retrieval: {source: whole, whole: corpus}}\n"
    run = made(tmp_path, setups, f"{{model: '{small}', max_new_tokens: 6}}")
    for row in run.rows:
        assert [h.chunk.document_id for h in row.answer.hits] == sorted({h.chunk.document_id for h in row.answer.hits})
        assert len(row.answer.hits) == len(list((tmp_path / "corpus" / "documents").iterdir()))
        assert row.answer.dropped == 0
    assert run.summary.retrieval == {}


def test_what_all_prompts_share_reaches_to_the_question(small: Path) -> None:
    model = LanguageModel(resolve(str(small)))
    hits = [
        Hit(Chunk(t, t, 0, len(t), t), 1.0, n) for n, t in enumerate(["Tea is at noon.", "Boats leave at dawn."], 1)
    ]
    prompt = load_prompt("cited")
    short = common(model, [prompt.messages(end, []) for end in ENDS], False)
    long = common(model, [prompt.messages(end, hits) for end in ENDS], False)
    assert "dawn" in model.tokenizer.decode(long)
    assert len(long) > len(short)
    settings = GeneratorSettings(model=str(small), max_new_tokens=8)
    asked = [Request(str(n), Question(str(n), f"When is tea {n}?"), tuple(hits)) for n in range(3)]
    replies = []
    for shared in ((), tuple(hits)):
        generator = LocalGenerator(model, prompt, settings, shared)
        parts = generator.batches(asked, 0)
        replies.append({key: reply.raw for part in parts for key, reply in generator.answer(part, None, 0)})
    assert replies[0] == replies[1]


def test_tokens_that_were_read_before_have_a_price_of_their_own() -> None:
    prices = CostSettings(prompt_1k_tokens=1.0, cached_1k_tokens=0.1)
    assert cost_of(prices, 0, 1000, 0, 0, None, cached=800).question == pytest.approx(0.2 + 0.08)
    assert cost_of(CostSettings(prompt_1k_tokens=1.0), 0, 1000, 0, 0, None, cached=800).question == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("setup", "why"),
    [
        (
            "{retrieval: {source: whole, whole: corpus}, generator: {model: SMALL, window: 128}}",
            "the whole corpus needs ",
        ),
        ("{retrieval: {source: corpus}}", "source: corpus needs retrieval.corpus"),
        ("{retrieval: {source: training, expand: section}}", "source: training has no documents"),
        (
            "{retrieval: {source: whole, whole: corpus, top_k: 3}}",
            "top_k has no effect: whole: corpus shows all documents",
        ),
        ("{retrieval: {source: training}, tuning: {train_on: contexts}}", "would show each question its own answer"),
        (
            "{retrieval: {source: whole, whole: corpus}, prompt: {system: LONG}, generator: {model: SMALL, window: 900}}",
            "the whole corpus needs ",
        ),
        (
            "{retrieval: {source: whole, whole: corpus}, prompt: {reasoning: true, reasoning_tokens: 800}, generator: {model: SMALL, window: 900}}",
            "the whole corpus needs ",
        ),
        ("{retrieval: {source: whole, whole: corpus, query: rewrite}}", "query has no effect: whole: corpus shows"),
        ("{retrieval: {source: whole, whole: corpus, when: iterative}}", "when has no effect: whole: corpus shows"),
        ("{retrieval: {source: chunk}}", "'summary', 'graph' or 'sql' (given: 'chunk')"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    setup: str, why: str, tmp_path: Path, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path / "corpus")
    setup = setup.replace("SMALL", str(small)).replace("LONG", "'" + "Be kind. " * 400 + "'")
    (tmp_path / "e.yaml").write_text(f"corpus: {tmp_path}/corpus\nsetups:\n  a: {setup}\n")
    assert main(["run", str(tmp_path / "e.yaml"), "--store", str(tmp_path / "s"), "--out", str(tmp_path / "r")]) == 2
    said = capsys.readouterr().err.strip()
    assert why in said
    assert "\n" not in said


def test_questions_of_the_train_split_do_not_find_their_own_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path / "corpus")
    setup = f"{{generator: {{model: extractive}}, retrieval: {{{WORDS}, source: training}}}}"
    (tmp_path / "e.yaml").write_text(f"corpus: {tmp_path}/corpus\nsplit: train\nsetups: {{a: {setup}}}\n")
    assert main(["run", str(tmp_path / "e.yaml"), "--store", str(tmp_path / "s"), "--out", str(tmp_path / "r")]) == 2
    assert "would find its own answer" in capsys.readouterr().err
