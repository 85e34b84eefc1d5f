"""The command line: its verbs, and what becomes of errors. What the verbs do is in ``api``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ragtune import __version__
from ragtune.errors import RagtuneError
from ragtune.options import RAW, OneLine
from ragtune.verbs import VERBS


def parser_of() -> argparse.ArgumentParser:
    """The parser with every verb."""
    parser = OneLine(
        prog="ragtune",
        description="Prompt, retrieve, fine-tune, or both? Run one experiment and see the evidence.",
        formatter_class=RAW,
        epilog='examples:\n  ragtune demo\n  ragtune run experiments/quickstart.yaml\n  ragtune ask runs/quickstart --setup rag "Who approves overtime?"\n  ragtune doctor',
    )
    parser.add_argument("--version", action="version", version=f"ragtune {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for add in VERBS:
        add(verbs)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; errors for users are one line on stderr and their exit code."""
    parser = parser_of()
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
