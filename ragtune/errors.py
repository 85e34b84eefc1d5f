"""Errors for users: one line that says what is wrong, where, and how to mend it.

``ragtune`` the command prints ``str(error)`` and leaves with ``exit_code``; a traceback is only for bugs.
"""

from __future__ import annotations

import re

#: the user name and password of an address; names of variables, ${USER}:${PASSWORD}, are no secret
_LOGIN = re.compile(r"(?<=://)(?!(?:\$\{\w+\}:?)+@)[^/\s]*@")


def without_login(text: str) -> str:
    """The text with every address in it freed of its user name and password."""
    return _LOGIN.sub("", text)


class RagtuneError(Exception):
    """Base of every error that ragtune raises on purpose."""

    exit_code = 2

    def __init__(self, what: str, *, where: object = None, fix: str | None = None) -> None:
        parts = [what]
        if where is not None:
            parts[0] = f"{where}: {what}"
        if fix:
            parts.append(fix)
        super().__init__(without_login(" ".join(" ".join(part.split()) for part in parts)))


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
