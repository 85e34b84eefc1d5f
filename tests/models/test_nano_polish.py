"""The second leg of nano's recipe."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from ragtune.models.nano import pages, polish, scenes, synonyms, train
from ragtune.models.nano.conversation import ABSTAIN, Level

AT = Level(2, 2, 4, 0.0, 0.5, more=True)


def test_every_scene_tells_what_can_be_asked_of_it() -> None:
    assert len(scenes.scenes()) > 100
    assert len({s.title for s in scenes.scenes()}) == len(scenes.scenes())
    for scene in scenes.scenes():
        filled = scenes.filled(Random(scene.title), scene)
        assert len(filled.statements) >= 4
        assert len(filled.untold) >= 4
        for statement in filled.statements:
            assert "{" not in statement.text
            for asked, answer in statement.asks:
                assert all(q.endswith("?") for q in asked)
                assert answer.lower() in statement.text.lower()


def test_scenes_answer_from_the_context_they_cite_or_abstain() -> None:
    asked = {ABSTAIN: 0, "answer": 0}
    for seed in range(300):
        talk = scenes.from_scene(Random(seed), AT)
        for _, answer in talk.turns:
            asked[ABSTAIN if answer == ABSTAIN else "answer"] += 1
            if answer != ABSTAIN:
                value, n = re.fullmatch(r"(.+) \[(\d)\]", answer).groups()  # type: ignore[union-attr]
                assert value.lower() in " ".join(talk.contexts[int(n) - 1][1].lower().split())
    assert 0.2 < asked[ABSTAIN] / sum(asked.values()) < 0.5


def test_held_out_scenes_are_never_trained_on() -> None:
    held = {s.title for s in scenes.scenes() if s.held_out}
    assert len(held) >= 10
    told = {title for seed in range(400) for title, _ in scenes.from_scene(Random(seed), AT).contexts if title}
    assert not told & held
    assert {title for title, _ in scenes.from_scene(Random(1), AT, held_out=True).contexts} <= {*held, ""}


def test_strays_ask_what_is_not_told() -> None:
    talk = polish.Conversation((("", "The barn was painted blue by Ada Keller in 1999."),), ())
    asked = {polish.stray(Random(seed), talk) for seed in range(60)}
    assert any(q and "Ada Keller" in q for q in asked)
    assert any(q and "the barn" in q for q in asked)
    assert not {"Who painted the barn?", "What colour is the barn?"} & asked
    assert polish.stray(Random(0), polish.Conversation((("", "It rained."),), ())) is None


def test_the_second_leg_asks_nothing_wider_than_what_is_told() -> None:
    first, second = pages.usable(False), pages.usable(True)
    assert len(second) > 40
    left = [pages.relations()[i] for i in first if i not in second]
    assert any("{O} eat" in q for _, _, questions in left for q in questions)
    talks = [polish.conversation(Random(seed), []) for seed in range(200)]
    assert all(talk.turns for talk in talks)
    assert max(len(talk.turns) for talk in talks) <= polish.TURNS + 1


def test_neighbours_stand_in_for_words() -> None:
    near = synonyms.neighbours()
    assert "notebook" in near["laptop"]
    assert all(word not in others for word, others in near.items())
    seen = {synonyms.vary(Random(s), "Where is the laptop?", 1.0, near=True) for s in range(40)}
    assert "Where is the notebook?" in seen
    assert all(s.startswith("Where is the ") for s in seen)
    assert {synonyms.vary(Random(s), "Where is the laptop?", 1.0) for s in range(40)} == {"Where is the laptop?"}


def test_the_second_leg_follows_and_resumes_to_the_same_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = [
        "--curriculum",
        "40",
        "--tokens",
        "256",
        "--width",
        "32",
        "--heads",
        "2",
        "--layers",
        "3",
        "--vocabulary",
        "400",
    ]
    small += ["--probe", "2", "--texts", "40", "--threads", "1", "--save-every", "3", "--steps", "5"]
    train.main(["--out", str(tmp_path / "a"), "--polish", "6", *small])
    whole = (tmp_path / "a" / "model.safetensors").read_bytes()
    train.main(["--out", str(tmp_path / "b"), "--polish", "0", *small])
    first = (tmp_path / "b" / "model.safetensors").read_bytes()
    assert first != whole
    train.main(["--out", str(tmp_path / "b"), "--polish", "6", *small])
    assert (tmp_path / "b" / "model.safetensors").read_bytes() == whole
    assert "from step 5" in capsys.readouterr().out


def test_the_rate_begins_anew() -> None:
    args = train.parse(["--out", "x", "--steps", "100", "--polish", "200", "--polish-rate", "0.5"])
    assert train.schedule(99, args) < 0.05
    assert train.schedule(100, args) == pytest.approx(0.01)
    assert train.schedule(149, args) == pytest.approx(0.5 * 151 / 180)
    assert train.schedule(299, args) < 0.01
