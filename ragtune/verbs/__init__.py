"""The verbs of the command line, a file for those that belong together: options, what they print, exit codes."""

from __future__ import annotations

from collections.abc import Callable

from ragtune.options import Verbs
from ragtune.verbs import asking, checking, corpora, demo, gating, running, scoring, searching, starting

#: each adds its verbs to the parser, in the order of ``--help``
VERBS: tuple[Callable[[Verbs], None], ...] = (
    starting.add,
    demo.add,
    running.add,
    searching.add,
    asking.add,
    corpora.add,
    scoring.add,
    gating.add,
    checking.add,
)
