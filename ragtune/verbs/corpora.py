"""`corpus`: documents and questions."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from ragtune.errors import CorpusError
from ragtune.options import RAW, Verbs
from ragtune.text.counts import counted
from ragtune.verbs.making import add as add_making


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
    q.add_argument(
        "--update", action="store_true", help="folder: renew the documents of a corpus; evidence moves with its text"
    )
    q.set_defaults(call=do_corpus_import)
    q = actions.add_parser("info", help="what it holds, what is wrong with its questions, what they can show")
    q.add_argument("dest", type=Path, metavar="CORPUS")
    q.add_argument("--json", action="store_true")
    q.add_argument("--allow-leaks", action="store_true", help="report leaks without failing")
    q.add_argument(
        "--run", type=Path, metavar="RUN", help="a Run over these questions: which of them tell setups apart"
    )
    q.add_argument("--split", default="test", choices=("train", "dev", "test"), help="the split that is looked at")
    q.add_argument("--questions", type=Path, metavar="FILE", help="default: CORPUS/questions.jsonl")
    q.set_defaults(call=do_corpus_info)
    q = actions.add_parser(
        "attach",
        help="join a list of questions and answers (CSV, XLSX, JSONL) to a corpus; evidence is found by search",
        formatter_class=RAW,
        epilog="example:\n  ragtune corpus attach corpora/handbook questions.xlsx",
    )
    q.add_argument("corpus", type=Path, metavar="CORPUS")
    q.add_argument(
        "file", type=Path, metavar="FILE", help="columns question and answers (several parted by ||); more if you like"
    )
    q.add_argument("--split", default="test", choices=("train", "dev", "test"), help="split of rows that name none")
    q.set_defaults(call=do_corpus_attach)
    q = actions.add_parser(
        "sheet", help="write the questions as a spreadsheet (.xlsx, .csv), to be edited and attached again"
    )
    q.add_argument("corpus", type=Path, metavar="CORPUS")
    q.add_argument("file", type=Path, metavar="FILE")
    q.set_defaults(call=do_corpus_sheet)
    add_making(actions)


def do_corpus_import(args: argparse.Namespace) -> int:
    from ragtune.corpus.importers import import_corpus

    if args.update:
        return _update(args)
    import_corpus(args.kind, args.source, args.dest, args.split)
    try:
        code = do_corpus_info(args)
    except CorpusError:  # what cannot be read is no corpus; the folder was not there, or empty
        shutil.rmtree(args.dest)
        raise
    return code


def _update(args: argparse.Namespace) -> int:
    """Renew the documents; what became of the questions is printed."""
    from ragtune.corpus.renew import renew

    if args.kind != "folder":
        raise CorpusError(
            "--update is for folders of documents.", where="--update", fix="Import anew into another folder."
        )
    made = renew(args.source, args.dest)
    print(
        f"{counted(len(made.added), 'document')} new, {len(made.changed)} changed, {len(made.removed)} gone. "
        f"Of {counted(len(made.questions), 'question')} {len(made.moved)} moved with their text, {len(made.lost)} lost their evidence"
        + (f": {', '.join(made.lost[:10])}" if made.lost else "")
        + (f" and {len(made.lost) - 10} more" if len(made.lost) > 10 else "")
        + "."
    )
    if made.lost:
        print(
            f'They are marked "lost": "evidence" in {args.dest / "questions.jsonl"}.\nNext: ragtune corpus review {args.dest}'
        )
    return 0


def do_corpus_info(args: argparse.Namespace) -> int:
    from ragtune.corpus.check import measured_info
    from ragtune.corpus.load import CorpusSettings, load_corpus
    from ragtune.experiment.folder import load_run
    from ragtune.experiment.trust import findings
    from ragtune.report.terminal import corpus_table
    from ragtune.store import encode

    asked = getattr(args, "questions", None)
    run = load_run(args.run) if getattr(args, "run", None) else None
    corpus = load_corpus(CorpusSettings(path=str(args.dest), questions=str(asked) if asked else None))
    info = measured_info(corpus)
    told = findings(corpus, args.split, run) if corpus.questions else []
    if getattr(args, "json", False):
        print(json.dumps({**encode(info), "findings": encode(told)}, ensure_ascii=False, indent=1))
    else:
        print(corpus_table(info))
        for each in told:
            ids = f" ({', '.join(each.ids[:6])}{' ...' if len(each.ids) > 6 else ''})" if each.ids else ""
            print(f"- {each.text}{ids}")
        print(f"Next: {_next(args.dest, bool(corpus.questions))}")
    if info.leaks and not getattr(args, "allow_leaks", False):
        print(
            f"ragtune: {len(info.leaks)} leak(s) from test into train. Remove them, or pass --allow-leaks.",
            file=sys.stderr,
        )
        return 2
    return 0


def _next(corpus: Path, questions: bool) -> str:
    if questions:
        return f"ragtune init {corpus}   (writes an experiment over it), or ragtune corpus review {corpus}"
    return f'ragtune corpus synthesise {corpus}   (makes questions), or ragtune ask {corpus} "..."'


def do_corpus_attach(args: argparse.Namespace) -> int:
    from ragtune.corpus.load import CorpusSettings, load_corpus
    from ragtune.corpus.saving import write_questions
    from ragtune.corpus.sheets import attach

    corpus = load_corpus(CorpusSettings(path=str(args.corpus)))
    made = attach(corpus.questions, args.file, corpus.documents, args.split)
    write_questions(args.corpus / "questions.jsonl", made.questions, corpus.documents)
    print(
        f"{counted(made.added, 'question')} added, {made.replaced} changed, {made.same} as they were in {args.corpus / 'questions.jsonl'}."
    )
    if made.found or made.without:
        print(
            f'Evidence was found by search for {made.found} (marked "found_by": "search"), and for {made.without} not.'
        )
    print(f"Next: ragtune corpus review {args.corpus}")
    return 0


def do_corpus_sheet(args: argparse.Namespace) -> int:
    from ragtune.corpus.load import CorpusSettings, load_corpus
    from ragtune.corpus.sheets import write_sheet

    corpus = load_corpus(CorpusSettings(path=str(args.corpus)))
    if not corpus.questions:
        raise CorpusError(
            "the corpus has no questions.", where=args.corpus, fix="Make some with `ragtune corpus synthesise`."
        )
    write_sheet(args.file, corpus.questions, corpus.documents)
    print(
        f"{args.file}: {counted(len(corpus.questions), 'question')}\nBack again: ragtune corpus attach {args.corpus} {args.file}"
    )
    return 0
