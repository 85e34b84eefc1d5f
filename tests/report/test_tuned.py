"""The report's table of tunings."""

from __future__ import annotations

from pathlib import Path

from conftest import write_corpus

import ragtune
from ragtune.experiment.progress import Silent
from ragtune.report.build import render
from ragtune.report.tuned import tuning_rows
from ragtune.store import decode, encode
from ragtune.tunings import TuneCost, TuneReport, Tuning

EXPERIMENT = """\
name: table
corpus: {path: ROOT/corpus}
generator: {model: ROOT/llama, max_new_tokens: 4}
tuning: {train_on: closed-book, epochs: 1}
latency: {sample: 1}
setups:
  extractive: {retrieval: true, generator: {model: extractive}}
  lora: {tuning: {teacher: extractive, lora: {r: 2}}}
  prompt: {tuning: {method: prompt, virtual_tokens: 3}}
  full: {tuning: {method: full}}
"""


def test_each_tuning_says_what_it_trained_took_and_kept(tmp_path: Path, tiny_models: dict[str, Path]) -> None:
    write_corpus(tmp_path / "corpus")
    (tmp_path / "llama").symlink_to(tiny_models["llama"])
    (tmp_path / "e.yaml").write_text(EXPERIMENT.replace("ROOT", str(tmp_path)), "utf-8")
    run = ragtune.run(tmp_path / "e.yaml", out=tmp_path / "run", store=tmp_path / "store", progress=Silent())
    lora, prompt, full = tuning_rows(run)
    assert lora.method == "lora, closed-book, taught by extractive"
    assert (full.share, full.beside, prompt.merged) == ("100 %", "–", "–")
    assert "–" not in (lora.merged, lora.beside, prompt.beside, full.merged)
    sizes = {t.setup: t.size_mb for t in run.tunings}
    assert 0 < sizes["prompt"] < sizes["lora"] < sizes["full"]
    own, other = (run.summary.known(name, "answer_correctness") for name in ("lora", "extractive"))
    assert own is not None
    assert other is not None
    assert lora.kept.startswith(f"{100 * own[0] / other[0]:.1f} % (")
    assert prompt.kept == "–"
    assert lora.before != "–"  # the teacher's answers
    assert (prompt.before, full.before) == ("–", "–")
    page = render(run)
    assert "<h3>Tunings</h3>" in page
    assert "taught by extractive" in page


def test_a_tuning_of_an_earlier_run_is_read_as_lora_of_unknown_size() -> None:
    report, cost = TuneReport(1, ((1, 2.0),), (), 10, 100, 20, 3), TuneCost(1.0, 20.0, 50.0)
    held = encode(Tuning("tuned", 0, "k", "raft", 3, report, cost, method="dora", size_mb=1.5))
    assert decode(Tuning, held).method == "dora"
    assert decode(Tuning, held).cost.before is None  # what was not measured is not nothing
    earlier = {name: value for name, value in held.items() if name not in ("method", "size_mb")}
    found = decode(Tuning, earlier)
    assert (found.method, found.size_mb) == ("lora", 0.0)
