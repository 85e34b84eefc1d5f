"""What a first experiment may take: time or money, as a user writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ragtune.errors import RagtuneError

_TIME = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_FORM = re.compile(r"(\d+(?:[.,]\d+)?)\s*([A-Za-z€$£]{1,4})")
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP"}


@dataclass(frozen=True)
class Budget:
    """``seconds`` or ``money`` in ``currency``; what is None is not limited."""

    seconds: float | None = None
    money: float | None = None
    currency: str = ""


def read_budget(text: str | None) -> Budget:
    """``30m``, ``2h``, ``5EUR`` as a Budget.

    Raises:
        RagtuneError: it is neither, or nothing could be done with it.
    """
    if not text:
        return Budget()
    found = _FORM.fullmatch(text.strip())
    if not found:
        raise RagtuneError(f'"{text}" is no budget.', where="--budget", fix="For example 30m, 2h, or 5EUR.")
    value, unit = float(found[1].replace(",", ".")), found[2]
    if value <= 0:
        raise RagtuneError(f"nothing can be done for {text}.", where="--budget", fix="For example 30m, 2h, or 5EUR.")
    if unit.lower() in _TIME:
        return Budget(seconds=value * _TIME[unit.lower()])
    currency = _SIGNS.get(unit, unit.upper())
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise RagtuneError(f'"{unit}" is neither a time (s, m, h) nor a currency (EUR, USD, ...).', where="--budget")
    return Budget(money=value, currency=currency)


@dataclass(frozen=True)
class Prices:
    """Prices of a million prompt and answer tokens."""

    prompt: float
    answer: float

    def of(self, prompt: float, answer: float) -> float:
        """What so many tokens cost."""
        return (prompt * self.prompt + answer * self.answer) / 1e6


def read_prices(text: str | None) -> Prices | None:
    """``0.15,0.60``: prices of a million prompt and answer tokens.

    Raises:
        RagtuneError: these are no two numbers.
    """
    if not text:
        return None
    try:
        prompt, answer = (float(part) for part in text.split(","))
        if prompt < 0 or answer < 0:
            raise ValueError
    except ValueError:
        raise RagtuneError(
            f'"{text}" are no two prices.',
            where="--prices",
            fix="For example --prices 0.15,0.60 (a million prompt and answer tokens).",
        ) from None
    return Prices(prompt, answer)
