"""`run` and `report`: an experiment becomes a Run and its page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ragtune.errors import RagtuneError
from ragtune.options import ASIDE, RAW, STORE, Verbs, whole

if TYPE_CHECKING:
    from ragtune.experiment.folder import Run


def add(verbs: Verbs) -> None:
    p = verbs.add_parser(
        "run",
        help="run an experiment and write its Run and report",
        formatter_class=RAW,
        epilog="examples:\n  ragtune run experiments/quickstart.yaml --dry-run\n  ragtune run experiments/quickstart.yaml --limit 20 --set seeds=[0]",
    )
    p.add_argument("experiment", type=Path, help="experiment file (YAML)")
    p.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    p.add_argument("--until", choices=("untuned",), help="stop before anything is tuned; run it again to go on")
    p.add_argument("--watch", action="store_true", help="open the report as soon as there is one; it renews itself")
    p.add_argument("--set", action="append", metavar="A.B=C", help="override a key; may be repeated")
    p.add_argument("--limit", type=whole, metavar="N", help="answer only N questions, spread over the split")
    p.add_argument("--out", type=Path, help="Run folder (default: runs/NAME)")
    p.add_argument("--force", action="store_true", help=ASIDE)
    p.add_argument("--report", type=Path, help="report file (default: reports/NAME.html)")
    p.add_argument("--store", type=Path, default=STORE, help=f"where finished work is kept (default: {STORE})")
    p.set_defaults(call=do_run)

    p = verbs.add_parser("report", help="write the HTML report of a Run again")
    p.add_argument("run", type=Path, help="Run folder")
    p.add_argument("--out", type=Path, help="HTML file (default: reports/NAME.html)")
    p.set_defaults(call=do_report)


def do_run(args: argparse.Namespace) -> int:
    from ragtune import api
    from ragtune.store import refuse_place

    asked = {
        "overrides": args.set or (),
        "limit": args.limit,
        "out": args.out,
        "store": args.store,
        "force": args.force,
    }
    for name, given in (("report", args.report), ("watch", args.watch), ("until", args.until)):
        if args.dry_run and given:
            raise RagtuneError(
                f"--{name} has no effect with --dry-run, which writes nothing.", fix="Leave one of them out."
            )
    if args.dry_run:
        print(api.plan(args.experiment, **asked))
        return 0
    refuse_place(args.report)
    return done(api.run(args.experiment, **asked, until=args.until, written=_watched(args)), args.report)


def _watched(args: argparse.Namespace) -> Callable[[Run], None]:
    """Writes the report of a Run that is not finished, and opens it once where it is watched."""
    from ragtune import api

    opened = not args.watch

    def written(run: Run) -> None:
        nonlocal opened
        if not run.about.waiting and opened:
            return  # the last one is written at the end
        page = api.write_report(run, args.report, renews=args.watch and bool(run.about.waiting))
        if not opened:
            import webbrowser

            opened = True
            webbrowser.open(page.absolute().as_uri())

    return written


def done(run: Run, report: Path | None) -> int:
    """Print the table, the verdict and the places; 3 with a red line for each metric that was unscored too often."""
    from ragtune import api
    from ragtune.report.terminal import comparison

    page = api.write_report(run, report)
    print(comparison(run))
    print(f"Run:    {run.path}\nReport: {page}")
    limit = run.experiment.judge.max_unscored
    lines = [
        f"ragtune: {setup}: the judge could not score {100 * share:.0f} % of {metric} (limit {100 * limit:g} %)."
        for setup, by in run.summary.failed.items()
        for metric, share in by.items()
        if share > limit
    ]
    red = ("\033[31m", "\033[0m") if sys.stderr.isatty() else ("", "")
    for line in lines:
        print(f"{red[0]}{line}{red[1]}", file=sys.stderr)
    return 3 if lines else 0


def do_report(args: argparse.Namespace) -> int:
    from ragtune import api

    print(api.write_report(args.run, args.out))
    return 0
