from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
import torch

from ragtune.models.bundled import NANO_FOLDER
from ragtune.models.nano import (
    conversation,
    evaluate,
    examples,
    facts,
    page_examples,
    pages,
    prose,
    synonyms,
    tables,
    train,
)
from ragtune.models.nano.model import build_model


def last() -> conversation.Level:
    return conversation.level(100, 100)


@pytest.mark.parametrize("held_out", [False, True])
def test_every_answer_stands_in_the_context_it_cites(held_out: bool) -> None:
    answered = abstained = 0
    for seed in range(300):
        made = examples.made_up(Random(seed), last(), held_out)
        for question, answer in made.turns:
            assert question[:1].strip()
            if answer == conversation.ABSTAIN:
                abstained += 1
                continue
            text, _, marks = answer.rpartition(" ")
            numbers = [int(n) for n in marks.strip("[]").split("][")]
            answered += 1
            cited = " ".join(" ".join(made.contexts[n - 1]) for n in numbers).lower()
            assert text.lower().removeprefix("the ") in cited
    assert answered > 3 * abstained > 0


def test_pages_and_tables_hold_their_answers() -> None:
    answered = abstained = 0
    for seed in range(300):
        rng = Random(seed)
        made = page_examples.from_pages(rng, last()) if seed % 3 else page_examples.from_table(rng, last())
        for _, answer in made.turns:
            if answer == conversation.ABSTAIN:
                abstained += 1
                continue
            text, _, marks = answer.rpartition(" ")
            numbers = [int(n) for n in marks.strip("[]").split("][")]
            assert all(1 <= n <= len(made.contexts) for n in numbers)
            answered += 1
            across = any(
                text.startswith("| ") for _, text in made.contexts
            )  # a column's name stands in the table's head
            shown = made.contexts if across else [made.contexts[n - 1] for n in numbers]
            assert text.lower().removeprefix("the ").removeprefix("a ") in " ".join(
                map(" ".join, shown)
            ).lower().replace("*", "").replace("\n", " ")
    assert answered > 3 * abstained > 0


def test_a_person_of_a_page_is_looked_up_in_a_table() -> None:
    steps = 0
    for seed in range(60):
        made = page_examples.from_linked(Random(seed), last())
        for question, answer in made.turns:
            text, _, marks = answer.rpartition(" ")
            if marks.count("[") == 2:
                steps += 1
                assert "the person who" in question
                numbers = [int(n) for n in marks.strip("[]").split("][")]
                assert numbers == sorted(set(numbers))
                assert text in " ".join(made.contexts[n - 1][1] for n in numbers)
    assert steps >= 50


def test_what_is_told_of_one_thing_is_not_known_of_another() -> None:
    asked = 0
    for seed in range(200):
        rng = Random(seed)
        about = pages.topic(rng)
        context, told = pages.passages(rng, about, [rng.randrange(len(pages.relations()))], 1, True)[0]
        question = page_examples._of_another(rng, [(context, told, about)])
        if question:
            asked += 1
            assert about.full.lower() not in question.lower() or about.full == about.short
    assert asked > 20


def test_comparisons_name_the_larger() -> None:
    assert tables.size_of("18:30") == 1110
    assert tables.size_of("1,200 euros") == 1200
    assert tables.size_of("5 p.m.") is None
    asked = [t for s in range(200) for t in tables.table(Random(s), 3)[1] if " or " in t[0]]
    assert len(asked) > 30
    assert all(answer[0].removeprefix("the ").removeprefix("a ") in question for question, answer, _ in asked)


def test_every_kind_of_page_relation_can_be_said() -> None:
    for n, (_, statements, questions) in enumerate(pages.relations()):
        assert len(statements) >= 3
        assert len(questions) >= 3
        said = pages.say(Random(n), pages.topic(Random(n)), n, shown=True)
        assert "{" not in said.sentence + "".join(said.questions)


def test_two_hops_cite_two_contexts() -> None:
    made = [examples.two_hop(Random(s), last()) for s in range(30)]
    assert any(a.count("[") == 2 for c in made for _, a in c.turns)


def test_the_curriculum_grows() -> None:
    levels = [conversation.level(s, 100) for s in range(0, 101, 5)]
    assert [x.contexts for x in levels] == sorted(x.contexts for x in levels)
    assert (levels[0].contexts, levels[-1].contexts) == (1, 3)


def test_held_out_domains_are_never_trained_on() -> None:
    names = {d.name for d in facts.domains() if d.held_out}
    assert len(names) >= 3
    kinds = {
        f.kind.split("/")[0] for s in range(200) for g in examples._facts_of_group(Random(s), False, 2, 2) for f in g
    }
    assert not kinds & names


