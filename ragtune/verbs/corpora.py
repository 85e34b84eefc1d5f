"""`corpus`: documents and questions."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from ragtune.errors import CorpusError
from ragtune.options import RAW, Verbs
from ragtune.verbs import making


def add(verbs: Verbs) -> None:
    p = verbs.add_parser("corpus", help="import and inspect corpora")
    actions = p.add_subparsers(dest="action", required=True, metavar="ACTION")
    q = actions.add_parser(
        "import",
        help="make a corpus folder from squad, beir, jsonl, csv or a folder of documents",
        formatter_class=RAW,
        epilog="example:\n  ragtune corpus import squad xquad.en.json corpora/xquad-en",
    )
    q.add_argument("kind", metavar="KIND", help="squad, beir, jsonl, csv or folder")
    q.add_argument("source", type=Path)
    q.add_argument("dest", type=Path)
    q.add_argument(
        "--split", default="test", choices=("train", "dev", "test"), help="split of questions that name none"
    )
    q.set_defaults(call=do_corpus_import)
    q = actions.add_parser("info", help="counts, token histogram, splits, duplicates, leaks")
    q.add_argument("dest", type=Path, metavar="CORPUS")
    q.add_argument("--json", action="store_true")
    q.add_argument("--allow-leaks", action="store_true", help="report leaks without failing")
    q.set_defaults(call=do_corpus_info)
    making.add(actions)


def do_corpus_import(args: argparse.Namespace) -> int:
    from ragtune.corpus.importers import import_corpus

    import_corpus(args.kind, args.source, args.dest, args.split)
    try:
        return do_corpus_info(args)
    except CorpusError:  # what cannot be read is no corpus; the folder was not there, or empty
        shutil.rmtree(args.dest)
        raise


def do_corpus_info(args: argparse.Namespace) -> int:
    from ragtune.corpus.check import measured_info
    from ragtune.corpus.load import CorpusSettings, load_corpus
    from ragtune.report.terminal import corpus_table
    from ragtune.store import encode

    info = measured_info(load_corpus(CorpusSettings(path=str(args.dest))))
    as_json = getattr(args, "json", False)
    print(json.dumps(encode(info), ensure_ascii=False, indent=1) if as_json else corpus_table(info))
    if info.leaks and not getattr(args, "allow_leaks", False):
        print(
            f"ragtune: {len(info.leaks)} leak(s) from test into train. Remove them, or pass --allow-leaks.",
            file=sys.stderr,
        )
        return 2
    return 0
