"""What each verb of the command line does: thin functions that return the exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragtune.errors import RagtuneError

if TYPE_CHECKING:
    from ragtune.experiment.folder import Run

STORE = ".ragtune"


def do_run(args: argparse.Namespace) -> int:
    from ragtune.experiment.plan import make_plan, print_plan
    from ragtune.experiment.progress import default_progress
    from ragtune.experiment.run import expected_power, prepare, run_experiment, settled
    from ragtune.experiment.spec import load_experiment
    from ragtune.experiment.workbench import Workbench
    from ragtune.store import Store

    experiment = load_experiment(args.experiment, args.set, args.limit)
    store = Store(args.store)
    if args.dry_run:
        bench = Workbench(settled(experiment, store), store, default_progress())
        prepare(bench)
        print(print_plan(make_plan(bench)))
        print(expected_power(len(bench.questions)))
        return 0
    out = run_experiment(experiment, store, args.out or Path("runs") / experiment.name)
    from ragtune.experiment.folder import load_run
    from ragtune.report.build import write_report
    from ragtune.report.terminal import comparison

    run = load_run(out)
    page = write_report(run, args.report or Path("reports") / f"{experiment.name}.html")
    print(comparison(run))
    print(f"Run:    {out}\nReport: {page}")
    return _unscored(run)


def _unscored(run: Run) -> int:
    """3 with a red line for each metric that the judge failed to score too often, else 0."""
    limit = float(run.experiment["judge"]["max_unscored"])
    lines = [
        f"ragtune: {setup}: the judge could not score {100 * share:.0f} % of {metric} (limit {100 * limit:g} %)."
        for setup, by in run.summary["failed"].items()
        for metric, share in by.items()
        if share > limit
    ]
    red = ("\033[31m", "\033[0m") if sys.stderr.isatty() else ("", "")
    for line in lines:
        print(f"{red[0]}{line}{red[1]}", file=sys.stderr)
    return 3 if lines else 0


def do_report(args: argparse.Namespace) -> int:
    from ragtune.experiment.folder import load_run
    from ragtune.report.build import write_report

    run = load_run(args.run)
    print(write_report(run, args.out or Path("reports") / f"{run.about['name']}.html"))
    return 0


def do_ask(args: argparse.Namespace) -> int:
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


def do_corpus_import(args: argparse.Namespace) -> int:
    from ragtune.corpus.importers import import_corpus

    import_corpus(args.kind, args.source, args.dest, args.split)
    return do_corpus_info(args)


def do_corpus_info(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from ragtune.corpus.check import corpus_info
    from ragtune.corpus.load import CorpusSettings, load_corpus
    from ragtune.models.names import resolve
    from ragtune.models.tokens import token_spans
    from ragtune.report.terminal import corpus_table

    corpus = load_corpus(CorpusSettings(path=str(args.dest)))
    tokens = token_spans(resolve("bundled:minilm"))
    info = corpus_info(corpus, [len(tokens.spans(d.text)) for d in corpus.documents])
    print(
        json.dumps(asdict(info), ensure_ascii=False, indent=1) if getattr(args, "json", False) else corpus_table(info)
    )
    if info.leaks and not getattr(args, "allow_leaks", False):
        print(
            f"ragtune: {len(info.leaks)} leak(s) from test into train. Remove them, or pass --allow-leaks.",
            file=sys.stderr,
        )
        return 2
    return 0


def do_score(args: argparse.Namespace) -> int:
    from ragtune.corpus.answers import read_answers
    from ragtune.experiment.folder import load_run
    from ragtune.generation.given import score_files
    from ragtune.report.build import write_report
    from ragtune.report.terminal import comparison
    from ragtune.store import Store

    mapping = {}
    for pair in args.map:
        ours, sep, theirs = pair.partition("=")
        if not sep:
            raise RagtuneError(
                f'"{pair}" is not of the form OURS=THEIRS.', where="--map", fix="For example --map question=user_input."
            )
        mapping[ours.strip()] = theirs.strip()
    files = [read_answers(path, mapping) for path in args.files]
    out = score_files(
        files, args.out or Path("runs") / f"score-{args.files[0].stem}", Store(args.store), {"name": args.judge}
    )
    run = load_run(out)
    page = write_report(run, args.report or Path("reports") / f"{out.name}.html")
    print(comparison(run))
    print(f"Run:    {out}\nReport: {page}")
    return _unscored(run)


def do_judge(args: argparse.Namespace) -> int:
    from ragtune.analysis.agreement import read_begin, read_labelled
    from ragtune.experiment.calibration import check_name, save_threshold
    from ragtune.experiment.judging import evaluate_judge
    from ragtune.experiment.progress import default_progress
    from ragtune.judging.judge import JudgeSettings
    from ragtune.report import agreement as pages
    from ragtune.store import Store, write_text

    store = Store(args.store)
    if args.calibrate:
        check_name(args.calibrate)
    settings = JudgeSettings(
        name=args.judge,
        model=args.model,
        endpoint=args.endpoint,
        **({"support": args.threshold} if args.threshold else {}),
    )
    results = {}
    for path in args.labelled:
        rows = read_begin(path) if path.suffix == ".tsv" else read_labelled(path)
        results[path.stem] = evaluate_judge(rows, settings, store, default_progress(), path.stem)
        print(pages.text(path.stem, results[path.stem]))
    write_text(args.out, pages.page(args.judge, results))
    write_text(args.out.with_suffix(".json"), json.dumps(pages.as_json(args.judge, results), indent=1))
    print(f"Report: {args.out}")
    if args.calibrate:
        # several files: each counts the same, whatever its size
        cut = sum(r.best_threshold for r in results.values()) / len(results)
        value = save_threshold(store, args.calibrate, settings, cut, ", ".join(str(p) for p in args.labelled))
        print(f'Threshold "{args.calibrate}" is {value:g}; use it with judge: {{support: {args.calibrate}}}')
    return 0


def do_baseline(args: argparse.Namespace) -> int:
    from ragtune.experiment.folder import load_run
    from ragtune.gate import save_baseline

    made = save_baseline(load_run(args.run), args.out)
    print(f"{args.out}: {len(made.scores)} setups, {len(made.questions)} questions")
    return 0


def _pairs(values: Sequence[str], option: str) -> dict[str, float]:
    """``metric=number`` options."""
    found = {}
    for value in values:
        name, sep, number = value.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            sep = ""
        if not sep:
            raise RagtuneError(
                f'"{value}" is not of the form metric=number.',
                where=option,
                fix=f"For example {option} faithfulness=0.02.",
            )
    return found


def do_check(args: argparse.Namespace) -> int:
    from ragtune.experiment.folder import load_run
    from ragtune.gate import GateSettings, check, load_baseline, make_baseline, output

    margins = _pairs([m for m in args.margin if "=" in m], "--margin")
    plain = [m for m in args.margin if "=" not in m]
    settings = GateSettings(
        margins=margins,
        margin=_pairs([f"all={m}" for m in plain], "--margin").get("all", 0.02),
        floors=_pairs(args.min, "--min"),
        setups=args.setup,
        max_latency=args.max_latency,
        max_cost=args.max_cost,
        strict=args.strict,
        allow_different=args.allow_different,
    )
    old, new = load_baseline(args.baseline), make_baseline(load_run(args.run))
    gate = check(old, new, settings)
    names = output.names_of(old, new)
    output.write(args.junit, output.junit(gate))
    output.write(args.markdown, output.markdown(gate, names))
    output.write(args.json, json.dumps(output.as_json(gate), ensure_ascii=False, indent=1))
    print(output.text(gate, names))
    return gate.code


def do_doctor(args: argparse.Namespace) -> int:
    from ragtune.doctor import report

    lines, ok = report()
    print("\n".join(lines))
    return 0 if ok else 1
