"""ragtune: should you prompt, retrieve, fine-tune, or both? Run one experiment and see the evidence."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"
#: public name -> the module that holds it; loaded when used, so that ``import ragtune`` stays light
_HOMES = {
    **dict.fromkeys(("run", "plan", "ask", "export", "score", "search", "check", "write_report"), "ragtune.api"),
    "load_run": "ragtune.experiment.folder",
    "Run": "ragtune.experiment.folder",
    "Experiment": "ragtune.experiment.spec",
    "Setup": "ragtune.experiment.spec",
    **dict.fromkeys(("Question", "Answer", "Score"), "ragtune.records"),
    "RagtuneError": "ragtune.errors",
}
__all__ = [
    "Answer",
    "Experiment",
    "Question",
    "RagtuneError",
    "Run",
    "Score",
    "Setup",
    "__version__",
    "ask",
    "check",
    "export",
    "load_run",
    "plan",
    "run",
    "score",
    "search",
    "write_report",
]

if TYPE_CHECKING:
    from ragtune.api import ask, check, export, plan, run, score, search, write_report
    from ragtune.errors import RagtuneError
    from ragtune.experiment.folder import Run, load_run
    from ragtune.experiment.spec import Experiment, Setup
    from ragtune.records import Answer, Question, Score


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'ragtune' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
