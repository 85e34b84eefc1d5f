"""The command line's verbs and options."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from ragtune import __version__
from ragtune.errors import RagtuneError

STORE = Path(".ragtune")
ASIDE = "move aside, to NAME~1, what stands in the Run folder and is no Run"
Call = Callable[[argparse.Namespace], int]


class OneLine(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. See `{self.prog} --help`.\n")


def whole(text: str) -> int:
    """The whole number of an option."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'this takes a whole number, not "{text}"') from None


def number(text: str) -> float:
    """The number of an option."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'this takes a number, not "{text}"') from None


def pairs(values: Sequence[str], option: str) -> dict[str, float]:
    """The ``metric=number`` values of an option.

    Raises:
        RagtuneError: a value is none.
    """
    found = {}
    for value in values:
        name, sep, share = value.partition("=")
        try:
            found[name.strip()] = float(share)
        except ValueError:
            sep = ""
        if not sep:
            raise RagtuneError(
                f'"{value}" is not of the form metric=number.',
                where=option,
                fix=f"For example {option} faithfulness=0.02.",
            )
    return found


def margin(values: Sequence[str], default: float) -> float:
    """The one value of ``--margin`` that names no metric.

    Raises:
        RagtuneError: there are several, or it is no number.
    """
    plain = [m for m in values if "=" not in m]
    if len(plain) > 1:
        raise RagtuneError(
            f"--margin is given {len(plain)} times ({', '.join(plain)}).", fix="Give one, or METRIC=SHARE for each."
        )
    try:
        return float(plain[0]) if plain else default
    except ValueError:
        fix = "For example --margin 0.02, or --margin faithfulness=0.02."
        raise RagtuneError(f'"{plain[0]}" is no number.', where="--margin", fix=fix) from None


def parser_of(calls: Mapping[str, Call]) -> argparse.ArgumentParser:
    """The parser; ``calls`` maps a verb to what does it."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = OneLine(
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
    p.add_argument("--until", choices=("untuned",), help="stop before anything is tuned; run it again to go on")
    p.add_argument("--watch", action="store_true", help="open the report as soon as there is one; it renews itself")
    p.add_argument("--set", action="append", metavar="A.B=C", help="override a key; may be repeated")
    p.add_argument("--limit", type=whole, metavar="N", help="answer only N questions, spread over the split")
    p.add_argument("--out", type=Path, help="Run folder (default: runs/NAME)")
    p.add_argument("--force", action="store_true", help=ASIDE)
    p.add_argument("--report", type=Path, help="report file (default: reports/NAME.html)")
    p.add_argument("--store", type=Path, default=STORE, help=f"where finished work is kept (default: {STORE})")
    p.set_defaults(call=calls["run"])

    p = verbs.add_parser("report", help="write the HTML report of a Run again")
    p.add_argument("run", type=Path, help="Run folder")
    p.add_argument("--out", type=Path, help="HTML file (default: reports/NAME.html)")
    p.set_defaults(call=calls["report"])

    p = verbs.add_parser(
        "ask",
        help="ask the assistant of a Run, an experiment file or a corpus folder",
        formatter_class=raw,
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
    p.set_defaults(call=calls["ask"])

    p = verbs.add_parser(
        "export",
        help="write a tuned setup's adapter, or the whole model, to a folder",
        formatter_class=raw,
        epilog="example:\n  ragtune export runs/quickstart --setup rag-tuned models/reader --merged",
    )
    p.add_argument("run", type=Path, help="Run folder")
    p.add_argument("dest", type=Path, help="a new folder")
    p.add_argument("--setup", required=True, help="which tuned setup")
    p.add_argument("--seed", type=whole, help="which seed's tuning (default: the first)")
    p.add_argument("--merged", action="store_true", help="the model with the adapter in its weights")
    p.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), help="what weights are kept in")
    p.add_argument("--store", type=Path, help="store, if it has moved")
    p.set_defaults(call=calls["export"])

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
    q.add_argument(
        "--split", default="test", choices=("train", "dev", "test"), help="split of questions that name none"
    )
    q.set_defaults(call=calls["import"])
    q = actions.add_parser("info", help="counts, token histogram, splits, duplicates, leaks")
    q.add_argument("dest", type=Path, metavar="CORPUS")
    q.add_argument("--json", action="store_true")
    q.add_argument("--allow-leaks", action="store_true", help="report leaks without failing")
    q.set_defaults(call=calls["info"])

    p = verbs.add_parser(
        "score",
        help="score answers of any system (JSONL or CSV); several files are compared question by question",
        formatter_class=raw,
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
    p.set_defaults(call=calls["score"])

    p = verbs.add_parser("judge", help="measure a judge against human labels")
    actions = p.add_subparsers(dest="action", required=True, metavar="ACTION")
    q = actions.add_parser(
        "evaluate",
        help="AUC, agreement, kappa and calibration of a judge on labelled answers",
        formatter_class=raw,
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
    q.set_defaults(call=calls["judge"])

    p = verbs.add_parser("baseline", help="keep the scores of a Run for later checks")
    actions = p.add_subparsers(dest="action", required=True, metavar="ACTION")
    q = actions.add_parser("save", help="write a baseline file from a Run")
    q.add_argument("run", type=Path, help="Run folder")
    q.add_argument(
        "-o", "--out", type=Path, default=Path("baseline.json"), help="file to write (default: baseline.json)"
    )
    q.add_argument("--force", action="store_true", help="overwrite a file that stands there")
    q.set_defaults(call=calls["baseline"])

    p = verbs.add_parser(
        "check",
        help="check a Run against a baseline: exit 0 held, 1 regressed, 2 cannot compare, 3 too much unscored",
        formatter_class=raw,
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
    p.set_defaults(call=calls["check"])

    p = verbs.add_parser("doctor", help="versions, devices, bundled models, extras")
    p.set_defaults(call=calls["doctor"])
    return parser
