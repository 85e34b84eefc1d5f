"""`ask` and `export`: the assistant that an experiment built."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ragtune.errors import RagtuneError
from ragtune.options import RAW, Verbs, whole


def add(verbs: Verbs) -> None:
    p = verbs.add_parser(
        "ask",
        help="ask the assistant of a Run, an experiment file or a corpus folder",
        formatter_class=RAW,
        epilog='examples:\n  ragtune ask runs/quickstart --setup rag "Who approves overtime?"\n  ragtune ask corpora/handbook   (the bundled reader answers; prompts for questions)',
    )
    p.add_argument("target", type=Path, help="Run folder, experiment file or corpus folder")
    p.add_argument(
        "question", nargs="*", help="one question an argument; none opens a prompt, or reads a pipe line by line"
    )
    p.add_argument("--setup", help="which setup answers (default: the one chosen, else the first that retrieves)")
    p.add_argument("--seed", type=whole, help="which seed's tuning answers (default: the first)")
    p.add_argument("--model", help="over a corpus folder: the model that answers (id, folder or served name)")
    p.add_argument("--endpoint", help="over a corpus folder: an OpenAI-compatible server of --model")
    p.add_argument("--json", action="store_true", help="one JSON object per answer")
    p.add_argument("--set", action="append", metavar="A.B=C", help="override a key of the experiment")
    p.add_argument("--store", type=Path, help="store, if it has moved")
    p.set_defaults(call=do_ask)

    p = verbs.add_parser(
        "export",
        help="write a tuned setup's adapter, or the whole model, to a folder",
        formatter_class=RAW,
        epilog="example:\n  ragtune export runs/quickstart --setup rag-tuned models/reader --merged",
    )
    p.add_argument("run", type=Path, help="Run folder")
    p.add_argument("dest", type=Path, help="a new folder")
    p.add_argument("--setup", required=True, help="which tuned setup")
    p.add_argument("--seed", type=whole, help="which seed's tuning (default: the first)")
    p.add_argument("--merged", action="store_true", help="the model with the adapter in its weights")
    p.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), help="what weights are kept in")
    p.add_argument("--store", type=Path, help="store, if it has moved")
    p.set_defaults(call=do_export)


def do_ask(args: argparse.Namespace) -> int:
    from ragtune.serving.ask import open_assistant
    from ragtune.talk import converse

    if any(not q.strip() for q in args.question):
        raise RagtuneError("the question is empty.", where="ask")
    if args.model and args.setup not in (None, "model"):
        raise RagtuneError(
            f'--model has no effect on the setup "{args.setup}".', where="ask", fix="Leave --setup or --model out."
        )
    options = args.set, args.store, args.model, args.endpoint, args.setup, args.seed
    assistant = open_assistant(args.target, *options)
    print(f"Setup {assistant.name} answers.", file=sys.stderr)
    converse(assistant, args.question, args.json)
    return 0


def do_export(args: argparse.Namespace) -> int:
    from ragtune import api

    options = {"seed": args.seed, "merged": args.merged, "store": args.store, "dtype": args.dtype}
    print(api.export(args.run, args.setup, args.dest, **options))
    return 0
