"""From a folder to an experiment that runs: what is written, what is said, what is refused and leaves nothing behind."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT
from servers import Server

from ragtune.cli import main
from ragtune.corpus.load import CorpusSettings, load_corpus
from ragtune.errors import RagtuneError
from ragtune.experiment.spec import load_experiment
from ragtune.start.budget import Budget, Prices, read_budget, read_prices

VILLAGE = ROOT / "corpora" / "village" / "documents"
CHINESE = "# 图书馆\n\n图书馆于1998年正式开馆。服务台位于一楼大厅东侧。读者须在30天内归还图书。如果遗失借书证，应立即到服务台挂失。\n\n开放时间由馆长办公室决定。"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answered(folder: Path) -> Path:
    """A list of questions with answers alone."""
    path = folder / "faq.csv"
    rows = [
        ["question", "answer"],
        ["How many days may a library book be kept?", "three weeks"],
        ["Who runs the bakery?", "nobody knows"],
    ]
    with path.open("w", newline="") as out:
        csv.writer(out).writerows(rows)
    return path


def test_a_folder_becomes_an_experiment_that_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(VILLAGE), "--name", "village", "--number", "8"]) == 0
    out = capsys.readouterr().out
    assert "languages: English 100%" in out
    assert "to a first verdict" in out
    commands = [line.strip() for line in out.splitlines() if line.startswith("  ragtune ")]
    assert commands[0] == "ragtune corpus review corpora/village"
    assert commands[1] == "ragtune run experiments/village.yaml --until untuned --watch"
    made = load_experiment(Path("experiments/village.yaml"))
    assert list(made.setups)[:3] == ["prompt-only", "rag", "oracle"]
    corpus = load_corpus(CorpusSettings(path="corpora/village"))
    assert corpus.questions
    assert all(any(t.startswith("made:") for t in q.tags) for q in corpus.questions)
    before = {p: p.read_bytes() for p in here.rglob("*") if p.is_file() and ".ragtune" not in p.parts}
    assert main(["init", str(VILLAGE), "--name", "village"]) == 2
    assert "not overwritten" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in before} == before
    assert (
        main(["run", "experiments/village.yaml", "--until", "untuned", "--limit", "3", "--set", "latency.sample=0"])
        == 0
    )
    told = capsys.readouterr()
    assert "Choose “Right passage given”" not in told.out  # a control cannot be served
    page = Path("reports/village.html").read_text()
    assert "were made from the documents" in page
    assert "a person has read 0 of them" in page


def test_questions_that_one_has(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(VILLAGE), "--name", "v", "--questions", str(answered(here)), "--model", "extractive"]) == 0
    out = capsys.readouterr().out
    assert "2 questions from" in out
    assert len(load_corpus(CorpusSettings(path="corpora/v")).questions) == 2
    assert load_experiment(Path("experiments/v.yaml")).setups["words"].generator.model == "extractive"


def test_a_language_that_no_bundled_model_reads(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "zh").mkdir()
    (here / "zh" / "a.md").write_text(CHINESE)
    assert main(["init", "zh", "--number", "20"]) == 0
    out = capsys.readouterr().out
    assert "languages: Chinese 100%" in out
    assert "What answers: extractive (bundled:reader reads English alone" in out
    assert list(load_experiment(Path("experiments/zh.yaml")).setups) == ["words", "hybrid", "oracle"]


def test_an_endpoint_is_told_what_leaves_and_what_it_costs(
    here: Path, capsys: pytest.CaptureFixture[str], serve: Callable[..., Server]
) -> None:
    server = serve(lambda message: "three weeks")
    line = [
        "init",
        str(VILLAGE),
        "--name",
        "v",
        "--questions",
        str(answered(here)),
        "--model",
        "m",
        "--endpoint",
        server.url,
    ]
    assert main([*line, "--prices", "0.5,1.5", "--budget", "5EUR"]) == 0
    out, err = capsys.readouterr()
    assert f"To {server.url} go the questions" in err  # before anything goes there
    assert "EUR" in out
    assert len(server.messages) == 2
    made = load_experiment(Path("experiments/v.yaml"))
    assert made.costs.currency == "EUR"
    assert made.costs.prompt_1k_tokens == 0.0005
    assert not any(s.tuning for s in made.setups.values())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--budget", "0m"], "nothing can be done for 0m"),
        (["--budget", "soon"], '"soon" is no budget'),
        (["--budget", "5EUR"], "a budget in money needs an endpoint and its prices"),
        (["--budget", "1s", "--name", "x"], "the budget does not hold 20 questions"),
        (["--prices", "1,2"], "--prices has no effect without --endpoint"),
        (["--endpoint", "http://localhost:1/v1"], "--endpoint needs --model"),
        (["--name", "a/b"], '"a/b" is no name'),
        (["--questions", "none.csv"], "there is no such file"),
        (["--model", "path/to/nothing"], "path/to/nothing"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    options: list[str], says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(VILLAGE), *options]) == 2
    err = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ragtune: ")]
    assert len(err) == 1
    assert says in err[0]
    assert not list((here / "corpora").glob("*")) if (here / "corpora").exists() else True
    assert not (here / "experiments").exists() or not list((here / "experiments").iterdir())


def test_a_folder_without_readable_text(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "empty").mkdir()
    (here / "blank").mkdir()
    (here / "blank" / "a.txt").write_text(" \n")
    for folder, says in (
        ("empty", "holds no document"),
        ("blank", "no document could be read"),
        ("nowhere", "no such file or folder"),
    ):
        assert main(["init", folder]) == 2
        assert says in capsys.readouterr().err
        assert not (here / "corpora" / folder).exists()


def test_budgets_and_prices() -> None:
    assert read_budget("30m") == Budget(seconds=1800)
    assert read_budget("1,5h") == Budget(seconds=5400)
    assert read_budget("5€") == Budget(money=5, currency="EUR")
    assert read_budget("5 usd") == Budget(money=5, currency="USD")
    assert read_budget(None) == Budget()
    assert read_prices("0.15,0.6") == Prices(0.15, 0.6)
    assert Prices(1.0, 2.0).of(1_000_000, 500_000) == 2.0
    for wrong in ("1", "a,b", "-1,2"):
        with pytest.raises(RagtuneError, match="no two prices"):
            read_prices(wrong)