def test_prose_questions_are_answered_by_a_span(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "---\ntitle: x\n---\n# Head\n\nThe Harbour Board must approve the annual plan within 30 days. If the alarm rings, leave the building at once. Staff in Brackwater use the old gate because the new one is locked.\n"
    )
    [paragraph] = prose.paragraphs(tmp_path)
    made = [f for s in range(30) for f in prose.facts(paragraph, Random(s))]
    assert {"leave the building at once", "30"} <= {f.answer for f in made}
    assert all(f.answer in paragraph and f.questions[0].endswith("?") for f in made)
    assert prose.paragraphs(tmp_path / "none") == []


def test_synonyms_change_words_only_for_their_own_row() -> None:
    assert synonyms.vary(Random(0), "the price of it?", 0.0) == "the price of it?"
    seen = {synonyms.vary(Random(s), "the price of it?", 1.0) for s in range(40)}
    assert seen <= {"the cost of it?", "the price of it?", "the fee of it?", "the charge of it?"}
    assert len(seen) > 1


def test_training_starts_with_copying_and_resumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = [
        "--out",
        str(tmp_path),
        "--steps",
        "3",
        "--tokens",
        "256",
        "--vocabulary",
        "800",
        "--save-every",
        "2",
        "--layers",
        "3",
        "--width",
        "64",
    ]
    args += ["--heads", "2", "--probe", "4", "--texts", "200", "--polish", "0"]
    train.main(args)
    assert "from step 0" in capsys.readouterr().out
    assert {"model.safetensors", "tokenizer.json", "recipe.json", "sha256.json", "checkpoint.pt"} <= {
        p.name for p in tmp_path.iterdir()
    }
    train.main([*args, "--steps", "4"])
    assert "from step 3" in capsys.readouterr().out
    other = tmp_path / "other"
    train.main([*args, "--out", str(other), "--steps", "1", "--start-from", str(tmp_path)])
    assert (other / "tokenizer.json").read_bytes() == (tmp_path / "tokenizer.json").read_bytes()
    assert (other / "model.safetensors").exists()


def test_the_induction_circuit_copies_before_any_training() -> None:
    args = train.parse(["--out", "x"])
    model = build_model(args).eval()
    rng = Random(0)
    ids, weights = train.pad([train.repeats(rng, args.vocabulary) for _ in range(8)])
    with torch.no_grad():
        hit = (model(input_ids=ids).logits[:, :-1].argmax(-1) == ids[:, 1:]) & (weights[:, 1:] > 0)
    assert float(hit.sum() / (weights > 0).sum()) > 0.25


def test_readers_are_measured_on_made_up_and_squad_questions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    squad = tmp_path / "s.json"
    qas = [{"id": "1", "question": "When did it open?", "answers": [{"text": "1931", "answer_start": 13}]}]
    squad.write_text(
        json.dumps(
            {
                "data": [
                    {
                        "title": "A",
                        "paragraphs": [
                            {"context": "It opened in 1931.", "qas": qas},
                            {"context": "It rains.", "qas": []},
                        ],
                    }
                ]
            }
        )
    )
    monkeypatch.setattr("sys.argv", ["evaluate", "--count", "6", "--squad", str(squad)])
    evaluate.main()
    rows = [line.split("{", 1)[1] for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 10
    for row in rows:
        found = json.loads("{" + row)
        assert all(0 <= v <= 1 for k, v in found.items() if k not in ("questions", "unanswerable"))
    assert evaluate.f1("about 27 days [1]", "27 days") == pytest.approx(0.8)
    assert evaluate.squad(squad, 2)[0][3] in (1, 2)


def test_loss_covers_answers_most() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(NANO_FOLDER)
    ids, weights = train.encode(
        tokenizer,
        conversation.Conversation((("", "It is red."),), (("What is it?", "red [1]"), ("Why?", conversation.ABSTAIN))),
    )
    assert len(ids) == len(weights)
    answer = tokenizer.decode([i for i, w in zip(ids, weights, strict=True) if w >= train.ABSTAIN_WEIGHT])
    assert answer == " red [1]<|end|> I don't know.<|end|>"


def test_shipped_weights_are_small_and_safe() -> None:
    assert (NANO_FOLDER / "model.safetensors").stat().st_size < 30e6
    assert not [p for p in NANO_FOLDER.iterdir() if p.suffix in {".bin", ".pt", ".pkl"}]
    assert "LlamaForCausalLM" in json.loads((NANO_FOLDER / "config.json").read_text())["architectures"]
    assert (NANO_FOLDER / "README.md").read_text().startswith("#")
