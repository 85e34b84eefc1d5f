"""A conversation the nano model learns from, and how hard the next ones are (the curriculum)."""

from __future__ import annotations

from dataclasses import dataclass

ABSTAIN = "I don't know."


@dataclass(frozen=True)
class Conversation:
    """``contexts`` are (title or '', text) pairs; ``turns`` are (question, answer) pairs."""

    contexts: tuple[tuple[str, str], ...]
    turns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Level:
    """How hard the next conversations are (the curriculum)."""

    contexts: int
    sentences: int
    turns: int
    prose: float
    pages: float = 0.0
    more: bool = False  # relations, titles and words of the second leg too


def level(step: int, total: int) -> Level:
    """Contexts start with one sentence and grow; prose joins once copying has formed."""
    done = step / max(1, total)
    if done < 0.06:
        return Level(1, 1, 2, 0.0, 0.0)
    if done < 0.12:
        return Level(2, 2, 5, 0.1, 0.4)
    return Level(3, 3, 5, 0.18, 0.54)
