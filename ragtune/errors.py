"""Errors for users: one line that says what is wrong, where, and how to mend it.

``ragtune`` the command prints ``str(error)`` and leaves with ``exit_code``; a traceback is only for bugs.
"""

from __future__ import annotations


class RagtuneError(Exception):
    """Base of every error that ragtune raises on purpose."""

    exit_code = 2

    def __init__(self, what: str, *, where: object = None, fix: str | None = None) -> None:
        parts = [what]
        if where is not None:
            parts[0] = f"{where}: {what}"
        if fix:
            parts.append(fix)
        super().__init__(" ".join(" ".join(part.split()) for part in parts))


class ExperimentError(RagtuneError):
    """The experiment file is wrong."""


class CorpusError(RagtuneError):
    """Documents or questions are missing or wrong."""


class ModelError(RagtuneError):
    """A model cannot be found, loaded or used."""


class StoreError(RagtuneError):
    """The artifact store cannot be read or written."""


class RunError(RagtuneError):
    """A Run folder is missing or wrong."""
