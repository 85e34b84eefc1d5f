"""ragtune: should you prompt, retrieve, fine-tune, or both? Run one experiment and see the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "load_run"]

if TYPE_CHECKING:
    from ragtune.experiment.folder import load_run


def __getattr__(name: str) -> object:
    if name == "load_run":  # loaded when used: `import ragtune` stays light
        from ragtune.experiment.folder import load_run

        return load_run
    raise AttributeError(f"module 'ragtune' has no attribute {name!r}")
