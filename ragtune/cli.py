"""The command line: verbs and their options, what they print, and exit codes. What they do is in ``api``."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragtune.errors import CorpusError, RagtuneError
from ragtune.options import margin, pairs, parser_of
from ragtune.text.counts import counted

if TYPE_CHECKING:
    from ragtune.experiment.folder import Run


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
    return _done(api.run(args.experiment, **asked, until=args.until, written=_watched(args)), args.report)


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


def _done(run: Run, report: Path | None) -> int:
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
    return _done(run, args.report)


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


def do_baseline(args: argparse.Namespace) -> int:
    from ragtune import api

    made = api.save_baseline(args.run, args.out, args.force)
    print(f"{args.out}: {counted(len(made.scores), 'setup')}, {counted(len(made.questions), 'question')}")
    return 0


def do_check(args: argparse.Namespace) -> int:
    from ragtune import api
    from ragtune.gate import load_baseline, make_baseline, output
    from ragtune.store import refuse_place

    for place in (args.junit, args.markdown, args.json):
        refuse_place(place)
    old, run = load_baseline(args.baseline), api.load_run(args.run)
    gate = api.check(
        run,
        old,
        margins=pairs([m for m in args.margin if "=" in m], "--margin"),
        margin=margin(args.margin, 0.02),
        floors=pairs(args.min, "--min"),
        setups=args.setup,
        max_latency=args.max_latency,
        max_cost=args.max_cost,
        strict=args.strict,
        allow_different=args.allow_different,
    )
    names = output.names_of(old, make_baseline(run))
    output.write(args.junit, output.junit(gate))
    output.write(args.markdown, output.markdown(gate, names))
    output.write(args.json, output.as_json(gate))
    print(output.text(gate, names))
    return gate.code


def do_doctor(args: argparse.Namespace) -> int:
    from ragtune.doctor import report

    lines, ok = report()
    print("\n".join(lines))
    return 0 if ok else 1


CALLS = {
    "run": do_run,
    "report": do_report,
    "export": do_export,
    "ask": do_ask,
    "import": do_corpus_import,
    "info": do_corpus_info,
    "score": do_score,
    "judge": do_judge,
    "baseline": do_baseline,
    "check": do_check,
    "doctor": do_doctor,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; errors for users are one line on stderr and their exit code."""
    parser = parser_of(CALLS)
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
    except (RecursionError, UnicodeEncodeError) as error:
        said = (
            "nested too deeply" if isinstance(error, RecursionError) else "holds a character that is none (half a pair)"
        )
        print(f"ragtune: a file or argument {said}; mend it and run again.", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        print(f"ragtune: {error.filename}: {error.strerror}.", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
