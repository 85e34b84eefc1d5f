"""A set of questions: amounts, splits, styles, filters, the round trip, and the same again from the same seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from conftest import ROOT, write_corpus
from servers import Server

from ragtune.cli import main
from ragtune.corpus.load import Corpus, CorpusSettings, load_corpus
from ragtune.errors import CorpusError, ModelError
from ragtune.experiment.progress import Silent
from ragtune.store import Store
from ragtune.synthesis.make import Synthesis, synthesise
from ragtune.synthesis.settings import SynthesisSettings
from ragtune.synthesis.styles import keywords, mistyped

HANDBOOK = ROOT / "corpora" / "handbook"


def documents() -> Corpus:
    found = load_corpus(CorpusSettings(path=str(HANDBOOK)))
    return Corpus(found.path, found.documents, ())


def make(tmp_path: Path, corpus: Corpus | None = None, **settings: object) -> Synthesis:
    wanted = SynthesisSettings.model_validate({"check": False, "number": 40, **settings})
    return synthesise(corpus or documents(), wanted, Store(tmp_path / "store"), Silent())


def test_amounts_splits_and_evidence(tmp_path: Path) -> None:
    made = make(tmp_path)
    assert len(made.made) == 40 - sum("of" in why for why in made.missing.values()) or made.missing
    assert made.language == "en"
    kinds = made.counts("kind")
    assert kinds["single fact"] >= 28
    assert kinds["yes/no"] == 4
    splits = made.counts("split")
    assert abs(splits["test"] - 0.5 * len(made.made)) <= 1
    texts = {d.id: d.text for d in documents().documents}
    for m in made.made:
        for span in m.question.spans:
            assert texts[span.document_id][span.start : span.end]
        assert m.question.unanswerable == (m.question.tags == ("unanswerable",))
    places = [(s.document_id, s.start) for m in made.made for s in m.question.spans]
    assert len(places) == len(set(places))  # each sentence is asked for once, so no two splits share evidence


def test_the_same_seed_gives_the_same_set(tmp_path: Path) -> None:
    first, again, other = (make(tmp_path, seed=s).made for s in (3, 3, 4))
    assert first == again
    assert first != other


def test_a_split_of_ones_own_and_styles(tmp_path: Path) -> None:
    made = make(tmp_path, split="train", styles={"keyword": 0.5, "typos": 0.5}, kinds={"single fact": 1})
    assert made.counts("split") == {"train": len(made.made)}
    assert set(made.counts("style")) <= {"keyword", "typos", "sentence"}
    assert made.counts("style")["keyword"] >= 10
    assert keywords("When must timesheets be submitted?", Random(0)) == "timesheets submitted"
    slip = mistyped("When must timesheets be submitted?", Random(0))
    assert slip != "When must timesheets be submitted?"
    assert abs(len(slip) - 34) <= 1


def test_kinds_that_rules_cannot_make_are_named(tmp_path: Path) -> None:
    made = make(tmp_path, kinds={"comparison": 0.5, "single fact": 0.5})
    assert made.missing["comparison"] == "this method cannot make it"
    assert made.counts("kind") == {"single fact": len(made.made)}


def test_what_a_corpus_asks_already_is_not_asked_again(tmp_path: Path) -> None:
    known = make(tmp_path)
    corpus = Corpus(HANDBOOK, documents().documents, tuple(m.question for m in known.made))
    more = make(tmp_path, corpus)
    assert not {m.question.text for m in known.made} & {m.question.text for m in more.made}
    assert not {m.question.id for m in known.made} & {m.question.id for m in more.made}
    taken = [(s.document_id, s.start, s.end) for m in known.made for s in m.question.spans]
    asked = [(s.document_id, s.start, s.end) for m in more.made for s in m.question.spans]
    assert not [
        1 for d, a, b in asked for e, x, y in taken if d == e and a < y and x < b
    ]  # no split learns another's evidence


def test_nothing_to_ask_is_said(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", {"a.txt": "Hm.\n"}, [])
    with pytest.raises(CorpusError, match="no question could be made of these documents by rules"):
        make(tmp_path, load_corpus(CorpusSettings(path=str(tmp_path / "c"))))


PAGES = {
    "tea.md": "# Tea\n\nTea is served at 15:30 in the green room. The kettle holds 12 litres of water.\n\nMr. Ola Brand pours it. " + "Guests are asked to bring their own cups to the room. " * 3,
    "boats.md": "# Boats\n\nThe boat Sprat carries 12 people. The boat Herring carries 30 people.\n\n" + "Boats are moored at the long pier behind the market hall. " * 3,
}  # fmt: skip


def test_the_round_trip_with_a_model_that_reads(tmp_path: Path) -> None:
    """The bundled reader: what it cannot answer from its evidence is out, what it answers stays; kept replies are not made again."""
    corpus = load_corpus(CorpusSettings(path=str(write_corpus(tmp_path / "c", PAGES, []))))
    made = make(tmp_path, corpus, check=True, number=4, kinds={"single fact": 1}, embedder="bundled:minilm")
    assert made.checked == "bundled:reader"
    assert made.made
    texts = {m.question.text: m.question.references for m in made.made}
    assert all(q.endswith("?") and a for q, a in texts.items())
    assert made.drafts == len(made.made) + sum(made.refused.values())
    again = make(tmp_path, corpus, check=True, number=4, kinds={"single fact": 1}, embedder="bundled:minilm")
    assert again.made == made.made


def writer(message: str) -> object:
    """Writes one question of each kind that it is asked for, with quotes that stand in the pages."""
    if "Second document" in message:
        kind = "comparison" if '"comparison"' in message else "two documents"
        tea = message.index("served at 15:30") < message.index("Sprat carries")
        quotes, text = (
            ["The kettle holds 12 litres of water", "Sprat carries 12 people"],
            "Which is larger, the kettle or the crew of the Sprat?",
        )
        if kind == "two documents":
            quotes, text = (
                ["Mr. Ola Brand pours it", "Boats are moored at the long pier"],
                "Who pours, and where do guests moor?",
            )
        first, second = quotes if tea else quotes[::-1]
        return {
            "questions": [{"kind": kind, "question": text, "answer": "Neither", "quote": first, "second_quote": second}]
        }
    if "does not answer" in message or "that the text does not answer" in message:
        return {
            "questions": [
                {"kind": "unanswerable", "question": "Who painted the hull of the boat Herring?", "answer": ""}
            ]
        }
    if "15:30" in message:
        return {"questions": [{"kind": "paraphrase", "question": "At what hour do guests get their cuppa?", "answer": "15:30", "quote": "Tea is served at 15:30 in the green room."}, {"kind": "single fact", "question": "Who is invented?", "answer": "x", "quote": "This stands nowhere."}]}  # fmt: skip
    return {
        "questions": [
            {
                "kind": "yes/no",
                "question": "Does the Herring take thirty people aboard?",
                "answer": "Yes",
                "quote": "The boat Herring carries 30 people.",
            }
        ]
    }


KINDS = {"paraphrase": 1, "yes/no": 1, "unanswerable": 1, "comparison": 1, "two documents": 1}


def test_a_served_model_writes_every_kind(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve(writer)
    corpus = load_corpus(CorpusSettings(path=str(write_corpus(tmp_path / "c", PAGES, []))))
    made = make(tmp_path, corpus, number=5, kinds=KINDS, model="m", endpoint=server.url)
    by = {m.question.tags[0]: m.question for m in made.made}
    assert set(by) == set(KINDS)
    assert len(by["comparison"].evidence) == 2
    assert {s.document_id for s in by["two documents"].spans} == {"tea.md", "boats.md"}
    assert by["unanswerable"].answers == ()
    assert not any("invented" in m.question.text for m in made.made)  # its quote stands nowhere
    asked = len(server.messages)
    again = make(tmp_path, corpus, number=5, kinds=KINDS, model="m", endpoint=server.url)
    assert again.made == made.made
    assert len(server.messages) == asked  # replies are kept
    few = make(tmp_path / "other", corpus, number=5, kinds=KINDS, model="m", endpoint=server.url, budget=1)
    assert len(server.messages) == asked + 1
    assert len(few.made) <= 2


def test_a_model_that_writes_nothing_usable_is_said(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve(lambda message: "I am a teapot.")
    corpus = load_corpus(CorpusSettings(path=str(write_corpus(tmp_path / "c", PAGES, []))))
    with pytest.raises(ModelError, match="rules make questions without a model"):
        make(tmp_path, corpus, number=5, model="m", endpoint=server.url)


def test_the_command_writes_once_and_says_what_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    corpus = write_corpus(tmp_path / "c", PAGES, [])
    line = ["corpus", "synthesise", str(corpus), "--number", "6", "--no-check", "--style", "keyword=1"]
    assert main(line) == 0
    out = capsys.readouterr().out
    assert "made by rules, in English" in out
    assert "Next: ragtune corpus review" in out
    rows = [json.loads(r) for r in (corpus / "questions.jsonl").read_text().splitlines()]
    assert rows
    assert all(r["made"] == "rules" and r["rule"] for r in rows)
    told = json.loads((corpus / "questions.made.json").read_text())
    assert told["questions"] == len(rows)
    assert load_corpus(CorpusSettings(path=str(corpus))).questions  # reads back
    assert main(line) == 2
    assert "not overwritten" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--number", "0"], "greater than or equal to 1"),
        (["--kind", "riddle=1"], "--kind"),
        (["--kind", "single fact=-1"], "not negative"),
        (["--style", "loud=1"], "--style"),
        (["--endpoint", "http://localhost:1/v1"], "an endpoint needs the model name"),
        (["--budget", "5"], "a budget limits requests to a model"),
        (["--model", "m", "--endpoint", "http://localhost:1/v1", "--budget", "0"], "greater than or equal to 1"),
    ],
)
def test_wrong_options(
    options: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["corpus", "synthesise", str(write_corpus(tmp_path / "c", PAGES, [])), *options]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1
