"""`demo`: two releases of an assistant, scored from files that ship with ragtune, and the gate between them.

The answers are real ones: on 48 questions of the quickstart, of its setups `rag-tuned` (release 1) and `tuned-then-rag` (release 2).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ragtune.errors import RunError
from ragtune.options import RAW, Verbs

if TYPE_CHECKING:
    from ragtune.experiment.folder import Run
    from ragtune.gate import Gate

#: marks a folder as one that the demo made, and may write to again
MARK = ".ragtune-demo"
RELEASES = ("release-1", "release-2")
#: the metrics of the gate alone: they need words, no model, so that the demo is quick
JUDGE = {"name": "local", "embedder": "bundled:minilm", "extra_metrics": ()}


def add(verbs: Verbs) -> None:
    p = verbs.add_parser(
        "demo",
        help="see a loss of quality caught, in seconds: nothing is trained or downloaded",
        formatter_class=RAW,
        epilog="example:\n  ragtune demo --out demo",
    )
    p.add_argument("--out", type=Path, default=Path("demo"), help="a new folder for its files (default: demo)")
    p.set_defaults(call=do_demo)


def do_demo(args: argparse.Namespace) -> int:
    from ragtune import api
    from ragtune.experiment.progress import Silent
    from ragtune.gate import output
    from ragtune.report.terminal import comparison

    out: Path = args.out
    files = _prepare(out)

    def scored(given: Mapping[str, Path], name: str) -> Run:
        return api.score(given, judge=JUDGE, out=out / "runs" / name, store=out / ".ragtune", progress=Silent())

    print("Two releases of an assistant for a handbook answered the same questions. Their answers ship with ragtune;")
    print("scoring them ...")
    both = scored(files, "demo")
    page = api.write_report(both, out / "report.html")
    print(comparison(both))
    before, after = (scored({"assistant": file}, name) for name, file in files.items())
    baseline = api.save_baseline(before, out / "baseline.json", force=True)
    gate = api.check(after, baseline)
    print(f"$ ragtune check {after.path} --baseline {out / 'baseline.json'}\n")
    print(f"{output.text(gate, output.names_of(baseline))}\n\n{_explained(gate)}\nReport: {page}\nFiles:  {out}")
    return 0


def _prepare(out: Path) -> dict[str, Path]:
    """The folder ``out`` with the two files of answers, by release.

    Raises:
        RunError: something stands there that the demo did not make.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file()):
        raise RunError("this holds something that is no demo.", where=out, fix="Name a new folder with --out.")
    from ragtune.store import refuse_place, write_text

    refuse_place(out / MARK)
    write_text(out / MARK, "Made by `ragtune demo`, which may write here again.\n")
    shipped = resources.files("ragtune").joinpath("demo")
    files = {name: out / f"{name}.jsonl" for name in RELEASES}
    for path in files.values():
        write_text(path, shipped.joinpath(path.name).read_text("utf-8"))
    return files


def _explained(gate: Gate) -> str:
    return (
        f"Seen: release 2, tuned on the handbook by heart, no longer reads what it is shown. In CI, exit code {gate.code} stops it.\n"
        "Next: `ragtune score answers.jsonl` for your own answers, then `ragtune baseline save` and `ragtune check` (docs/ci.md)."
    )
