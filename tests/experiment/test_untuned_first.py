"""What needs no tuning is answered, judged and written first, and says what tuning could add."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import write_corpus

import ragtune
from ragtune.analysis.causes import wrong
from ragtune.cli import main
from ragtune.experiment.progress import Silent

EXPERIMENT = """\
name: e
corpus: {path: corpus}
latency: {sample: 0}
seeds: [0, 1]
judge: {embedder: "bundled:minilm"}
setups:
  tuned: {generator: {model: SMALL, max_new_tokens: 4}, tuning: {train_on: closed-book, epochs: 2, lora: {r: 4}}}
  rag: {generator: {model: extractive}, retrieval: {dense: false, lexical: {}}}
  right: {generator: {model: extractive}, retrieval: {source: oracle, top_k: 2}}
"""
FILES = ("answers.jsonl", "summary.json", "tuning.json", "experiment.yaml")


class Said(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def file(tmp_path: Path, small: Path) -> Path:
    write_corpus(tmp_path / "corpus")
    made = tmp_path / "e.yaml"
    made.write_text(EXPERIMENT.replace("SMALL", str(small)))
    return made


def texts(run: Path) -> list[bytes]:
    return [(run / name).read_bytes() for name in FILES]


def test_the_run_grows_and_ends_as_it_would_in_one_go(file: Path, tmp_path: Path) -> None:
    seen: list[tuple[tuple[str, ...], set[str]]] = []
    told = Said()
    made = ragtune.run(
        file,
        out=tmp_path / "run",
        store=tmp_path / "store",
        progress=told,
        written=lambda run: seen.append((run.about.waiting, {row.setup for row in run.rows})),
    )
    assert seen == [(("tuned",), {"rag", "right"}), ((), {"tuned", "rag", "right"})]
    assert made.about.waiting == ()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["waiting"] == []
    assert any(line.startswith("Before tuning: “rag” has ") for line in told.lines)
    assert any("Still to be tuned: tuned." in line for line in told.lines)
    assert not (tmp_path / "run~1").exists()
    assert made.work.stages["answer"].reused == 0
    assert list(made.summary.setups) == ["tuned", "rag", "right"]
    again = ragtune.run(file, out=tmp_path / "again", store=tmp_path / "store", progress=Silent())
    assert texts(tmp_path / "again") == texts(tmp_path / "run")  # nothing to tune: all in one go
    assert again.work.stages["answer"].computed == 0


def test_until_untuned_stops_and_going_on_costs_nothing_done(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--out", str(tmp_path / "run"), "--store", str(tmp_path / "store"), "--report", str(tmp_path / "r.html")]
    assert main(["run", str(file), "--until", "untuned", *places]) == 0
    told = capsys.readouterr()
    assert "Run it again without --until to go on" in told.err
    part = ragtune.load_run(tmp_path / "run")
    assert part.about.waiting == ("tuned",)
    assert not (tmp_path / "store" / "tune").exists()
    page = (tmp_path / "r.html").read_text()
    assert "Still to come: tuned." in page
    assert 'http-equiv="refresh"' not in page  # it does not grow any more
    assert main(["run", str(file), *places]) == 0
    assert not (tmp_path / "run~1").exists()  # the unfinished one gave way
    whole = ragtune.load_run(tmp_path / "run")
    assert whole.about.waiting == ()
    assert whole.work.stages["answer"].reused == len(part.rows)
    page = (tmp_path / "r.html").read_text()
    assert "Unfinished" not in page
    assert 'http-equiv="refresh"' not in page


def test_a_report_that_is_watched_is_opened_once_and_renews_itself(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: pages.append(Path(url.removeprefix("file://")).read_text()))
    places = ["--out", str(tmp_path / "run"), "--store", str(tmp_path / "store"), "--report", str(tmp_path / "r.html")]
    assert main(["run", str(file), "--watch", *places]) == 0
    [page] = pages
    assert 'http-equiv="refresh"' in page
    assert "Still to come: tuned." in page
    assert 'http-equiv="refresh"' not in (tmp_path / "r.html").read_text()


def test_an_unfinished_run_of_another_experiment_is_kept(file: Path, tmp_path: Path) -> None:
    options = {"store": tmp_path / "store", "progress": Silent(), "until": "untuned"}
    ragtune.run(file, out=tmp_path / "run", **options)  # type: ignore[arg-type]
    file.write_text(file.read_text().replace("name: e", "name: other"))
    ragtune.run(file, out=tmp_path / "run", **options)  # type: ignore[arg-type]
    assert ragtune.load_run(tmp_path / "run~1").about.name == "e"


def test_what_tuning_could_add_is_counted(file: Path, tmp_path: Path) -> None:
    told = Said()
    run = ragtune.run(file, out=tmp_path / "run", store=tmp_path / "store", progress=told, until="untuned")
    [line] = [line for line in told.lines if line.startswith("Before tuning")]
    own = [r for r in run.rows if r.setup == "rag" and r.question.answers]
    bad = [r for r in own if wrong(r)]
    missed = [r for r in bad if r.cause in ("not_retrieved", "ranked_out")]
    assert f"has {100 * (len(own) - len(bad)) / len(own):.0f} % right" in line
    assert f"could add at most {100 * (len(bad) - len(missed)) / len(own):.0f} points" in line
    assert f"On {len(missed)} retrieval missed it" in line
    given = [r for r in run.rows if r.setup == "right" and r.question.answers]
    assert f"the reader has {100 * sum(not wrong(r) for r in given) / len(given):.0f} % right" in line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--until", "untuned", "--dry-run"], "--until has no effect with --dry-run"),
        (["--until", "later"], "invalid choice"),
    ],
)
def test_what_makes_no_sense(file: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["run", str(file), *arguments])
    except SystemExit as stopped:
        code = int(str(stopped.code))
    assert code == 2
    assert says in capsys.readouterr().err


def test_where_all_are_tuned_there_is_nothing_to_stop_after(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = file.read_text().splitlines()
    file.write_text("\n".join(line for line in lines if "extractive" not in line) + "\n")
    options = ["--out", str(tmp_path / "run"), "--store", str(tmp_path / "store")]
    assert main(["run", str(file), "--until", "untuned", *options]) == 2
    assert "every setup is to be tuned" in capsys.readouterr().err


def test_a_stored_choice_of_a_control_is_drawn_anew(file: Path, tmp_path: Path) -> None:
    places = {"out": tmp_path / "run", "store": tmp_path / "store", "progress": Silent()}
    made = ragtune.run(
        file,
        overrides=["setups.tuned={generator: {model: extractive}, retrieval: {dense: false, lexical: true}}"],
        **places,
    )
    wrong_choice = replace(made.summary.decision, setup="right", text="Choose “right”: it was.")
    old = replace(made, summary=replace(made.summary, decision=wrong_choice))
    page = ragtune.write_report(old, tmp_path / "page.html").read_text("utf-8")
    assert "Choose “right”" not in page
    assert "it cannot be served" in page
