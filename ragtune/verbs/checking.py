"""`doctor`: what this machine has."""

from __future__ import annotations

import argparse

from ragtune.options import Verbs


def add(verbs: Verbs) -> None:
    p = verbs.add_parser("doctor", help="versions, devices, bundled models, extras")
    p.set_defaults(call=do_doctor)


def do_doctor(args: argparse.Namespace) -> int:
    from ragtune.doctor import report

    lines, ok = report()
    print("\n".join(lines))
    return 0 if ok else 1
