"""An answer that is handed on while it is made."""

from __future__ import annotations

from collections.abc import Callable

from ragtune.text.outcome import certain

#: gets the text of an answer piece by piece
OnText = Callable[[str], None]


class Spoken:
    """Hands on what is certain of a reply, piece by piece; no piece is taken back, and the last one makes the answer whole.

    ``begun_anew``: what was handed on proved to be a thought (its end came without a beginning, which some servers leave away);
    then a line break was handed on, and after it the answer.
    """

    def __init__(self, on_text: OnText) -> None:
        self._on_text, self._said = on_text, ""
        self.begun_anew = False

    def hear(self, raw: str, shown: int) -> None:
        """Hand on what is new and certain of the reply ``raw`` to ``shown`` contexts."""
        text = certain(raw, shown)
        if text.startswith(self._said):
            self._give(text)

    def end(self, text: str) -> None:
        """Hand on what is missing of the answer's text."""
        if not text.startswith(self._said):
            self._on_text("\n")
            self._said, self.begun_anew = "", True
        self._give(text)

    def _give(self, text: str) -> None:
        piece, self._said = text[len(self._said) :], text
        if piece:
            self._on_text(piece)
