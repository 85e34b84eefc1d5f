"""`search`: the best of many setups, found without answering everything with each of them."""

from __future__ import annotations

import argparse
from pathlib import Path

from ragtune.options import ASIDE, RAW, STORE, Verbs


def add(verbs: Verbs) -> None:
    p = verbs.add_parser(
        "search",
        help="vary the settings of a setup, race the variants, and write the best one as an experiment",
        formatter_class=RAW,
        epilog="examples:\n  ragtune search experiments/search.yaml\n"
        "  ragtune search my.yaml --set search.trials=12 --winner my-found.yaml\n\n"
        "The section search of the experiment says what is varied; dev questions choose, the test split confirms once.",
    )
    p.add_argument("experiment", type=Path, help="experiment file (YAML) with a section search")
    p.add_argument("--set", action="append", metavar="A.B=C", help="override a key; may be repeated")
    p.add_argument("--out", type=Path, help="folder of the search (default: runs/NAME-search)")
    p.add_argument("--winner", type=Path, help="where the found experiment is written (default: in that folder)")
    p.add_argument("--no-confirm", action="store_true", help="do not ask the test split")
    p.add_argument("--force", action="store_true", help=ASIDE)
    p.add_argument("--report", type=Path, help="report file (default: reports/NAME-search.html)")
    p.add_argument("--store", type=Path, default=STORE, help=f"where finished work is kept (default: {STORE})")
    p.set_defaults(call=do_search)


def do_search(args: argparse.Namespace) -> int:
    from ragtune import api
    from ragtune.report.search import confirmation, verdict
    from ragtune.store import refuse_place

    refuse_place(args.report)
    refuse_place(args.winner)
    found = api.search(
        args.experiment,
        overrides=args.set or (),
        out=args.out,
        winner=args.winner,
        store=args.store,
        confirm=not args.no_confirm,
        force=args.force,
    )
    page = api.write_search_report(found, args.report)
    print(f"\n{verdict(found.search)}\n{confirmation(found.search)}\n")
    print(f"Found:  {found.winner}\nSearch: {found.folder}\nReport: {page}")
    return 0
