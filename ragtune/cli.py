"""The command line: one thin function per verb."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ragtune.errors import RagtuneError

STORE = ".ragtune"


def _run(args: argparse.Namespace) -> int:
    from ragtune.experiment.plan import make_plan, print_plan
    from ragtune.experiment.progress import default_progress
    from ragtune.experiment.run import prepare, run_experiment
    from ragtune.experiment.spec import load_experiment
    from ragtune.experiment.stages import Workbench
    from ragtune.store import Store

    experiment = load_experiment(args.experiment, args.set, args.limit)
    store = Store(args.store)
    if args.dry_run:
        bench = Workbench(experiment, store, default_progress())
        prepare(bench)
        print(print_plan(make_plan(bench)))
        return 0
    out = run_experiment(experiment, store, args.out or Path("runs") / experiment.name)
    from ragtune.experiment.folder import load_run
    from ragtune.report.build import write_report
    from ragtune.report.table import comparison

    run = load_run(out)
    page = write_report(run, args.report or Path("reports") / f"{experiment.name}.html")
    print(comparison(run))
    print(f"Run:    {out}\nReport: {page}")
    return 0


def _report(args: argparse.Namespace) -> int:
    from ragtune.experiment.folder import load_run
    from ragtune.report.build import write_report

    run = load_run(args.run)
    print(write_report(run, args.out or Path("reports") / f"{run.about['name']}.html"))
    return 0


def _ask(args: argparse.Namespace) -> int:
    from ragtune.serving.ask import Assistant, open_target

    experiment, store = open_target(args.target, args.set, args.store)
    assistant = Assistant(experiment, store, args.setup, args.seed)
    if args.question:
        _answer(assistant, " ".join(args.question), args.json)
        return 0
    interactive = sys.stdin.isatty()
    if interactive:
        print(f"Setup {assistant.name}. An empty line ends.", file=sys.stderr)
    while True:
        if interactive:
            print("? ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line.strip():
            return 0
        _answer(assistant, line.strip(), args.json)


def _answer(assistant: object, question: str, as_json: bool) -> None:
    from ragtune.serving.ask import Assistant

    assert isinstance(assistant, Assistant)
    reply = assistant.ask(question)
    if as_json:
        print(json.dumps(reply.to_json(), ensure_ascii=False), flush=True)
        return
    print(reply.answer)
    for c in reply.citations:
        quote = " ".join(c.quote.split())
        print(f"  [{c.number}] {c.document} ({c.start}-{c.end}): {quote[:240]}{'…' if len(quote) > 240 else ''}")
    if not reply.citations and reply.shown:
        print(f"  (no citation; best context: {reply.shown[0].document})")
    print(f"  {reply.seconds:.2f} s", flush=True)


def _corpus_import(args: argparse.Namespace) -> int:
    from ragtune.corpus.importers import import_corpus

    import_corpus(args.kind, args.source, args.dest, args.split)
    return _corpus_info(args)


def _corpus_info(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from ragtune.corpus.check import corpus_info
    from ragtune.corpus.load import CorpusSettings, load_corpus
    from ragtune.models.names import resolve
    from ragtune.models.tokens import token_spans
    from ragtune.report.table import corpus_table

    corpus = load_corpus(CorpusSettings(path=str(args.dest)))
    tokens = token_spans(resolve("bundled:minilm"))
    info = corpus_info(corpus, [len(tokens.spans(d.text)) for d in corpus.documents])
    print(json.dumps(asdict(info), ensure_ascii=False, indent=1) if getattr(args, "json", False) else corpus_table(info))
    if info.leaks and not getattr(args, "allow_leaks", False):
        print(f"ragtune: {len(info.leaks)} leak(s) from test into train. Remove them, or pass --allow-leaks.", file=sys.stderr)
        return 2
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from ragtune.doctor import report

    lines, ok = report()
    print("\n".join(lines))
    return 0 if ok else 1


def _parser() -> argparse.ArgumentParser:
    from ragtune import __version__

    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="ragtune",
        description="Prompt, retrieve, fine-tune, or both? Run one experiment and see the evidence.",
        formatter_class=raw,
        epilog='examples:\n  ragtune run experiments/quickstart.yaml\n  ragtune ask runs/quickstart --setup rag "Who approves overtime?"\n  ragtune doctor',
    )
    parser.add_argument("--version", action="version", version=f"ragtune {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    p = verbs.add_parser(
        "run",
        help="run an experiment and write its Run and report",
        formatter_class=raw,
        epilog="examples:\n  ragtune run experiments/quickstart.yaml --dry-run\n  ragtune run experiments/quickstart.yaml --limit 20 --set seeds=[0]",
    )
    p.add_argument("experiment", type=Path, help="experiment file (YAML)")
    p.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    p.add_argument("--set", action="append", metavar="A.B=C", help="override a key; may be repeated")
    p.add_argument("--limit", type=int, metavar="N", help="answer only N questions, spread over the split")
    p.add_argument("--out", type=Path, help="Run folder (default: runs/NAME)")
    p.add_argument("--report", type=Path, help="report file (default: reports/NAME.html)")
    p.add_argument("--store", type=Path, default=Path(STORE), help=f"where finished work is kept (default: {STORE})")
    p.set_defaults(call=_run)

    p = verbs.add_parser("report", help="write the HTML report of a Run again")
    p.add_argument("run", type=Path, help="Run folder")
    p.add_argument("--out", type=Path, help="HTML file (default: reports/NAME.html)")
    p.set_defaults(call=_report)

    p = verbs.add_parser(
        "ask",
        help="ask the assistant of a Run, an experiment file or a corpus folder",
        formatter_class=raw,
        epilog='examples:\n  ragtune ask runs/quickstart --setup rag "Who approves overtime?"\n  ragtune ask corpora/handbook --setup extractive   (prompts for questions)',
    )
    p.add_argument("target", type=Path, help="Run folder, experiment file or corpus folder")
    p.add_argument("question", nargs="*", help="the question; none opens a prompt")
    p.add_argument("--setup", help="which setup answers (default: the first)")
    p.add_argument("--seed", type=int, help="which seed's tuning answers (default: the first)")
    p.add_argument("--json", action="store_true", help="one JSON object per answer")
    p.add_argument("--set", action="append", metavar="A.B=C", help="override a key of the experiment")
    p.add_argument("--store", type=Path, help="store, if it has moved")
    p.set_defaults(call=_ask)

    p = verbs.add_parser("corpus", help="import and inspect corpora")
    actions = p.add_subparsers(dest="action", required=True, metavar="ACTION")
    q = actions.add_parser(
        "import",
        help="make a corpus folder from squad, beir, jsonl, csv or a folder of documents",
        formatter_class=raw,
        epilog="example:\n  ragtune corpus import squad xquad.en.json corpora/xquad-en",
    )
    q.add_argument("kind", metavar="KIND", help="squad, beir, jsonl, csv or folder")
    q.add_argument("source", type=Path)
    q.add_argument("dest", type=Path)
    q.add_argument("--split", default="test", choices=("train", "dev", "test"), help="split of questions that name none")
    q.set_defaults(call=_corpus_import)
    q = actions.add_parser("info", help="counts, token histogram, splits, duplicates, leaks")
    q.add_argument("dest", type=Path, metavar="CORPUS")
    q.add_argument("--json", action="store_true")
    q.add_argument("--allow-leaks", action="store_true", help="report leaks without failing")
    q.set_defaults(call=_corpus_info)

    p = verbs.add_parser("doctor", help="versions, devices, bundled models, extras")
    p.set_defaults(call=_doctor)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; errors for users are one line on stderr and their exit code."""
    parser = _parser()
    args, rest = parser.parse_known_args(argv)
    if rest and args.verb == "ask" and not any(word.startswith("-") for word in rest):
        args.question = [*args.question, *rest]  # the question may stand after the options
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return int(args.call(args))
    except RagtuneError as error:
        print(f"ragtune: {error}", file=sys.stderr)
        if os.environ.get("RAGTUNE_DEBUG"):
            raise
        return error.exit_code
    except KeyboardInterrupt:
        print("ragtune: stopped; finished work is kept, run again to go on.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
