"""Numbers of things in a sentence."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """``1 question``, ``1,200 questions``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
