"""Runs and answers show themselves in notebooks; frames are scored as files are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import ragtune
from ragtune.errors import CorpusError
from ragtune.experiment.progress import Silent

ROWS = [
    {
        "question": "How long is leave?",
        "answer": "27 days <b>",
        "contexts": ["Leave is 27 days."],
        "reference": "27 days",
    },
    {"question": "Who swims?", "answer": "Nobody", "contexts": ["Nobody swims in May."], "reference": None},
]


@pytest.fixture
def run(tmp_path: Path) -> ragtune.Run:
    judge = {"embedder": "bundled:minilm"}
    frame = pd.DataFrame(ROWS)
    return ragtune.score(frame, judge=judge, out=tmp_path / "run", store=tmp_path / "store", progress=Silent())


def test_a_frame_is_scored(run: ragtune.Run, tmp_path: Path) -> None:
    frame = run.to_pandas()
    assert list(frame["answer"]) == ["27 days <b>", "Nobody"]
    assert frame["setup"].unique().tolist() == ["answers"]
    assert frame["token_f1"].isna().tolist() == [False, True]
    assert "reference" in frame["unscored"][1]["token_f1"]
    assert "token_f1" not in frame["unscored"][0]
    again = ragtune.score(
        pd.DataFrame(ROWS),
        judge={"embedder": "bundled:minilm"},
        out=tmp_path / "b",
        store=tmp_path / "store",
        progress=Silent(),
    )
    assert len(list((tmp_path / "store" / "frames").iterdir())) == 1
    assert again.work.stages["judge"].computed == 0


def test_what_is_no_frame(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="neither a file nor a pandas frame"):
        ragtune.score([{"a": 1}], out=tmp_path / "run", store=tmp_path / "store")  # type: ignore[list-item]


def test_runs_and_rows_are_shown_short(run: ragtune.Run) -> None:
    assert repr(run) == "<Run run: answers on 2 questions>"
    page = run._repr_html_()
    assert len(page) < 5000
    assert "<th>answers</th>" in page
    assert "27 days &lt;b&gt;" in run.rows[0]._repr_html_()
    assert "Leave is 27 days." in run.rows[0]._repr_html_()
