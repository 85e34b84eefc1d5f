"""Does an answer go round in circles? What small models do that were tuned too little, or too long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ragtune.text.words import plain_words

#: words of a phrase that is counted, and how often it must stand
PHRASE, TIMES = 4, 4
#: a phrase that is said over and over without a break has at most so many words
LONGEST = 24


def repeats_itself(text: str) -> bool:
    """True where a phrase stands four times in a row (over eight words or more), or where phrases of four words that stand four
    times or more make up most of the text."""
    words = plain_words(text)
    return _in_a_row(words) or _mostly(words)


def _in_a_row(words: Sequence[str]) -> bool:
    for size in range(1, min(LONGEST, len(words) // TIMES) + 1):
        wanted, run = max(size * TIMES, 2 * PHRASE), size
        for at in range(size, len(words)):
            run = run + 1 if words[at] == words[at - size] else size
            if run >= wanted:
                return True
    return False


def _mostly(words: Sequence[str]) -> bool:
    phrases = [tuple(words[at : at + PHRASE]) for at in range(len(words) - PHRASE + 1)]
    often = {phrase for phrase, n in Counter(phrases).items() if n >= TIMES}
    covered = {at + n for at, phrase in enumerate(phrases) if phrase in often for n in range(PHRASE)}
    return 2 * len(covered) > len(words)
