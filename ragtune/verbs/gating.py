"""`baseline` and `check`: quality that is kept."""

from __future__ import annotations

import argparse
from pathlib import Path

from ragtune.options import RAW, Verbs, margin, number, pairs
from ragtune.text.counts import counted


def add(verbs: Verbs) -> None:
    p = verbs.add_parser("baseline", help="keep the scores of a Run for later checks")
    actions = p.add_subparsers(dest="action", required=True, metavar="ACTION")
    q = actions.add_parser("save", help="write a baseline file from a Run")
    q.add_argument("run", type=Path, help="Run folder")
    q.add_argument(
        "-o", "--out", type=Path, default=Path("baseline.json"), help="file to write (default: baseline.json)"
    )
    q.add_argument("--force", action="store_true", help="overwrite a file that stands there")
    q.set_defaults(call=do_baseline)

    p = verbs.add_parser(
        "check",
        help="check a Run against a baseline: exit 0 held, 1 regressed, 2 cannot compare, 3 too much unscored",
        formatter_class=RAW,
        epilog="examples:\n  ragtune check runs/quickstart --baseline baseline.json\n"
        "  ragtune check runs/quickstart --baseline baseline.json --margin faithfulness=0.05 --min answer_correctness=0.6 --strict --junit check.xml",
    )
    p.add_argument("run", type=Path, help="Run folder")
    p.add_argument("--baseline", type=Path, required=True, help="file from `ragtune baseline save`")
    p.add_argument(
        "--margin",
        action="append",
        default=[],
        metavar="[METRIC=]POINTS",
        help="what may be lost, in [0, 1] (default 0.02)",
    )
    p.add_argument(
        "--min", action="append", default=[], metavar="METRIC=VALUE", help="absolute floor of a metric's mean"
    )
    p.add_argument("--setup", action="append", default=[], metavar="NAME", help="check only these setups")
    p.add_argument(
        "--max-latency",
        type=number,
        metavar="SECONDS",
        help="ceiling of the median latency: one question at a time, as served",
    )
    p.add_argument("--max-cost", type=number, metavar="COST", help="ceiling of the cost per question")
    p.add_argument("--strict", action="store_true", help="unclear fails too")
    p.add_argument("--allow-different", action="store_true", help="compare although questions or judge differ")
    p.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    p.add_argument("--markdown", type=Path, metavar="FILE", help="write a Markdown summary (for $GITHUB_STEP_SUMMARY)")
    p.add_argument("--json", type=Path, metavar="FILE", help="write JSON")
    p.set_defaults(call=do_check)


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
