"""What options of the command line have in common: their types, their errors."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias

from ragtune.errors import RagtuneError

STORE = Path(".ragtune")
ASIDE = "move aside, to NAME~1, what stands in the Run folder and is no Run"
RAW = argparse.RawDescriptionHelpFormatter
Verbs: TypeAlias = "argparse._SubParsersAction[OneLine]"


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
