"""`score` and `judge`: answers of any system, and judges against people."""

from __future__ import annotations

import argparse
from pathlib import Path

from ragtune.errors import RagtuneError
from ragtune.options import ASIDE, RAW, STORE, Verbs, number
from ragtune.verbs.running import done


def add(verbs: Verbs) -> None:
    p = verbs.add_parser(
        "score",
        help="score answers of any system (JSONL or CSV); several files are compared question by question",
        formatter_class=RAW,
        epilog="examples:\n  ragtune score answers.jsonl\n  ragtune score old.csv new.csv --map question=user_input --map answer=response",
    )
    p.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="columns question, answer, contexts, reference (or RAGAS's)"
    )
    p.add_argument("--map", action="append", default=[], metavar="OURS=THEIRS", help="name a column of the file")
    p.add_argument("--judge", default="local", help="which judge scores (default: local)")
    p.add_argument("--model", help="CrossEncoder for --judge nli, served or local model for --judge llm and ragas")
    p.add_argument("--endpoint", help="OpenAI-compatible server of --model")
    p.add_argument("--out", type=Path, help="Run folder (default: runs/score-NAME)")
    p.add_argument("--force", action="store_true", help=ASIDE)
    p.add_argument("--report", type=Path, help="HTML file (default: reports/score-NAME.html)")
    p.add_argument("--store", type=Path, default=STORE, help="artifact store (default: .ragtune)")
    p.set_defaults(call=do_score)

    p = verbs.add_parser("judge", help="measure a judge against human labels")
    actions = p.add_subparsers(dest="action", required=True, metavar="ACTION")
    q = actions.add_parser(
        "evaluate",
        help="AUC, agreement, kappa and calibration of a judge on labelled answers",
        formatter_class=RAW,
        epilog="examples:\n  ragtune judge evaluate labelled.jsonl --judge local\n  ragtune judge evaluate begin_dev_wow.tsv --judge nli --model path/to/cross-encoder\n"
        "  ragtune judge evaluate verdicts.jsonl --metric answer_correctness",
    )
    q.add_argument(
        "labelled",
        nargs="+",
        type=Path,
        metavar="LABELLED",
        help="JSONL (or .jsonl.gz) with answer, contexts, label; or a BEGIN .tsv",
    )
    q.add_argument(
        "--metric",
        default="faithfulness",
        choices=("faithfulness", "answer_correctness"),
        help="what the labels say: supported by the contexts, or right by the references (columns question, references, answer, label)",
    )
    q.add_argument("--judge", default="local", help="which judge (default: local)")
    q.add_argument("--model", help="CrossEncoder for --judge nli, served or local model for --judge llm and ragas")
    q.add_argument("--endpoint", help="OpenAI-compatible server of --model")
    q.add_argument(
        "--calibrate",
        metavar="NAME",
        help="keep the threshold that separates these labels best, to be used by that name",
    )
    q.add_argument("--threshold", type=number, help="support that counts as supported (default: the judge's own)")
    q.add_argument(
        "--out",
        type=Path,
        default=Path("reports/judge.html"),
        help="HTML file, with a JSON file beside it; or a .json file alone",
    )
    q.add_argument("--store", type=Path, default=STORE, help="artifact store (default: .ragtune)")
    q.set_defaults(call=do_judge)


def do_score(args: argparse.Namespace) -> int:
    from ragtune import api
    from ragtune.store import refuse_place

    refuse_place(args.report)
    columns = {}
    for pair in args.map:
        ours, sep, theirs = pair.partition("=")
        if not sep:
            raise RagtuneError(
                f'"{pair}" is not of the form OURS=THEIRS.', where="--map", fix="For example --map question=user_input."
            )
        columns[ours.strip()] = theirs.strip()
    judge = _judge_options(args)
    run = api.score(args.files, columns=columns, judge=judge, out=args.out, store=args.store, force=args.force)
    return done(run, args.report)


def _judge_options(args: argparse.Namespace) -> dict[str, str]:
    given = {"name": args.judge, "model": args.model, "endpoint": args.endpoint}
    return {key: value for key, value in given.items() if value}


def do_judge(args: argparse.Namespace) -> int:
    from ragtune import api
    from ragtune.experiment import calibration
    from ragtune.experiment.progress import default_progress
    from ragtune.judging.judges import refuse_unread
    from ragtune.report import agreement as pages
    from ragtune.store import Store, refuse_place

    store = Store(args.store)
    if args.calibrate:
        calibration.check_name(args.calibrate)
    if args.calibrate and args.metric != "faithfulness":
        raise RagtuneError(f"--calibrate has no effect on {args.metric}: it keeps a threshold of support.")
    chosen = {} if args.threshold is None else {"support": args.threshold}
    if args.threshold is not None and not 0 < args.threshold < 1:
        raise RagtuneError(f"{args.threshold:g} is no threshold between 0 and 1.", where="--threshold")
    settings = api.judge_settings({**_judge_options(args), **chosen}, "--", evaluated=True)
    if args.calibrate:  # a threshold that the judge would not heed
        refuse_unread({"support": args.calibrate}, settings, "judge.")
    refuse_place(args.out)
    found = calibration.evaluate(args.labelled, args.metric, settings, store, default_progress())
    print("\n".join(pages.text(each) for each in found))
    print(f"Report: {pages.write(args.out, args.judge, found)}")
    if args.calibrate:
        calibration.refuse_few(found, args.calibrate)
        # several files: each counts the same, whatever its size
        cut = sum(each.found.best_threshold for each in found) / len(found)
        about = ", ".join(str(p) for p in args.labelled)
        value = calibration.save_threshold(store, args.calibrate, settings, cut, about)
        print(f'Threshold "{args.calibrate}" is {value:g}; use it with judge: {{support: {args.calibrate}}}')
    return 0
