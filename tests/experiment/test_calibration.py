"""`ragtune judge evaluate`: files are kept apart, few labels say so, correctness is measured beside plainer measures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragtune.cli import main
from ragtune.errors import CorpusError
from ragtune.experiment.calibration import distinct_names


def supported(n: int) -> str:
    """``n`` answers, every second one supported."""
    rows = [
        {
            "answer": f"Door {i} opens at nine." if i % 2 else "Lions eat grass.",
            "context": f"Door {i} opens at nine.",
            "label": i % 2,
        }
        for i in range(n)
    ]
    return "\n".join(map(json.dumps, rows))


def test_files_are_told_apart_by_the_shortest_path() -> None:
    def names(*paths: str) -> list[str]:
        return distinct_names([Path(p) for p in paths])

    assert names("x/labels.jsonl") == ["labels"]
    assert names("a/labels.jsonl", "b/labels.jsonl", "b/more.jsonl.gz") == ["a/labels", "b/labels", "b/more"]
    assert names("a/labels.jsonl", "a/labels.tsv") == ["labels.jsonl", "labels.tsv"]
    with pytest.raises(CorpusError, match="given twice"):
        names("a/labels.jsonl", "a/../a/labels.jsonl")


def test_few_labels_say_so_and_keep_no_threshold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, count in (("a", 6), ("b", 60)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "labels.jsonl").write_text(supported(count))
    both = ["judge", "evaluate", "a/labels.jsonl", "b/labels.jsonl", "--out", "x.json"]
    assert main(both) == 0
    said = capsys.readouterr().out
    assert "Few labels: 3 supported, 3 not. Below 30 of each" in said
    assert said.count("Few labels") == 1
    found = json.loads((tmp_path / "x.json").read_text())["sets"]
    assert list(found) == ["a/labels", "b/labels"]
    assert found["a/labels"]["auc"]["value"] == 1.0
    assert found["a/labels"]["auc"]["low"] < 0.7 < found["b/labels"]["auc"]["low"]
    assert [p.name for p in tmp_path.glob("x.*")] == ["x.json"]
    assert main(["judge", "evaluate", "a/labels.jsonl", "--calibrate", "ours", "--out", "page.html"]) == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert 'the threshold "ours" is not kept: 3 supported and 3 unsupported' in told
    assert "Label 30 of each" in told
    assert not list((tmp_path / ".ragtune").glob("thresholds/*"))
    assert "Few labels" in (tmp_path / "page.html").read_text()
    assert main(["judge", "evaluate", "b/labels.jsonl", "--calibrate", "ours"]) == 0
    assert (tmp_path / ".ragtune" / "thresholds" / "ours.json").exists()


def test_correctness_is_measured_beside_plainer_measures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = []
    for n in range(20):
        asked = {"question": f"When was bridge {n} built?", "references": [f"{1900 + n}"]}
        rows += [
            {**asked, "answer": f"Bridge {n} was built in {1900 + n}, so people say.", "label": 1},
            {**asked, "answer": f"Bridge {n} was built in {1950 + n}, so people say.", "label": 0},
        ]
    (tmp_path / "j.jsonl").write_text("\n".join(map(json.dumps, rows)))
    base = ["judge", "evaluate", "j.jsonl", "--metric", "answer_correctness", "--out", "r.html"]
    assert main(base) == 0
    said = capsys.readouterr().out
    assert "j: 40 answers, 20 right" in said
    found = json.loads((tmp_path / "r.json").read_text())["sets"]["j"]
    assert (found["accuracy"]["value"], found["auc"]["value"]) == (1.0, 1.0)
    assert found["beside"]["reference contained"]["accuracy"]["value"] == 1.0
    assert found["beside"]["token F1"]["accuracy"]["value"] == 0.5
    assert "token F1" in (tmp_path / "r.html").read_text()
    assert main([*base, "--calibrate", "ours"]) == 2
    assert "no effect on answer_correctness" in capsys.readouterr().err
