"""What the page's script is given, and what it saves."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from benchmarks.big_report import made_up
from ragtune.cli import main
from ragtune.report import data
from ragtune.report.build import SCRIPTS, asset, render

NODE = shutil.which("node")
QUESTIONS = [
    {"id": "q1", "q": "When is tea?", "ref": ["noon"], "a": [[0, 0, "At noon.", 0], [1, 0, 'At =six, "sharp".', 0]]},
    {"id": "q2", "q": "Who pours?", "ref": [], "a": [[0, 0, "Ola", 0]]},
    {"id": "q3", "q": "What costs it?", "ref": ["2 euros"], "a": [[0, 0, "(no answer came: stop)", 2], [1, 0, "2", 0]]},
]


def run_script(body: str) -> Any:
    """What the page's tools and labels give, without a page."""
    if not NODE:
        pytest.skip("needs node")
    whole = "\n".join(
        [
            "const NO_ANSWER = 2;",
            asset("tools.js"),
            asset("labels.js"),
            f"const questions = {json.dumps(QUESTIONS)};",
            body,
        ]
    )
    done = subprocess.run([NODE, "-e", whole], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_long_data_are_packed_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_up(8)
    plain = data.page_data(run)
    assert data.packed(plain) == data.PageData(plain, False)
    monkeypatch.setattr(data, "PACKED_FROM", 100)
    small = data.packed(plain)
    assert small.packed
    assert len(small.text) < len(plain) / 2
    assert gzip.decompress(base64.b64decode(small.text)).decode("utf-8") == plain
    assert data.packed(plain) == small
    page = render(run)
    [held] = re.findall(r'<script type="text/plain" id="data" data-packed>(.*?)</script>', page)
    assert Markup(held) == small.text


def test_each_score_stands_in_its_metrics_place() -> None:
    run = made_up(8)
    found = json.loads(data.page_data(run))
    assert found["keys"] == list(run.summary.metrics)
    for question in found["questions"]:
        for answer in question["a"]:
            assert len(answer[6]) == len(found["keys"])
    row, answer = run.rows[0], found["questions"][0]["a"][0]
    told = {key: found["scores"][at] for key, at in zip(found["keys"], answer[6], strict=True)}
    assert {m: value for m, (value, _) in told.items()} == {
        m: None if (v := row.value(m)) is None else round(v, 4) for m in run.summary.metrics
    }
    assert {m: found["reasons"][at] for m, (_, at) in told.items()} == {m: s.reason for m, s in row.scores.items()}


def test_no_reference_known_is_told_from_no_answer_there() -> None:
    run = made_up(10)
    found = {q["id"]: q["ref"] for q in json.loads(data.page_data(run))["questions"]}
    assert found["q9"] == []
    assert found["q0"] == list(run.rows[0].question.references)


def test_labels_are_what_judge_evaluate_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = run_script("""
const labels = new Labels("r");
labels.set("q1", "At noon.", true);
labels.set("q1", 'At =six, "sharp".', false);
labels.set("q2", "Ola", true);
labels.set("q3", "(no answer came: stop)", true);
labels.set("q3", "words of an earlier run", true);
labels.set("q3", "2", true);
labels.set("q3", "2", undefined);
console.log(JSON.stringify(labels.records(questions)));
""")
    assert [(x["id"], x["question"], x["references"], x["answer"], x["label"]) for x in lines] == [
        ("q1/1", "When is tea?", ["noon"], "At noon.", True),
        ("q1/2", "When is tea?", ["noon"], 'At =six, "sharp".', False),
    ]
    path, out = tmp_path / "labels.jsonl", tmp_path / "judge.html"
    path.write_text("".join(json.dumps(x) + "\n" for x in lines), "utf-8")
    asked = ["judge", "evaluate", str(path), "--metric", "answer_correctness", "--out", str(out)]
    assert main([*asked, "--store", str(tmp_path / "store")]) == 0
    assert "labels: 2 answers, 1 right" in capsys.readouterr().out


def test_labels_are_kept_by_run_and_question() -> None:
    assert run_script("""
const kept = new Map();
globalThis.localStorage = new Proxy({
  getItem: k => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v), removeItem: k => kept.delete(k),
}, { ownKeys: () => [...kept.keys()], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) });
new Labels("r").set("q1", "yes", true);
new Labels("r").set("q3", "no", false);
new Labels("other").set("q1", "yes", false);
const again = new Labels("r");
again.set("q3", "no", undefined);
console.log(JSON.stringify([again.kept, again.get("q1", "yes"), again.get("q3", "no") ?? null, [...kept.keys()]]));
""") == [True, True, None, ["ragtune:label:r:q1", "ragtune:label:other:q1"]]


def test_cells_of_csv_are_quoted_and_no_formula() -> None:
    rows = [["a,b", 'say "x"', "two\nlines", "=1+1", "-5", "-x", "@y", None, 0.5, -2]]
    assert run_script(f"console.log(JSON.stringify(csv({json.dumps(rows)})));") == (
        '\ufeff"a,b","say ""x""","two\nlines",\'=1+1,-5,\'-x,\'@y,,0.5,-2\r\n'
    )


def test_the_script_sets_no_markup() -> None:
    text = "\n".join(asset(f"{name}.js") for name in SCRIPTS)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text)
    assert "</script" not in text
