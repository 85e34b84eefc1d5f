"""`init`: from a folder of documents to an experiment that runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from ragtune.options import RAW, STORE, Verbs, whole


def add(verbs: Verbs) -> None:
    p = verbs.add_parser(
        "init",
        help="from a folder of documents to a corpus with questions and an experiment that runs",
        formatter_class=RAW,
        epilog="examples:\n  ragtune init path/to/documents\n  ragtune init path/to/documents --questions faq.xlsx --budget 30m\n"
        "  ragtune init path/to/documents --model NAME --endpoint http://localhost:8000/v1 --prices 0.15,0.60 --budget 5EUR",
    )
    p.add_argument("documents", type=Path, metavar="DOCUMENTS", help="a folder of documents, or a corpus folder")
    p.add_argument("--name", default="", help="of corpora/NAME and experiments/NAME.yaml (default: the folder's)")
    p.add_argument(
        "--questions",
        type=Path,
        metavar="FILE",
        help="a list of questions and answers (CSV, XLSX, JSONL); default: made by rules",
    )
    p.add_argument("--number", type=whole, help="questions to make (default: 100, or what the budget holds)")
    p.add_argument(
        "--model",
        help="what answers (id, folder, or served name); default: the bundled reader, where it reads the language",
    )
    p.add_argument("--endpoint", help="OpenAI-compatible server of --model")
    p.add_argument("--prices", metavar="IN,OUT", help="of a million prompt and answer tokens at the endpoint")
    p.add_argument("--budget", metavar="30m|5EUR", help="what the way to a first verdict may take")
    p.add_argument("--store", type=Path, default=STORE, help=f"where finished work is kept (default: {STORE})")
    p.set_defaults(call=do_init)


def do_init(args: argparse.Namespace) -> int:
    from ragtune.experiment.progress import default_progress
    from ragtune.start.budget import read_budget, read_prices
    from ragtune.start.init import Wish, init
    from ragtune.store import Store

    wish = Wish(
        args.documents, args.name, args.questions, args.model, args.endpoint, args.number,
        read_budget(args.budget), read_prices(args.prices),
    )  # fmt: skip
    print("\n".join(init(wish, Store(args.store), default_progress()).lines))
    return 0
