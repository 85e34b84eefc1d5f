"""The GitHub Action for real but for GitHub: its steps run on a tiny experiment, beside a stand-in for `gh`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import write_corpus

from ragtune.cli import main

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github" / "actions" / "check"
STEPS: dict[str, dict[str, Any]] = {
    step["name"]: step for step in yaml.safe_load((ACTION / "action.yml").read_text("utf-8"))["runs"]["steps"]
}
EXPERIMENT = """\
corpus: corpus
generator: {model: extractive}
judge: {embedder: "bundled:minilm", extra_metrics: []}
latency: {sample: 0}
chunking: {by: document}
setups: {words: {retrieval: {dense: false, lexical: true}}}
"""
#: keeps comments in a file; its jq is the one thing of `gh api` that is told in Python
GH = """\
import json, os, sys
from pathlib import Path

place, args = Path(os.environ["COMMENTS"]), sys.argv[1:]
calls = json.loads(place.read_text()) if place.exists() else {"calls": [], "bodies": {"7": "a person's"}}
assert args[0] == "api" and os.environ["GH_TOKEN"] == "secret"
if "--paginate" in args:
    assert args[2] == "repos/me/mine/issues/12/comments"
    assert args[4] == '.[] | select(.user.type == "Bot" and (.body | startswith(env.mark))) | .id'
    print(*(n for n, body in calls["bodies"].items() if body.startswith(os.environ["mark"])), sep="\\n")
else:
    method, path, field = args[2], args[3], args[5]
    assert field.startswith("body=@")
    number = path.rsplit("/", 1)[1] if method == "PATCH" else str(len(calls["bodies"]) + 100)
    assert path == ("repos/me/mine/issues/comments/" + number if method == "PATCH" else "repos/me/mine/issues/12/comments")
    calls["calls"].append(method)
    calls["bodies"][number] = Path(field[6:]).read_text("utf-8")
place.write_text(json.dumps(calls))
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "corpus")
    (tmp_path / "e.yaml").write_text(EXPERIMENT, "utf-8")
    (tmp_path / "bin").mkdir()
    (tmp_path / "gh.py").write_text(GH, "utf-8")
    for name, what in (("ragtune", "-m ragtune.cli"), ("gh", str(tmp_path / "gh.py"))):
        (tmp_path / "bin" / name).write_text(f'#!/bin/sh\nexec {sys.executable} {what} "$@"\n', "utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def step(job: Path, name: str, inputs: dict[str, str], code: str = "") -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does; what it asks GitHub for is given."""
    known = {f"inputs.{key}": value for key, value in inputs.items()}
    known |= {"github.event.pull_request.number": "12", "steps.check.outputs.code": code}
    asked = {
        key: re.sub(r"\$\{\{ (.*?) \}\}", lambda found: known[found[1]], value)
        for key, value in STEPS[name]["env"].items()
    }
    env = {
        **os.environ,
        **asked,
        "PATH": f"{job / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "GITHUB_ACTION_PATH": str(ACTION),
        "GITHUB_OUTPUT": str(job / "output"),
        "GITHUB_STEP_SUMMARY": str(job / "summary.md"),
        "GITHUB_REPOSITORY": "me/mine",
        "COMMENTS": str(job / "comments.json"),
    }
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]]
    return subprocess.run(shell, cwd=job, env=env, capture_output=True, text=True, check=False)


def checked(job: Path, check_options: str = "", baseline: str = "baseline.json") -> tuple[str, str]:
    """The exit code that the job ends with, and the comment."""
    inputs = {
        "experiment": "e.yaml",
        "baseline": baseline,
        "run-options": "--set seeds=[1]",
        "check-options": check_options,
    }
    done = step(job, "Run and check", inputs)
    assert done.returncode == 0, done.stdout + done.stderr
    code = (job / "output").read_text("utf-8").splitlines()[-1].removeprefix("code=")
    said = step(job, "Comment", {"token": "secret", "experiment": "e.yaml"})
    assert said.returncode == 0, said.stderr
    assert str(step(job, "Verdict", {}, code).returncode) == code
    [comment] = [b for n, b in json.loads((job / "comments.json").read_text())["bodies"].items() if n != "7"]
    assert comment.startswith("<!-- ragtune check: e.yaml -->\n")
    assert comment.split("\n", 1)[1] in (job / "summary.md").read_text("utf-8")
    return code, comment


def test_one_comment_is_kept_up_to_date(job: Path) -> None:
    code, comment = checked(job)
    assert code == "2"
    assert "there is no baseline here. Make one with `ragtune baseline save RUN -o baseline.json`." in comment
    assert main(["baseline", "save", str(job / "ragtune-check" / "run"), "-o", str(job / "baseline.json")]) == 0
    code, comment = checked(job)
    assert code == "0"
    assert "✅ quality held" in comment
    code, comment = checked(job, "--strict --min exact_match=1")
    assert code == "1"
    assert "under the floor 1" in comment
    assert json.loads((job / "comments.json").read_text())["calls"] == ["POST", "PATCH", "PATCH"]
    assert {p.name for p in (job / "ragtune-check").iterdir()} >= {"report.html", "check.xml", "check.json", "run"}


def test_an_input_is_never_read_as_a_command(job: Path) -> None:
    inputs = {"experiment": "$(touch a) e.yaml", "baseline": "`touch b`", "run-options": "", "check-options": ""}
    assert step(job, "Run and check", inputs).returncode == 0
    assert "there is no such experiment file" in (job / "summary.md").read_text("utf-8")
    assert not {"a", "b"} & {p.name for p in job.iterdir()}
    assert not any("${{" in each.get("run", "") for each in STEPS.values())


def test_a_job_without_a_verdict_fails(job: Path) -> None:
    assert step(job, "Verdict", {}).returncode == 2


def test_it_installs_what_it_is_part_of() -> None:
    script = STEPS["Install ragtune"]["run"]
    assert (ACTION / "../../.." / "constraints.txt").is_file()
    assert 'root="$GITHUB_ACTION_PATH/../../.."' in script
    models = re.search(r"^MODELS := (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert models
    assert models[1] in script
