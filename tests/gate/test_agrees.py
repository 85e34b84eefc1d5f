"""The decision and the gate say the same of the same answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import ragtune
from benchmarks.gate import baseline
from ragtune.analysis.candidates import Candidates
from ragtune.analysis.costs import Limits
from ragtune.analysis.decision import decide
from ragtune.analysis.differences import pair
from ragtune.analysis.losses import loss, shown
from ragtune.analysis.means import table
from ragtune.api import save_baseline
from ragtune.experiment.progress import Silent
from ragtune.gate import GateSettings, check

METRIC = "answer_correctness"
#: slices would be further tests, asked together with this one
ALONE = 10**6


@pytest.mark.parametrize("margin", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("lost", [0.0, 0.02, 0.05])
def test_no_loss_is_shown_by_both_or_by_neither(margin: float, lost: float) -> None:
    rng = np.random.default_rng(round(1000 * margin + 10 * lost))
    said = set()
    for n in (60, 150, 400, 900):
        before = (rng.random(n) < 0.7).astype(float)
        after = np.where(rng.random(n) < lost, 0.0, before)
        old, new = baseline(before), baseline(after)
        settings = GateSettings(metrics=[METRIC], margin=margin, least=ALONE)
        [verdict] = check(old, new, settings).verdicts
        rows = {"best": old.scores["rag"][METRIC], "lean": new.scores["rag"][METRIC]}
        clusters = {q: a.cluster for q, a in old.questions.items() if a.cluster}
        one = loss(pair(*(table(r) for r in rows.values()), clusters), margin)
        [of] = shown([one])
        assert (of.verdict, round(of.p, 6)) == (verdict.verdict, verdict.p)
        tokens = {"best": 90.0, "lean": 10.0}
        found = decide(
            Candidates(dict(zip(rows, rows, strict=True)), rows, tokens, clusters=clusters),
            METRIC,
            Limits(margin=margin),
        )
        if not found.beaten:
            assert (found.setup == "lean") == (verdict.verdict == "held")
            said.add(verdict.verdict)
        if verdict.verdict == "held":
            assert one.most <= margin
    assert said


def test_they_agree_on_two_runs(tmp_path: Path) -> None:
    files = []
    for name, wrong in (("best", 0), ("lean", 3)):
        rows = [
            {"id": f"q{n}", "question": f"What does item {n} cost?", "reference": f"{n + 2} euros"}
            | {"answer": "no idea at all, a fortune" if n < wrong else f"{n + 2} euros"}
            for n in range(120)
        ]
        (tmp_path / name).mkdir()
        files.append(tmp_path / f"{name}.jsonl")
        for path in (files[-1], tmp_path / name / "rag.jsonl"):
            path.write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    store = tmp_path / "store"
    both = ragtune.score(files, out=tmp_path / "both", store=store, progress=Silent())
    old, new = (
        ragtune.score(tmp_path / n / "rag.jsonl", out=tmp_path / "runs" / n, store=store, progress=Silent())
        for n in ("best", "lean")
    )
    save_baseline(old, tmp_path / "baseline.json")
    for margin in (0.02, 0.1):
        gate = ragtune.check(new, tmp_path / "baseline.json", metrics=[METRIC], margin=margin, least=ALONE)
        [verdict] = gate.verdicts
        scores = {
            s: [(r.question.id, r.seed, r.value(METRIC)) for r in both.rows if r.setup == s] for s in ("best", "lean")
        }
        found = decide(
            Candidates({s: s for s in scores}, scores, {"best": 9.0, "lean": 1.0}), METRIC, Limits(margin=margin)
        )
        assert verdict.verdict == ("held" if margin == 0.1 else "unclear")
        assert (found.setup == "lean") == (verdict.verdict == "held")


def test_one_document_rules_nothing_out() -> None:
    rows = [[(f"q{n}", 0, float(n > lost)) for n in range(200)] for lost in (0, 1)]
    paired = pair(table(rows[0]), table(rows[1]), dict.fromkeys((f"q{n}" for n in range(200)), "d"))
    assert loss(paired, 0.1).ruled_out == 1.0
    assert shown([loss(pair(table(rows[0]), table(rows[1])), 0.1)])[0].verdict == "held"
    assert shown([loss(pair(table(rows[0]), table(rows[0])), 0.0)])[0].verdict == "held"
